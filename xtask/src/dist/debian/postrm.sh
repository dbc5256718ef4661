#!/bin/sh
# After the files went. What was kept in /var/lib/stoa is nobody's to remove but its owner's, nor is the account.
set -e

if [ "$1" = purge ]; then
    if command -v deb-systemd-helper >/dev/null; then
        deb-systemd-helper purge stoa.socket stoa.service >/dev/null || true
    fi
    if [ -e /var/lib/stoa ]; then
        echo "stoa: the modules in /var/lib/stoa were left" >&2
    fi
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
fi

#!/bin/sh
# After unpacking: the account, and the service where systemd runs.
set -e

if [ "$1" = configure ]; then
    if ! getent passwd stoa >/dev/null; then
        if command -v systemd-sysusers >/dev/null; then
            systemd-sysusers /usr/lib/sysusers.d/stoa.conf
        else
            useradd --system --user-group --no-create-home --home-dir /var/lib/stoa \
                --shell /usr/sbin/nologin --comment "Stoa, a mirror of Go modules" stoa
        fi
    fi
    # The service may read its settings, and others may not: addresses in them can hold passwords. Once the file is
    # here it is its owner's to decide.
    if [ -z "$2" ]; then
        chgrp stoa /etc/stoa/stoa.toml
        install -d -m 0750 -o stoa -g stoa /var/lib/stoa
    fi
    if command -v deb-systemd-helper >/dev/null; then
        deb-systemd-helper unmask stoa.socket stoa.service >/dev/null || true
        if [ -z "$2" ]; then
            deb-systemd-helper enable stoa.socket stoa.service >/dev/null || true
        fi
    fi
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload
        if [ -z "$2" ]; then
            deb-systemd-invoke start stoa.socket stoa.service || true
        else
            # Removed and installed again, the units stand still: what is enabled is started, as debhelper's scripts do.
            deb-systemd-invoke start stoa.socket stoa.service || true
            # The socket stays open, so that nobody is refused meanwhile.
            deb-systemd-invoke try-restart stoa.service || true
        fi
    fi
fi

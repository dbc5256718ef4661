#!/bin/sh
# Before the files go; an upgrade restarts the service when they are new.
set -e

if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    deb-systemd-invoke stop stoa.socket stoa.service || true
fi

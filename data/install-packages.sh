#!/bin/sh
# Usage: data/install-packages.sh PACKAGE…
# Installs the missing ones of these packages (Debian, Ubuntu); if none is missing, needs neither root nor network.
set -eu

# leaves the missing ones in "$@": each is removed from the front, and appended if it is missing
for package; do
    shift
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
    *" installed") ;;
    *) set -- "$@" "$package" ;;
    esac
done
[ $# -gt 0 ] || exit 0
echo "installing $*"
sudo=""
[ "$(id -u)" -eq 0 ] || sudo=sudo
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"

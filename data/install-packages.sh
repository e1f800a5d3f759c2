#!/bin/sh
# Usage: data/install-packages.sh PACKAGE…
# Installs those of the packages (Debian, Ubuntu) that are missing; where none is, needs neither root nor network.
set -eu

# leaves in "$@" the missing ones: each is taken off the front, and put back at the end
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

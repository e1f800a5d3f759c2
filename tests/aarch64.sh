#!/bin/sh
# 64-bit ARM, emulated: cross-builds with the NEON kernels, runs the tests of the library's functions, and trains
# every example config, which must leave the same bytes as the native build does. For Debian on another processor;
# some minutes on two cores. Not part of tests/run.sh.
#
#   tests/aarch64.sh
#
# Installs a cross compiler, an emulator and what the native build needs; libraries for ARM are unpacked in
# build-test/aarch64/sysroot and nowhere else.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
work=$root/build-test/aarch64
jobs=$(nproc)
sudo=""
[ "$(id -u)" -eq 0 ] || sudo=sudo

missing=""
for package in gcc libc6-dev make cmake libstb-dev libcjson-dev libcsv-dev libexif-dev libmd-dev libxxhash-dev libseccomp-dev \
    zlib1g-dev libpng-dev libcmocka-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
    *" installed") ;;
    *) missing="$missing $package" ;;
    esac
done
if [ -n "$missing" ]; then
    echo "installing$missing"
    $sudo apt-get update -qq
    # word splitting is wanted: a list of packages
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

# arm_apt ARGUMENT...: apt-get with lists of its own, which cover ARM: the system's stay as they are.
arm_apt() {
    apt-get -qq -o APT::Architectures::=arm64 -o APT::Sandbox::User= \
        -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" "$@"
}

arm_packages="libcjson1:arm64 libcjson-dev:arm64 libcsv3:arm64 libcsv-dev:arm64 libexif12:arm64 libexif-dev:arm64
              libmd0:arm64 libmd-dev:arm64 libxxhash0:arm64 libxxhash-dev:arm64 libseccomp2:arm64 libseccomp-dev:arm64
              zlib1g:arm64 zlib1g-dev:arm64 libpng16-16:arm64 libpng-dev:arm64 libcmocka0:arm64 libcmocka-dev:arm64"
if [ "$(cat "$work/sysroot/complete" 2>/dev/null)" != "$arm_packages" ]; then
    echo "== libraries for ARM"
    rm -rf "$work/apt" "$work/sysroot"
    mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/apt/packages" "$work/sysroot"
    arm_apt update
    (
        cd "$work/apt/packages"
        # word splitting is wanted: a list of packages
        # shellcheck disable=SC2086
        arm_apt download $arm_packages
    )
    for package in "$work"/apt/packages/*.deb; do
        dpkg-deb -x "$package" "$work/sysroot"
    done
    mkdir -p "$work/sysroot/usr/include"
    cp -R /usr/include/stb "$work/sysroot/usr/include/" # headers only, the same everywhere
    printf '%s\n' "$arm_packages" >"$work/sysroot/complete"
fi

echo "== build, native and for ARM"
{
    cmake -S . -B "$work/native" -DCNN_WERROR=ON
    cmake --build "$work/native" --parallel "$jobs"
    cmake -S . -B "$work/arm" -DCNN_WERROR=ON -DCNN_SYSROOT="$work/sysroot" \
        -DCMAKE_TOOLCHAIN_FILE="$root/tests/aarch64-toolchain.cmake"
    cmake --build "$work/arm" --parallel "$jobs"
} >"$work/build.log" # errors are on stderr

echo "== tests"
failed=""
ctest --test-dir "$work/arm" --label-exclude cli --output-on-failure --parallel "$jobs" || failed="$failed tests"

# A program for ARM under the name that tests/cli expects a program to have.
cat >"$work/cnntrain" <<END
#!/bin/sh
exec qemu-aarch64 -L /usr/aarch64-linux-gnu "$work/arm/cnntrain" "\$@"
END
chmod +x "$work/cnntrain"

# checksums PROGRAM: name and checksum of every config, trained on one thread and on three.
checksums() {
    configs=""
    for config in "$root"/configs/*.json "$root"/configs/*/*.json; do
        [ ! -f "$config" ] || configs="$configs $config"
    done
    # word splitting is wanted: a list of files
    # shellcheck disable=SC2086
    CNNTRAIN=$1 CNNPREDICT=$work/native/cnnpredict MAKE_IMAGES=$work/native/tests/make_images SOURCE=$root \
        BUILD=$work/native SAME_BYTES_THREADS="1 3" sh tests/cli/same_bytes.sh $configs
}

echo "== the same bytes"
checksums "$work/native/cnntrain" >"$work/native.txt" || failed="$failed native-bytes"
checksums "$work/cnntrain" >"$work/arm.txt" || failed="$failed arm-bytes"
cat "$work/arm.txt"
diff "$work/native.txt" "$work/arm.txt" || failed="$failed native-against-arm"

if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "ARM computes the same bytes"

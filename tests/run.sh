#!/bin/sh
# Installs what the tests need (Debian, Ubuntu) and runs every test: with GCC, with Clang, with the kernels for
# any processor, and under the address, undefined-behaviour and thread sanitizers. Some minutes on two cores.
#
#   tests/run.sh                   everything
#   CNN_CORPUS=DIR tests/run.sh    … and every image below DIR through the decoder
set -eu
cd "$(dirname "$0")/.."

packages="gcc libc6-dev make cmake clang libomp-dev libstb-dev libcjson-dev libcsv-dev libmd-dev
          zlib1g-dev libcmocka-dev pkg-config mandoc dataset-fashion-mnist"
missing=""
for package in $packages; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
    *" installed") ;;
    *) missing="$missing $package" ;;
    esac
done
if [ -n "$missing" ]; then
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    echo "installing$missing"
    $sudo apt-get update -qq
    # word splitting is wanted: a list of packages
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

jobs=$(nproc)
failed=""

# test_build NAME COMPILER [CMAKE-OPTION ...]: builds in build-test/NAME, warnings being errors, and runs all tests.
test_build() {
    name=$1
    compiler=$2
    shift 2
    echo "== $name"
    cmake -S . -B "build-test/$name" -DCMAKE_C_COMPILER="$compiler" -DCNN_WERROR=ON "$@" \
        >"build-test/$name.log" 2>&1 &&
        cmake --build "build-test/$name" --parallel "$jobs" >>"build-test/$name.log" 2>&1 || {
        cat "build-test/$name.log"
        failed="$failed $name(build)"
        return 0
    }
    run_tests "$name" "$name"
}

# run_tests NAME BUILD: runs the tests of a build.
run_tests() {
    ctest --test-dir "build-test/$2" --output-on-failure --parallel "$jobs" ||
        failed="$failed $1"
}

mkdir -p build-test
test_build gcc gcc
echo "== gcc, CNN_ISA=generic"
CNN_ISA=generic run_tests "gcc(generic)" gcc
test_build clang clang
test_build gcc-sanitized gcc -DCNN_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=RelWithDebInfo
# Clang's OpenMP tells ThreadSanitizer, through its tool Archer, what waits for what; GCC's does not. What it does inside is
# not looked at.
TSAN_OPTIONS=ignore_noninstrumented_modules=1
export TSAN_OPTIONS
test_build clang-threads clang -DCNN_SANITIZE=thread -DCMAKE_BUILD_TYPE=RelWithDebInfo

if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "all tests passed"

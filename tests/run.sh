#!/bin/sh
# Installs what the tests need (Debian, Ubuntu), looks for bugs without running anything (tests/static.sh), and runs
# every test: with GCC, with Clang, with the kernels for any processor, and under the address, undefined-behaviour and
# thread sanitizers. Some minutes on two cores.
#
#   tests/run.sh                   everything
#   CNN_CORPUS=DIR tests/run.sh    … and every image below DIR through the decoder
#   CNN_CHECK_DATA=DIR tests/run.sh  … and --check-data on the two class folders in DIR
set -eu
cd "$(dirname "$0")/.."

data/install-packages.sh gcc libc6-dev make cmake clang libstb-dev libcjson-dev libcsv-dev \
    libexif-dev libmd-dev libxxhash-dev libseccomp-dev zlib1g-dev libpng-dev libcmocka-dev pkg-config mandoc valgrind \
    clang-tidy cppcheck zsh fish dataset-fashion-mnist

jobs=$(nproc)
failed=""

# build NAME COMPILER [CMAKE-OPTION ...]: builds in build-test/NAME, warnings being errors.
build() {
    name=$1
    compiler=$2
    shift 2
    echo "== $name"
    cmake -S . -B "build-test/$name" -DCMAKE_C_COMPILER="$compiler" -DCNN_WERROR=ON "$@" \
        >"build-test/$name.log" 2>&1 &&
        cmake --build "build-test/$name" --parallel "$jobs" >>"build-test/$name.log" 2>&1 || {
        cat "build-test/$name.log"
        failed="$failed $name(build)"
        return 1
    }
}

# run_tests NAME [CTEST-OPTION ...]: runs the tests of a build.
run_tests() {
    name=$1
    shift
    ctest --test-dir "build-test/$name" --output-on-failure --parallel "$jobs" "$@" ||
        failed="$failed $name"
}

mkdir -p build-test
echo "== clang-tidy, cppcheck"
tests/static.sh || failed="$failed static"
if build gcc gcc; then
    run_tests gcc
    echo "== gcc, CNN_ISA=generic" # tests of kernels go through all of them anyway
    CNN_ISA=generic run_tests gcc --label-exclude '^(cli|kernels|inject)$'
fi
# calls fail alike whatever the compiler
build clang clang && run_tests clang --label-exclude inject
# without those that take long there and run nothing that others do not
build gcc-sanitized gcc -DCNN_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=RelWithDebInfo &&
    run_tests gcc-sanitized --exclude-regex '(test_winograd|cli_same_bytes|cli_examples|cli_fashion)$'
# what uses threads and does not take minutes there; -DCNN_SANITIZE=thread builds all
build gcc-threads gcc -DCNN_SANITIZE=thread -DCMAKE_BUILD_TYPE=RelWithDebInfo &&
    run_tests gcc-threads --tests-regex \
        '(base|cache|data|images|configs?|model(_file)?|seed_network|float64|training_run|train|predict|full_disk|actions)$'

if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "all tests passed"

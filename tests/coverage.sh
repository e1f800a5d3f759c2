#!/bin/sh
# Which lines and branches of src/ the tests run, and which they do not: builds with counters in build-test/coverage,
# runs the tests, prints gcovr's tables (the last column of the first names the lines that no test ran) and leaves the
# same with the sources in build-test/coverage/html/index.html. Not part of tests/run.sh.
#
#   tests/coverage.sh
set -eu
cd "$(dirname "$0")/.."

data/install-packages.sh gcc libc6-dev make cmake libstb-dev libcjson-dev libcsv-dev libjpeg-dev nettle-dev libutf8proc-dev libxxhash-dev \
    libseccomp-dev zlib1g-dev libpng-dev libwebp-dev libtiff-dev libarchive-dev libprotobuf-c-dev protobuf-c-compiler libonnx-dev libcmocka-dev gcovr

build=build-test/coverage
jobs=$(nproc)
mkdir -p build-test
# Counters are written to files at the end of a program, which cnnpredict's sandbox forbids: CNN_SANITIZED is a build
# without one. Atomic, because threads count, too.
cmake -S . -B $build -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_C_FLAGS="-O1 --coverage -fprofile-update=atomic -DCNN_SANITIZED" -DCNN_TEST_TIMEOUT=1200 >$build.log
cmake --build $build --parallel "$jobs" >>$build.log
find $build -name '*.gcda' -delete

# Left out: fashion, bench and same_bytes take long and run no code that other tests do not run; install links the library
# elsewhere, without counters; valgrind runs no additional code; sandbox needs one.
result=0
ctest --test-dir $build --output-on-failure --parallel "$jobs" --exclude-regex '^soak_|cli_(fashion|bench|same_bytes|install|valgrind|sandbox)$' ||
    result=1

gcovr --root . --filter src/ -j "$jobs" --json $build/coverage.json $build/src $build/tests
gcovr --root . --add-tracefile $build/coverage.json
gcovr --root . --add-tracefile $build/coverage.json --branches
mkdir -p $build/html
gcovr --root . --add-tracefile $build/coverage.json --html-details $build/html/index.html
exit $result

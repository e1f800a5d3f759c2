#!/bin/sh
# clang-tidy (.clang-tidy) and cppcheck (tests/cppcheck.txt) over src/, data/ and tests/; every finding is an error.
# tests/run.sh runs it. Half a minute on two cores.
#
#   tests/static.sh           without Clang's path-sensitive analyzer
#   tests/static.sh --full    … and with it: six times as long, and findings that may be false
set -eu
cd "$(dirname "$0")/.."

data/install-packages.sh clang libc6-dev make cmake libstb-dev libcjson-dev libcsv-dev libexif-dev libmd-dev libxxhash-dev \
    libseccomp-dev zlib1g-dev libpng-dev libcmocka-dev clang-tidy cppcheck

checks="-clang-analyzer-*"
[ "${1-}" != --full ] || checks=""
build=build-test/static
mkdir -p build-test
jobs=$(nproc)
cmake -S . -B $build -DCMAKE_C_COMPILER=clang -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >$build.log

failed=""
# its progress, and how much it suppressed in system headers, go to stderr
sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' $build/compile_commands.json | sort -u |
    xargs -P "$jobs" -n 1 clang-tidy -p $build --quiet --warnings-as-errors='*' --checks="$checks" \
        2>$build/clang-tidy.log || failed="$failed clang-tidy"
cppcheck --project=$build/compile_commands.json -j "$jobs" --quiet --enable=warning,performance,portability \
    --suppressions-list=tests/cppcheck.txt --error-exitcode=1 || failed="$failed cppcheck"

if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "nothing found"

#!/bin/sh
# clang-tidy and cppcheck over src/, data/ and tests/; every finding is an error. Only the checks that the project names
# run: those of .clang-tidy and of tests/cppcheck_checks.txt, so that a newer clang-tidy or cppcheck adds none.
# tests/cppcheck.txt lists false findings of cppcheck. tests/run.sh runs this at the lowest priority.
#
#   tests/static.sh               clang-tidy over src/ and data/, without Clang's path-sensitive analyzer
#   tests/static.sh --cppcheck    … over tests/, too, and cppcheck
#   tests/static.sh --full        … both, with the analyzer: six times as long, and findings that may be false
set -eu
cd "$(dirname "$0")/.."

data/install-packages.sh clang libc6-dev make cmake libstb-dev libcjson-dev libcsv-dev libjpeg-dev nettle-dev libutf8proc-dev libxxhash-dev \
    libseccomp-dev zlib1g-dev libpng-dev libwebp-dev libtiff-dev libarchive-dev libprotobuf-c-dev protobuf-c-compiler libonnx-dev libcmocka-dev clang-tidy cppcheck

checks="-clang-analyzer-*"
folders="src|data|tests"
cppcheck=yes
case ${1-} in
"") folders="src|data" cppcheck= ;;
--cppcheck) ;;
--full) checks="" ;;
*)
    echo "usage: tests/static.sh [--cppcheck | --full]" >&2
    exit 2
    ;;
esac
build="build-test/static"
mkdir -p build-test
jobs=$(nproc)
cmake -S . -B $build -DCMAKE_C_COMPILER=clang -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >$build.log
cmake --build $build --target schemas >>$build.log # protoc-c writes sources, whose headers ours include

failed=""
# its progress, and how much it suppressed in system headers, go to stderr. A process for several files, as it takes a
# third of the time that a small one takes to start
sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' $build/compile_commands.json | grep -v '\.pb-c\.c$' | grep -E "^$PWD/($folders)/" | sort -u |
    xargs -P "$jobs" -n 8 clang-tidy -p $build --quiet --warnings-as-errors='*' --checks="$checks" \
        2>$build/clang-tidy.log || failed="$failed clang-tidy"

if [ -n "$cppcheck" ]; then
    # a line for a finding: severity, check, place, message
    cppcheck --project=$build/compile_commands.json -j "$jobs" --quiet --enable=warning,performance,portability \
        --suppressions-list=tests/cppcheck.txt --template='{severity} {id} {file}:{line}: {message}' --template-location='' \
        2>$build/cppcheck.log || failed="$failed cppcheck(run)"
    awk '
        NR == FNR { if ($1 !~ /^#/) for (i = 2; i <= NF; i++) counts[substr($1, 1, length($1) - 1) " " $i] = 1; next }
        $3 ~ /\.pb-c\.[ch]:/ { next } # not ours
        ($1 " " $2) in counts { print; found = 1 }
        END { exit found }' tests/cppcheck_checks.txt $build/cppcheck.log || failed="$failed cppcheck"
fi

if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "nothing found"

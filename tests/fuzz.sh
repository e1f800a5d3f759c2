#!/bin/sh
# Fuzzes every reader of bytes from outside: tests/fuzz.sh [SECONDS [NAME...]], 60 seconds for each harness by
# default. Installs what that needs (Debian, Ubuntu), builds in build-fuzz/ with Clang's libFuzzer and
# sanitizers, runs as many harnesses at once as there are processors, and prints for each how many inputs were
# tried, how many edges of the program they reach, and what they broke. Inputs that reach more stay in
# build-fuzz/corpus/ for the next time, those that crash, hang or take too much memory in build-fuzz/found/.
# tests/fuzz/README.md says what to do with these.
set -eu
cd "$(dirname "$0")/.."

seconds=${1:-60}
case $seconds in
"" | *[!0-9]*)
    echo "usage: tests/fuzz.sh [SECONDS [NAME...]]" >&2
    exit 2
    ;;
esac
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- model onnx safetensors checkpoint cache_file config sweep manifest image html plot archive

data/install-packages.sh clang llvm cmake make libc6-dev libstb-dev libcjson-dev libcsv-dev libjpeg-dev nettle-dev \
    libutf8proc-dev libxxhash-dev libseccomp-dev zlib1g-dev libpng-dev libwebp-dev libtiff-dev libarchive-dev libprotobuf-c-dev protobuf-c-compiler libonnx-dev libcmocka-dev

folder=build-fuzz
mkdir -p "$folder/found" "$folder/logs"
build() {
    cmake -S . -B "$folder" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCNN_WERROR=ON \
        -DCNN_FUZZ=ON -DCNN_SANITIZE=address,undefined && cmake --build "$folder" --parallel "$(nproc)" --target fuzzers
}
if ! build >"$folder/logs/build.log" 2>&1; then
    cat "$folder/logs/build.log"
    exit 1
fi

# fuzz NAME: one harness, for $seconds seconds. An input may take 10 seconds and 2 GB: more is a finding, too.
fuzz() {
    name=$1
    shift
    [ ! -f "tests/fuzz/$name.dict" ] || set -- -dict="tests/fuzz/$name.dict"
    mkdir -p "$folder/corpus/$name"
    "$folder/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$folder/found/$name-" "$@" "$folder/corpus/$name" "tests/fuzz/seeds/$name" \
        >"$folder/logs/$name.log" 2>&1 || :
}

# the first processor takes harness 1, 1 + n, …, the second 2, 2 + n, …
jobs=$(nproc)
job=0
while [ "$job" -lt "$jobs" ]; do
    (
        i=0
        for name; do
            [ $((i % jobs)) -ne "$job" ] || fuzz "$name"
            i=$((i + 1))
        done
    ) &
    job=$((job + 1))
done
wait

printf '%-12s %12s %8s  %s\n' harness executions edges found
broken=0
for name; do
    log=$folder/logs/$name.log
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    found=$(sed -n 's/.*Test unit written to //p' "$log")
    [ -z "$found" ] || broken=1
    printf '%-12s %12s %8s  %s\n' "$name" "${executions:-?}" "${edges:-?}" "${found:-nothing}"
done
exit "$broken"

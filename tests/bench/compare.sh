#!/bin/sh
# Runs bench and pytorch.py in turn, several times, network by network, so that other load affects both. Prints the
# ratios of images/s.
#
#   tests/bench/compare.sh [CONFIG ...]      default: all of configs/bench
#
# Environment:
#   PAIRS    measurements of each, default 5
#   TIME     seconds for each number of threads and memory format in one measurement, default 1
#   THREADS  such as 1,2; default: 1 and all processors
#   BATCH    batch size, default the config's
#   BENCH    the program, default build/tests/bench/cnnbench
#   PYTHON   default: the first of python3 and /usr/bin/python3 that has PyTorch
#
# Exit code 77: PyTorch is not installed.
set -eu

case ${1:-} in
-h | --help)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
    exit 0
    ;;
esac

here=$(cd "$(dirname "$0")" && pwd)
bench=${BENCH:-$here/../../build/tests/bench/cnnbench}
command -v "$bench" >/dev/null || {
    echo "compare.sh: $bench: not found; build it, or name it by BENCH" >&2
    exit 2
}
python=${PYTHON:-}
for candidate in python3 /usr/bin/python3; do
    if [ -z "$python" ] && "$candidate" -c 'import torch' 2>/dev/null; then
        python=$candidate
    fi
done
[ -n "$python" ] || {
    echo "compare.sh: PyTorch is not installed; Debian, Ubuntu: apt-get install python3-torch" >&2
    exit 77
}
[ $# -gt 0 ] || for name in seed tiny small medium; do
    set -- "$@" "$here/../../configs/bench/$name.json"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
threads=${THREADS:-1,$(nproc)}
[ "$threads" != 1,1 ] || threads=1

pair=1
while [ "$pair" -le "${PAIRS:-5}" ]; do
    for config; do
        name=$pair-$(basename "$config" .json)
        echo "pair $name" >&2
        "$bench" --isa best --no-layers --threads "$threads" --seconds "${TIME:-1}" \
            ${BATCH:+--batch "$BATCH"} --json "$work/$name-ours" "$config" >"$work/log"
        "$python" "$here/pytorch.py" --threads "$threads" --seconds "${TIME:-1}" \
            ${BATCH:+--batch "$BATCH"} --json "$work/$name-pytorch" "$config" >"$work/pytorch" 2>"$work/warning"
        printf '%s\n' "$work/$name-ours" "$work/$name-pytorch" >>"$work/files"
    done
    pair=$((pair + 1))
done
head -n 1 "$work/log"
head -n 1 "$work/pytorch"
cat "$work/warning" >&2
echo
# word splitting is intended: the name of the folder has no spaces unless TMPDIR has
# shellcheck disable=SC2046
"$python" "$here/ratios.py" $(cat "$work/files")

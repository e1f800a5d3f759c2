#!/bin/sh
# Compares the time that cnntrain and Pillow take to decode and resize the images below a folder, in turn, several
# times, so that other load affects both.
#
#   tests/bench/decode.sh FOLDER [WIDTH [HEIGHT]]      default: 96×96
#
# Environment:
#   PAIRS    measurements of each, default 5
#   IMAGES   number of images, default 2000; if there are fewer, they are read several times
#   BENCH    the program, default build/tests/bench/cnndecode
#   PYTHON   default: python3
#
# Exit code 77: Pillow is not installed.
set -eu

case ${1:-} in
"" | -h | --help)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
    exit 0
    ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
bench=${BENCH:-$here/../../build/tests/bench/cnndecode}
python=${PYTHON:-python3}
width=${2:-96}
height=${3:-$width}
images=${IMAGES:-2000}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
find "$1" -type f | sort >"$work/files"
[ -s "$work/files" ] || {
    echo "decode.sh: $1: no files" >&2
    exit 2
}
: >"$work/list"
while [ "$(wc -l <"$work/list")" -lt "$images" ]; do
    cat "$work/files" >>"$work/list"
done
head -n "$images" "$work/list" >"$work/images"

pair=1
while [ "$pair" -le "${PAIRS:-5}" ]; do
    echo "pair $pair" >&2
    "$bench" "$width" "$height" 1 <"$work/images" >"$work/one"
    "$python" "$here/pillow.py" "$width" "$height" <"$work/images" >"$work/pillow" || exit $?
    "$bench" "$width" "$height" 2 <"$work/images" >"$work/two"
    cat "$work/one" "$work/two" "$work/pillow" | tr '\n' ' ' >>"$work/pairs"
    echo >>"$work/pairs"
    pair=$((pair + 1))
done

# median COLUMN-EXPRESSION: of the pairs
median() {
    awk "{ print $1 }" "$work/pairs" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
awk 'NR == 1 { printf "%d images read, %d not; by Pillow %d, %d\n", $1, $2, $9, $10 }' "$work/pairs"
printf '%-28s %8.2f s, %.0f MiB\n' "cnntrain, 1 thread" "$(median "\$3")" "$(median "\$4")"
printf '%-28s %8.2f s, %.0f MiB\n' "cnntrain, 2 threads" "$(median "\$7")" "$(median "\$8")"
printf '%-28s %8.2f s\n' "Pillow, 1 thread" "$(median "\$11")"
printf '%-28s %8.3f\n' "1 thread / Pillow" "$(median "\$3 / \$11")"
printf '%-28s %8.3f\n' "1 thread / 2 threads" "$(median "\$3 / \$7")"

#!/bin/sh
# Writes two classes of Debian's dataset-fashion-mnist as PNG folders; see --help.
set -eu
LC_ALL=C
export LC_ALL

# In the order of their labels, 0 to 9.
all_classes="t-shirt trouser pullover dress coat sandal shirt sneaker bag boot"

usage() {
    cat <<END
Usage: data/fashion-mnist.sh [CLASS_A CLASS_B [OUT]]

Writes two classes of Fashion-MNIST as PNG files into
    OUT/train/CLASS_A/  OUT/train/CLASS_B/    6000 images each
    OUT/test/CLASS_A/   OUT/test/CLASS_B/     1000 images each

The default is: t-shirt shirt data/fashion-mnist
Classes: $all_classes

An OUT that already contains exactly these two classes is left unchanged; an
OUT that contains anything else is refused.

Environment:
    FASHION_MNIST_DIR  folder of the four IDX files, by default the one of the
                       Debian package dataset-fashion-mnist
    IDX_TO_PNG         the program idx_to_png, by default build/data/idx_to_png
                       in the root of the repository

Exit status: 0 success, 1 failure, 2 wrong usage.
END
}

say() {
    printf 'fashion-mnist.sh: %s\n' "$1" >&2
}

fail() {
    say "$1"
    exit 1
}

fail_usage() {
    say "$1"
    printf "Try '%s --help'.\n" "$0" >&2
    exit 2
}

# Prints the label of the class with the name $1; fails when there is none.
label_of() {
    label=0
    for class in $all_classes; do
        if [ "$class" = "$1" ]; then
            printf '%s\n' "$label"
            return 0
        fi
        label=$((label + 1))
    done
    return 1
}

require_class() {
    label_of "$1" >/dev/null || fail_usage "unknown class '$1'; the classes are: $all_classes"
}

# True if the folder $1 contains exactly the entries $2 and $3.
holds_exactly() {
    [ -d "$1" ] && [ "$(ls -A "$1")" = "$(printf '%s\n%s\n' "$2" "$3" | sort)" ]
}

holds_requested_classes() {
    holds_exactly "$out" train test &&
        holds_exactly "$out/train" "$class_a" "$class_b" &&
        holds_exactly "$out/test" "$class_a" "$class_b"
}

is_empty_folder() {
    [ -d "$out" ] && [ ! -L "$out" ] && [ -z "$(ls -A "$out")" ]
}

# Exits if OUT exists, unless it is an empty folder.
check_out() {
    if [ ! -e "$out" ] && [ ! -L "$out" ]; then
        return 0
    fi
    if holds_requested_classes; then
        say "$out already contains $class_a and $class_b; nothing to do"
        exit 0
    fi
    if ! is_empty_folder; then
        say "$out exists and contains something other than exactly $class_a and $class_b;"
        fail "remove it or choose another OUT"
    fi
}

check_program() {
    if [ ! -f "$idx_to_png" ] || [ ! -x "$idx_to_png" ]; then
        say "cannot find the program $idx_to_png; build it with:"
        say "    cmake -S '$root' -B '$root/build'"
        say "    cmake --build '$root/build' --target idx_to_png"
        fail "or name it in the environment variable IDX_TO_PNG"
    fi
}

check_data_set() {
    for part in train t10k; do
        for kind in images-idx3 labels-idx1; do
            file=$data_set/$part-$kind-ubyte.gz
            if [ ! -r "$file" ]; then
                say "cannot read $file; install the Debian package dataset-fashion-mnist"
                fail "or name the folder of its files in FASHION_MNIST_DIR"
            fi
        done
    done
}

# Writes the part $1 of the data set (train or t10k) as the folder $2.
lay_out() {
    "$idx_to_png" "$data_set/$1-images-idx3-ubyte.gz" "$data_set/$1-labels-idx1-ubyte.gz" "$2" \
        "$(label_of "$class_a")=$class_a" "$(label_of "$class_b")=$class_b"
}

remove_partial() {
    rm -rf "$partial"
}

if [ "${1-}" = "--help" ]; then
    usage
    exit 0
fi
case $# in
0 | 2 | 3) ;;
*) fail_usage "expected no arguments, two classes, or two classes and OUT, found $# arguments" ;;
esac

class_a=${1-t-shirt}
class_b=${2-shirt}
out=${3-data/fashion-mnist}
require_class "$class_a"
require_class "$class_b"
[ "$class_a" != "$class_b" ] || fail_usage "expected two different classes, found '$class_a' twice"

out=${out%/}
case $out in
'') fail_usage "expected the path of a folder as OUT, found '${3-}'" ;;
-*) out=./$out ;; # lest a command takes it for an option
esac

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
idx_to_png=${IDX_TO_PNG:-$root/build/data/idx_to_png}
data_set=${FASHION_MNIST_DIR:-/usr/share/datasets/fashion-mnist}

check_out
check_program
check_data_set

# The images go to a folder next to OUT first, so that an existing OUT is always complete.
partial=$out.partial.$$
mkdir -p "$(dirname "$out")"
mkdir "$partial"
trap remove_partial EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
lay_out train "$partial/train"
lay_out t10k "$partial/test"
if [ -d "$out" ]; then
    rmdir "$out" # empty, or check_out would have refused it; mv would move into it
fi
mv "$partial" "$out"
say "wrote $class_a and $class_b to $out"

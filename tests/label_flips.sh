#!/bin/sh
# How many wrong labels does a report find? Flips 5 % of the labels of two pairs of Fashion-MNIST, a clean one and a
# hard one, runs a cross-validation on each, and counts the flipped images among the first 5 % of the ranking of
# doubtful labels, and among the suspicious ones. Takes half a minute on two processors.
#
#   tests/label_flips.sh [IMAGES [EPOCHS]]      default: 4000 images per pair, 8 epochs
set -eu
cd "$(dirname "$0")/.."
LC_ALL=C
export LC_ALL
cnntrain=${CNNTRAIN:-build/cnntrain}
rank_labels=${RANK_LABELS:-build/tests/rank_labels}
images=${1:-4000}
epochs=${2:-8}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
XDG_CACHE_HOME=$folder/cache # not the user's
export XDG_CACHE_HOME

# The first images / 2 of each class as a manifest, in which every 20th label of a class is wrong. Writes the paths
# of these to flipped.
list() {
    for class in "$1" "$2"; do
        other=$2
        [ "$class" = "$1" ] || other=$1
        find "$folder/$1-$2/train/$class" -name '*.png' | sort | head -n "$((images / 2))" |
            awk -v class="$class" -v other="$other" -v flipped="$folder/flipped" '
                { wrong = NR % 20 == 7; print $0 "," (wrong ? other : class) }
                wrong { print > flipped ".new" }'
        cat "$folder/flipped.new" >>"$folder/flipped"
    done
}

measure() {
    sh data/fashion-mnist.sh "$1" "$2" "$folder/$1-$2" >/dev/null 2>&1
    : >"$folder/flipped"
    {
        echo path,label
        list "$1" "$2"
    } >"$folder/manifest.csv"
    grep -v '"test":' configs/fashion.json >"$folder/config.json"
    "$cnntrain" --config "$folder/config.json" --folds 5 --quiet --out "$folder/run-$1" \
        data.train="$folder/manifest.csv" data.classes="[\"$1\",\"$2\"]" train.epochs="$epochs"
    "$rank_labels" "$folder/run-$1/predictions.csv" "$1" "$2" >"$folder/ranking"
    awk -v pair="$1/$2" '
        FILENAME ~ /flipped$/ { wrong[$0] = 1; flips++; next }
        FNR == 1 { suspicious = $0; next }
        { count++; path[count] = $0 }
        END {
            first = int(count / 20)
            for (i = 1; i <= count; i++) {
                in_first += i <= first && path[i] in wrong
                in_suspicious += i <= suspicious && path[i] in wrong
            }
            printf "%s: %d images, %d flipped; %d of them in the first %d (5 %%) of the ranking; %d suspicious, %d of them flipped\n",
                pair, count, flips, in_first, first, suspicious, in_suspicious
        }' "$folder/flipped" "$folder/ranking"
}

measure sneaker boot
measure shirt t-shirt

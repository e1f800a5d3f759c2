#!/bin/sh
# Measures each ingredient of the recipe of cnntrain --init: trains its config unchanged, then with one thing
# removed, or added, at a time. Prints a table: means over the seeds, and the differences from the recipe.
# Measured on the test images if DIR has some, else by cross-validation with 5 folds. Takes about
# fifteen times the seeds times the time that --init states.
#
#   tests/ingredients.sh DIR [SEED ...]      default seeds: 1 2 3
#
# Environment: CNNTRAIN, the program (build/cnntrain); ONLY, a pattern of grep -E for the rows to measure.
set -eu

if [ $# -lt 1 ] || [ "$1" = --help ]; then
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0" >&2
    exit 2
fi
cnntrain=${CNNTRAIN:-$(dirname "$0")/../build/cnntrain}
only=${ONLY:-.}
images=$1
shift
[ $# -gt 0 ] || set -- 1 2 3
seeds=$*
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
XDG_CACHE_HOME=$folder/cache # not the user's
export XDG_CACHE_HOME
"$cnntrain" --init "$images" >"$folder/recipe.json"
if grep -q '"test":' "$folder/recipe.json"; then
    folds=
    part="test"
else
    folds="--folds 5"
    part="pooled"
fi

# setting KEY: its value in the recipe.
setting() {
    sed -n "s/^.*\"$1\":[[:space:]]*\"\{0,1\}\([^\",]*\).*/\1/p" "$folder/recipe.json" | head -n 1
}

# without_layers TYPE: the overrides that replace every such layer by one that does nothing, also inside of residuals. A
# layer is printed two tabs deeper than the one that contains it.
without_layers() {
    awk -v type="$1" '
        match($0, /^\t+"type":/) {
            depth = (RLENGTH - 10) / 2
            count[depth]++
            count[depth + 1] = 0
            split($0, part, "\"")
            if (part[4] == type) {
                for (d = 0; d <= depth; d++) printf "%slayers.%d", d ? "." : "", count[d] - 1
                printf "={\"type\":\"dropout\",\"rate\":0} "
            }
        }' "$folder/recipe.json"
}

# measure NAME [KEY=VALUE ...]: a line "NAME accuracy AUC", means over the seeds; "-" if a run diverged.
measure() {
    name=$1
    shift
    printf '%s\n' "$name" | grep -Eq -e "$only" || return 0
    : >"$folder/results"
    for seed in $seeds; do
        # shellcheck disable=SC2086 # no words, or two
        "$cnntrain" --config "$folder/recipe.json" "$@" train.seed="$seed" $folds --quiet --overwrite \
            --out "$folder/run" || continue
        sed -n "s/.*\"$part\":{\([^}]*\)}.*/\1/p" "$folder/run/summary.json" | tr ',' '\n' |
            awk -F: '$1 == "\"accuracy\"" { accuracy = $2 } $1 == "\"auc\"" { auc = $2 } END { print accuracy, auc }' \
                >>"$folder/results"
    done
    awk -v name="$name" -v base="$folder/base" '
        { accuracy += $1; auc += $2; n++ }
        END {
            if (n == 0) { printf "| %s | - | - | | |\n", name; exit }
            accuracy /= n; auc /= n
            if ((getline line < base) > 0) {
                split(line, whole, " ")
                printf "| %s | %.4f | %.4f | %+.4f | %+.4f |\n", name, accuracy, auc, accuracy - whole[1], auc - whole[2]
            } else {
                printf "| %s | %.4f | %.4f | | |\n", name, accuracy, auc
                printf "%.9f %.9f\n", accuracy, auc > base
            }
        }' "$folder/results"
}

# measure_without NAME SECTION.KEY OFF: a row, if the recipe has another value.
measure_without() {
    [ "$(setting "${2##*.}")" = "$3" ] || measure "$1" "$2=$3"
}

slower=$(setting learning_rate | awk '{ print $1 / 3 }')
printf '| | accuracy | AUC | | |\n|---|---|---|---|---|\n'
rows=$only
only=.
measure "the recipe"
only=$rows
measure_without "the epoch with the lowest validation loss" train.early_stopping.restore true
# shellcheck disable=SC2046 # one word a layer
measure "without batchnorm" $(without_layers batchnorm)
# shellcheck disable=SC2046
measure "without residuals" $(without_layers residual)
# shellcheck disable=SC2046
measure "without dropout" $(without_layers dropout)
measure_without "without left-right flips" augment.flip_horizontal false
for key in shift rotate zoom brightness contrast saturation cutout; do
    measure_without "without $key" "augment.$key" 0
done
measure_without "without weight decay" train.weight_decay 0
measure "constant learning rate, a third" train.schedule=constant train.learning_rate="$slower"
measure "cosine for one_cycle" train.schedule=cosine
measure "momentum 0.9 for adamw" train.optimizer=momentum train.learning_rate=0.03 train.weight_decay=0.0005
measure_without "unit for standardize" image.normalize unit
measure "and ema_decay 0.99" train.ema_decay=0.99
measure "and label_smoothing 0.05" train.label_smoothing=0.05
[ "$(setting cutout)" != 0 ] || measure "and cutout 0.25" augment.cutout=0.25
[ "$(setting brightness)" != 0 ] || measure "and other light" augment.brightness=0.1 augment.contrast=0.2
[ "$(setting zoom)" != 0 ] || measure "and turned and scaled" augment.rotate=5 augment.zoom=0.15
measure "and mirrored top to bottom" augment.flip_vertical=true
measure "and clip_norm 1" train.clip_norm=1

# shellcheck shell=sh
# Sourced by every script here. The environment names what is tested: CNNTRAIN, CNNPREDICT, CNNEVAL, MAKE_IMAGES (programs),
# SOURCE (root of the repository), BUILD (root of the build). Each script works in its own folder.
set -u
LC_ALL=C
export LC_ALL
: "${CNNTRAIN:?}" "${CNNPREDICT:?}" "${MAKE_IMAGES:?}" "${SOURCE:?}" "${BUILD:?}"

work=$(mktemp -d) || exit 1
# never the user's cache
XDG_CACHE_HOME=$work/.cache
export XDG_CACHE_HOME
background=
leave() {
    code=$?
    trap - EXIT
    [ -z "$background" ] || kill -KILL "$background" 2>/dev/null
    cd / || exit 1
    rm -rf "$work"
    exit "$code"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP PIPE
cd "$work" || exit 1

# Not empty for the long form of a test; tests/run.sh runs the short one.
soak=
[ "${CNN_TEST_SOAK-}" != 1 ] || soak=yes

last=
failures=0

# fail MESSAGE: records a failure; the script continues, and ends with finish.
fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$1"
    if [ -n "$last" ]; then
        printf '  command: %s\n' "$last"
        [ ! -f "$work/stdout" ] || head -c 1000 "$work/stdout" | sed 's/^/  stdout: /'
        [ ! -f "$work/stderr" ] || head -c 1000 "$work/stderr" | sed 's/^/  stderr: /'
    fi
}

finish() {
    if [ "$failures" -gt 0 ]; then
        printf '%s failures\n' "$failures"
        exit 1
    fi
    exit 0
}

# run EXIT COMMAND...: runs it with stdout and stderr in files; it must end with this exit code.
run() {
    wanted=$1
    shift
    last="$*"
    "$@" >"$work/stdout" 2>"$work/stderr"
    code=$?
    [ "$code" -eq "$wanted" ] || fail "expected exit code $wanted, got $code"
    [ "$code" -eq "$wanted" ]
}

# expect_stdout TEXT: stdout is exactly this text, and a newline unless it is empty.
expect_stdout() {
    if [ -n "$1" ]; then
        printf '%s\n' "$1" >"$work/wanted"
    else
        : >"$work/wanted"
    fi
    cmp -s "$work/wanted" "$work/stdout" || fail "expected on stdout: $1"
}

# expect_in_stdout, expect_stderr PATTERN: a line matches the extended regular expression.
expect_in_stdout() {
    grep -Eq -e "$1" "$work/stdout" || fail "expected on stdout: $1"
}
expect_stderr() {
    grep -Eq -e "$1" "$work/stderr" || fail "expected on stderr: $1"
}
expect_no_stderr() {
    [ ! -s "$work/stderr" ] || fail "expected nothing on stderr"
}
# expect_one_message: stderr is a single line.
expect_one_message() {
    [ "$(wc -l <"$work/stderr")" -eq 1 ] || fail "expected one line on stderr"
}
expect_file() {
    [ -s "$1" ] || fail "expected the file $1"
}
expect_no_file() {
    [ ! -e "$1" ] || fail "expected no $1"
}
expect_same() {
    cmp -s "$1" "$2" || fail "expected $1 and $2 to be the same"
}

# make_data DIR N [SEED]: N images of 12 x 12 grey pixels in DIR/left and DIR/right.
make_data() {
    "$MAKE_IMAGES" "$1" "$2" 12 12 1 "${3:-1}" || exit 1
}

# make_deep_data, make_clear_data DIR N [SEED]: the same in 16 bits, all with the high byte 116; and as shapes in the alpha channel of
# images that are black all over.
make_deep_data() {
    "$MAKE_IMAGES" "$1" "$2" 12 12 16 "${3:-1}" || exit 1
}
make_clear_data() {
    "$MAKE_IMAGES" "$1" "$2" 12 12 4 "${3:-1}" || exit 1
}

# mislabel DIR N: gives every N-th image of either class the other label, so that no model can classify all of them correctly.
mislabel() {
    for class in left right; do
        find "$1/$class" -name '*.pgm' | sort | awk "NR % $2 == 0"
    done >"$work/mislabelled"
    while read -r image; do
        case $image in
        */left/*) mv "$image" "$1/right/l$(basename "$image")" ;;
        *) mv "$image" "$1/left/r$(basename "$image")" ;;
        esac
    done <"$work/mislabelled"
}

# write_config FILE: a small network on the data in "data", two epochs, run directory "out".
write_config() {
    cat >"$1" <<'END'
{
    "data": {"train": "data", "validation": 0.25},
    "image": {"width": 12, "height": 12, "channels": 1},
    "layers": [
        {"type": "conv", "filters": 4, "kernel": 3},
        {"type": "relu"},
        {"type": "maxpool", "size": 2},
        {"type": "flatten"},
        {"type": "dense", "units": 1},
        {"type": "sigmoid"}
    ],
    "train": {"epochs": 2, "batch_size": 8, "learning_rate": 0.1, "seed": 1},
    "output": "out"
}
END
}

# write_every_layer FILE CHANNELS: a network with a layer of each kind, on the data in "data".
write_every_layer() {
    cat >"$1" <<END
{
    "data": {"train": "data", "validation": 0.25},
    "image": {"width": 12, "height": 10, "channels": $2, "normalize": "standardize"},
    "layers": [
        {"type": "conv", "filters": 8, "kernel": 3, "padding": "same_upper", "stride": 2, "bias": false},
        {"type": "batchnorm"},
        {"type": "relu", "max": 6},
        {"type": "conv", "filters": 8, "kernel": 3, "padding": 1, "groups": 8},
        {"type": "leaky_relu"},
        {"type": "residual", "projection": "batchnorm", "layers": [
            {"type": "conv", "filters": 12, "kernel": 3, "padding": "same"}, {"type": "silu"}, {"type": "batchnorm"},
            {"type": "residual", "layers": [{"type": "conv", "filters": 12, "kernel": 1}]}]},
        {"type": "residual", "layers": [{"type": "conv", "filters": 6, "kernel": 1, "stride": 2}, {"type": "relu"}]},
        {"type": "batchnorm"},
        {"type": "maxpool", "size": 3, "stride": 2, "padding": 1},
        {"type": "avgpool", "size": 2, "stride": 1, "padding": [1, 0, 0, 1]},
        {"type": "global_avgpool"},
        {"type": "flatten"},
        {"type": "batchnorm"},
        {"type": "dropout", "rate": 0.2},
        {"type": "dense", "units": 5},
        {"type": "relu"},
        {"type": "dense", "units": 1},
        {"type": "sigmoid"}
    ],
    "train": {"epochs": 3, "batch_size": 8, "learning_rate": 0.02, "seed": 1, "calibrate": true}
}
END
}

# train_model DIR: a run of twenty epochs in DIR, whose model classifies left and right correctly.
train_model() {
    [ -d data ] || make_data data 80
    [ -f cfg.json ] || write_config cfg.json
    "$CNNTRAIN" --config cfg.json train.epochs=20 --quiet --out "$1" || exit 1
}

# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# The progress line while images are read and made into features: on a terminal only, and not with --quiet.
. "$SOURCE/tests/cli/lib.sh"

script -qec true /dev/null >/dev/null 2>&1 </dev/null || exit 77 # a terminal

TERM=xterm LC_ALL=C NO_COLOR=1
export TERM LC_ALL NO_COLOR
make_data data 40
write_config cfg.json
run 0 "$CNNTRAIN" -c cfg.json -q -o base

# on_terminal COMMAND: what it draws on a terminal, without colours of lines.
on_terminal() {
    last=$1
    script -qec "$1" /dev/null >stdout 2>stderr </dev/null || fail "expected exit code 0"
}
cleared=$(printf '\r\033\\[K')

# decoding, then training; what is drawn is removed before a message
on_terminal "$CNNTRAIN -c cfg.json -o decoded --no-cache"
expect_in_stdout "^${cleared}reading images 0/40${cleared}train: "
expect_in_stdout "${cleared}epoch 1/"
# features, with several threads; a result is printed where the line was
cat >head.json <<'END'
{
    "data": {"train": "data", "validation": 0.25},
    "image": {"width": 12, "height": 12, "channels": 1},
    "pretrained": {"file": "base/model.bin"},
    "layers": [{"type": "dense", "units": 1}, {"type": "sigmoid"}],
    "train": {"epochs": 2, "batch_size": 8, "learning_rate": 0.1, "seed": 1}
}
END
on_terminal "$CNNTRAIN -c head.json -o features --threads 2"
expect_in_stdout "${cleared}reading images 0/40${cleared}40 images decoded, now in the cache"
on_terminal "$CNNTRAIN -c head.json --dry-run --no-cache"
expect_in_stdout "${cleared}reading images 0/40${cleared}train: "
on_terminal "$CNNTRAIN -c cfg.json -o folds --folds 2 --no-cache"
[ "$(grep -c 'reading images 0/40' stdout)" -eq 1 ] || fail "expected that images are read once"
# from the cache, there is nothing to wait for
on_terminal "$CNNTRAIN -c head.json -o cached"
grep -q 'reading images' stdout && fail "expected no images to be read"

# with --quiet, and where there is no terminal
on_terminal "$CNNTRAIN -c cfg.json -o quiet -q --no-cache"
[ ! -s stdout ] || fail "expected no output"
run 0 "$CNNTRAIN" -c cfg.json -o elsewhere --no-cache
grep -q 'reading images\|batch' stderr && fail "expected no progress line"

finish

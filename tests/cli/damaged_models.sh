# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# A model file damaged in hundreds of ways: each time exit code 4, one message, no rows, and no signal.
. "$SOURCE/tests/cli/lib.sh"
make_data data 8
write_config cfg.json
run 0 "$CNNTRAIN" --config cfg.json train.epochs=0 layers.0.filters=2 --quiet --out run
run 0 "$CNNPREDICT" run/model.bin data/left/00000.pgm
"$DAMAGE_MODEL" run/model.bin damaged >list || fail "damage_model"

count=0
tab=$(printf '\t')
while IFS=$tab read -r model what; do
    count=$((count + 1))
    last="cnnpredict $model ($what)"
    "$CNNPREDICT" "$model" data/left/00000.pgm >stdout 2>stderr
    code=$?
    [ "$code" -eq 4 ] || fail "expected exit code 4, got $code"
    [ ! -s stdout ] || fail "expected no rows"
    expect_one_message
done <list
[ "$count" -ge 500 ] || fail "expected 500 damaged models or more, got $count"

finish

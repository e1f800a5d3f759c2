# shellcheck shell=sh disable=SC1091,SC2086,SC2154
# A run whose config is the config.json of its own directory: it is never overwritten by another text, and never lost.
. "$SOURCE/tests/cli/lib.sh"

make_data data 40
write_config cfg.json
run 0 "$CNNTRAIN" -c cfg.json -q -o run
cp run/config.json kept.json

# the same text: a new run, and the config stays
run 0 "$CNNTRAIN" -c run/config.json -q -o run --overwrite
expect_same kept.json run/config.json
expect_file run/model.bin

# another text is refused, by whatever path the directory is reached, and nothing is changed
ln -s run link
ln run/config.json hard.json
cp run/model.bin kept.bin
for pair in run/config.json:run ./run/config.json:"$work/run" link/config.json:run run/config.json:link hard.json:run; do
    run 2 "$CNNTRAIN" -c "${pair%%:*}" -q -o "${pair#*:}" --overwrite train.epochs=1
    expect_one_message
    expect_stderr "${pair#*:}/config.json: is the config that was given, and this run would replace it with another text"
    expect_same kept.json run/config.json
    expect_same kept.bin run/model.bin
done
run 2 "$CNNTRAIN" -c run/config.json -q -o run --overwrite --folds 3 train.epochs=1
expect_stderr 'run/config.json: is the config that was given'
expect_same kept.json run/config.json
# a copy is another file
run 0 "$CNNTRAIN" -c kept.json -q -o run --overwrite train.epochs=1
grep -q '"epochs":.*1,' run/config.json || fail "expected the new config"

# a config written by hand, in a directory without a run
mkdir mine
cp cfg.json mine/config.json
for mode in --resume --overwrite; do
    run 2 "$CNNTRAIN" -c mine/config.json -q -o mine "$mode"
    expect_stderr 'mine/config.json: is the config that was given'
    run 2 "$CNNTRAIN" -c mine/config.json -q -o mine "$mode" --folds 3
    expect_stderr 'mine/config.json: is the config that was given'
    expect_same cfg.json mine/config.json
done

# a resumed run continues with its own config, and a longer one replaces it
run 0 "$CNNTRAIN" -c run/config.json -q -o run --resume
run 0 "$CNNTRAIN" -c run/config.json -q -o run --resume train.epochs=3
grep -q '"epochs":.*3,' run/config.json || fail "expected the longer run's config"

# folds
run 0 "$CNNTRAIN" -c cfg.json -q -o folds --folds 2
cp folds/config.json kept.json
run 0 "$CNNTRAIN" -c folds/config.json -q -o folds --folds 2 --overwrite
expect_same kept.json folds/config.json

finish

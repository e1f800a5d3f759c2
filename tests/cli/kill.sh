# shellcheck shell=sh disable=SC1091,SC2034,SC2086,SC2154
# kill -9 at random moments, forty times over four runs (CNN_TEST_SOAK=1: two hundred times): each, resumed to its end,
# leaves the files of an undisturbed run. KILLS=N is another number.
. "$SOURCE/tests/cli/lib.sh"
case ${SANITIZE-} in # ten times as slow, and nothing new to see
?*) KILLS=${KILLS:-12} ;;
esac
[ -z "$soak" ] || KILLS=${KILLS:-200}
kills=${KILLS:-40}
make_data data 400
make_data test 20 2
write_config cfg.json
# one of the runs reads shards, if the program reads archives
mkdir shards
(cd data && tar cf ../shards/0.tar left && tar cf ../shards/1.tar right)
shards=data.train=shards
"$CNNTRAIN" --config cfg.json $shards --out none --dry-run >/dev/null 2>&1 || shards=
settings="data.test=test train.epochs=12 train.batch_size=4 layers.0.filters=16 train.optimizer=momentum train.learning_rate=0.01"

# microseconds COMMAND...: how long it takes.
microseconds() {
    from=$(date +%s%N)
    "$@"
    to=$(date +%s%N)
    echo $(((to - from) / 1000))
}

# disturbed_run NAME KILLS [OPTION...]: starts the run and kills it at random moments, again and again, then lets it finish.
disturbed_run() {
    name=$1
    wanted_kills=$2
    shift 2
    left=$wanted_kills
    done_early=0
    # shellcheck disable=SC2086
    whole=$(microseconds "$CNNTRAIN" --config cfg.json $settings --out "whole-$name" -q "$@")
    while [ "$left" -gt 0 ]; do
        # moments all over the run, from the program's start to its last file
        wait_for=$(od -An -N4 -tu4 /dev/urandom | awk -v whole="$whole" '{ printf "%.6f", $1 / 4294967296 * whole * 1.05 / 1e6 }')
        threads=$((left % 3 + 1))
        # shellcheck disable=SC2086
        "$CNNTRAIN" --config cfg.json $settings --out "$name" --resume -q "$@" --threads $threads 2>stderr &
        background=$!
        sleep "$wait_for"
        kill -KILL $background 2>/dev/null
        wait $background 2>/dev/null
        code=$?
        background=
        last="kill -9 after $wait_for s of cnntrain --out $name --resume"
        case $code in
        137) left=$((left - 1)) ;;
        0)
            # it had finished: its files are compared, and the next round starts a new run
            done_early=$((done_early + 1))
            compare "$name"
            rm -rf "$name"
            ;;
        *)
            fail "expected exit code 137 or 0, got $code"
            left=0
            ;;
        esac
    done
    # shellcheck disable=SC2086
    run 0 "$CNNTRAIN" --config cfg.json $settings --out "$name" --resume "$@"
    compare "$name"
    echo "$name: $wanted_kills killed, $done_early finished in between, $whole us undisturbed"
}

# compare NAME: every file is that of the undisturbed run, except for times.
compare() {
    for file in model.bin last.bin predictions.csv test_predictions.csv split.csv; do
        expect_same "whole-$1/$file" "$1/$file"
    done
    cut -d, -f1-7,10- "whole-$1/metrics.csv" >metrics-a
    cut -d, -f1-7,10- "$1/metrics.csv" >metrics-b
    expect_same metrics-a metrics-b
    last="files of $1"
    # the lock file may exist: if a run is killed after its last other file, it is finished, and --resume leaves it unchanged
    left_over=$(find "$1" -name '*.tmp.*')
    [ -z "$left_over" ] || fail "expected no temporary files, found $left_over"
}

quarter=$(((kills + 3) / 4))
disturbed_run epochs $quarter
disturbed_run batches $quarter train.checkpoint_seconds=0.001
disturbed_run no-cache $quarter --no-cache train.checkpoint_seconds=0.003 $shards
disturbed_run all-trained $quarter data.validation=0 image.normalize=standardize

finish

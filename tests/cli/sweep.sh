# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# --sweep: every member is the run of the same KEY=VALUE, byte for byte; test images are measured for the chosen one only;
# members that fail are rows; stopping, killing, resuming, separate processes, more members; refusals.
. "$SOURCE/tests/cli/lib.sh"
make_data data 60
make_data held 30 2
write_config cfg.json
sed -i 's/"data": {"train": "data"/&, "test": "held"/; s/"learning_rate": 0.1/"learning_rate": 0.005/' cfg.json
echo '{"grid": {"train.learning_rate": [0.01], "layers.0": [{"type": "conv", "filters": 6, "kernel": 3},
    {"type": "conv", "filters": 4, "kernel": 5}]}, "seeds": [1, 2]}' >sweep.json

# number FILE NAME: the first number "NAME": in it.
number() { grep -o "\"$2\":[-0-9.e]*" "$1" | head -n 1 | cut -d: -f2; }
# without_times FILE: sweep.csv without its two columns of times.
without_times() { awk -F, '{ for (i = 1; i <= NF; i++) if (i != NF - 1 && i != NF - 2) printf "%s,", $i; print "" }' "$1"; }
# same_sweep A B MEMBERS: two sweeps have the same results.
same_sweep() {
    for file in members.csv summary.json config.json test_predictions.csv; do
        expect_same "$1/$file" "$2/$file"
    done
    without_times "$1/sweep.csv" >sweep-a
    without_times "$2/sweep.csv" >sweep-b
    expect_same sweep-a sweep-b
    for member in $(seq -f %04g "$3"); do
        for file in model.bin last.bin predictions.csv split.csv config.json; do
            expect_same "$1/$member/$file" "$2/$member/$file"
        done
    done
    left_over=$(find "$2" -name '*.tmp.*' -o -name '.lock*')
    [ -z "$left_over" ] || fail "expected no temporary files and no locks, found $left_over"
}

# the dry run: each run once, in the order of the file, and nothing is written
run 0 "$CNNTRAIN" --config cfg.json --sweep sweep.json --out a --dry-run
expect_in_stdout '^ +run +train.learning_rate +layers.0 +train.seed +parameters +epochs +time$'
expect_in_stdout '^ +3 +0.01 +\{"type":"conv","filters":4,"kernel":5} +1 +169 +2 +[0-9.]+ s$'
expect_in_stdout '^total: 4 runs, 8 epochs, about '
expect_no_file a

# members are the runs of the same overrides; none is tested but the chosen one
run 0 "$CNNTRAIN" --config cfg.json --sweep sweep.json --out a
expect_stderr '^4 runs, about [0-9.]+ s in all$'
expect_stderr '^run 4/4: epoch 2/2 after [0-9.]+ s, validation loss [0-9.]+; 4 of 4 done$'
[ "$(grep -c '^run ' stderr)" -eq 4 ] || fail "expected a line for each run"
expect_stderr '^test images, measured for this run only:'
[ "$(cat a/members.csv)" = 'member,train.learning_rate,layers.0,train.seed
1,0.01,"{""type"":""conv"",""filters"":6,""kernel"":3}",1
2,0.01,"{""type"":""conv"",""filters"":6,""kernel"":3}",2
3,0.01,"{""type"":""conv"",""filters"":4,""kernel"":5}",1
4,0.01,"{""type"":""conv"",""filters"":4,""kernel"":5}",2' ] || fail "expected other members: $(cat a/members.csv)"
chosen=$(number a/summary.json member)
directory=$(printf 'a/%04d' "$chosen")
case $chosen in
1 | 2) layer='{"type": "conv", "filters": 6, "kernel": 3}' ;;
*) layer='{"type": "conv", "filters": 4, "kernel": 5}' ;;
esac
run 0 "$CNNTRAIN" --config cfg.json train.learning_rate=0.01 layers.0="$layer" train.seed=$((2 - chosen % 2)) --out plain -q
for file in model.bin last.bin predictions.csv split.csv config.json; do
    expect_same "$directory/$file" "plain/$file"
done
expect_same a/test_predictions.csv plain/test_predictions.csv
for summary in a plain; do
    sed 's/.*"test"://; s/}},"bad_images.*/}}/; s/}}},"next".*/}}/' $summary/summary.json >test-of-$summary
done
expect_same test-of-a test-of-plain
grep -q '"images":30' test-of-a || fail "expected 30 test images"
for member in a/000?; do
    expect_no_file "$member/test_predictions.csv"
    [ "$member" = "$directory" ] || expect_no_file "$member/report.html"
    grep -q '"test":null' "$member/summary.json" || fail "expected no test metrics in $member"
done

# the page: the choice, all runs; a name that is markup stays text
grep -q "Run $chosen of 4 was chosen, by the log loss of its validation images" a/report.html || fail "expected a verdict"
grep -q 'On 30 test images, .* They were measured for this run only' a/report.html || fail "expected the test images"
grep -q 'runs [13] and [24], the next by log loss' a/report.html || fail "expected the runs of the next combination"
! grep -q 'id="cut"' a/report.html || fail "expected no runs that were cut short"
[ "$(grep -o 'class="series-[0-9]*[^"]*"' a/report.html | wc -l)" -gt 0 ] || grep -q '<svg' a/report.html || fail "expected a chart"

# the choice, the comparison with the next one and what mattered, computed from the members' files
if command -v python3 >/dev/null; then
    run 0 python3 "$SOURCE/tests/cli/check_sweep.py" a 2
fi

# the same bytes: by other processes in any order, and killed at any moment, on one thread, without the cache
processes=
others=$(seq 4 -1 1 | grep -v "$chosen" | head -n 2)
other=$(echo "$others" | head -n 1)
for member in $others; do
    "$CNNTRAIN" --config cfg.json --sweep sweep.json --member "$member" --out c --threads 1 -q &
    processes="$processes $!"
done
for process in $processes; do
    wait "$process" || fail "expected exit code 0 of a member"
done
run 0 "$CNNTRAIN" --config cfg.json --sweep sweep.json --gather --out c
expect_stderr '^cnntrain: of 4 runs, 2 finished, 2 unfinished: see sweep.csv'
expect_stderr '^test images, measured for this run only:'
[ "$(grep -c '^[0-9]*,unfinished' c/sweep.csv)" -eq 2 ] || fail "expected 2 unfinished rows"
run 2 "$CNNTRAIN" --config cfg.json --sweep sweep.json --member "$other" --out c
expect_stderr "^cnntrain: run $other/4: c/000$other: expected an empty run directory"
run 2 "$CNNTRAIN" --config cfg.json --sweep sweep.json --member 5 --out c
expect_stderr '^cnntrain: --member: expected an integer from 1 to 4 \(sweep.json\), got 5'
for moment in 0.05 0.2 0.4; do
    "$CNNTRAIN" --config cfg.json --sweep sweep.json --out c --resume -q --jobs 2 --threads 2 --no-cache 2>stderr &
    background=$!
    sleep $moment
    kill -KILL $background 2>/dev/null
    wait $background 2>/dev/null
    background=
done
run 0 "$CNNTRAIN" --config cfg.json --sweep sweep.json --resume --out c --jobs 3
expect_stderr "^run [1-4]/4: epoch 2/2 after .*; [1-4] of 4 done|^run $other/4: finished before; "
same_sweep a c 4
# the test images have been measured for two runs that were chosen, and the report says so
[ "$(wc -l <a/tested.csv)" -eq 2 ] || fail "expected one tested run in a"
[ "$(sed 1,2d c/tested.csv)" = "$chosen,2" ] || fail "expected two tested runs in c"
grep -q 'measured for 2 chosen runs so far' c/report.html || fail "expected the number of tested runs"
run 0 "$CNNTRAIN" --config cfg.json --sweep sweep.json --resume --out c
expect_stderr '^c: finished already'
# a report that is missing is made again, and nothing else
mkdir kept
cp c/* kept 2>/dev/null
rm c/report.html
run 0 "$CNNTRAIN" --config cfg.json --sweep sweep.json --resume --no-report --out c
expect_no_file c/report.html
run 0 "$CNNTRAIN" --config cfg.json --sweep sweep.json --resume --out c
for file in kept/*; do
    expect_same "$file" "c/${file#kept/}"
done

# a signal: exit code 75
"$CNNTRAIN" --config cfg.json --sweep sweep.json train.epochs=100000 --out f 2>stderr &
background=$!
last="a signal"
polls=0
while [ ! -f f/0001/checkpoint.bin ] && [ "$polls" -lt 3000 ]; do
    sleep 0.01
    polls=$((polls + 1))
done
run 2 "$CNNTRAIN" --config cfg.json --sweep sweep.json train.epochs=100000 --out f --resume
expect_stderr 'another run \(process [0-9]+ on [^)]+\) is using'
kill -TERM "$background"
wait "$background"
code=$?
background=
[ "$code" -eq 75 ] || fail "expected exit code 75, got $code"
expect_no_file f/summary.json
expect_no_file f/0002

# the same with several at once, whose processes stop with the first one, however that ends; one that the system kills is a row
begin_jobs() {
    "$CNNTRAIN" --config cfg.json --sweep sweep.json train.epochs=100000 --out f --resume --jobs 2 2>stderr &
    background=$!
    last="cnntrain --jobs 2"
    polls=0
    while [ "$(pgrep -P "$background" | wc -l)" -lt 2 ] || [ ! -f f/0002/checkpoint.bin ] && [ "$polls" -lt 3000 ]; do
        sleep 0.01
        polls=$((polls + 1))
    done
    workers=$(pgrep -P "$background")
}
# expect_ended PID...: no such process within 30 s.
expect_ended() {
    for process; do
        polls=0
        while kill -0 "$process" 2>/dev/null && [ "$polls" -lt 3000 ]; do
            sleep 0.01
            polls=$((polls + 1))
        done
        ! kill -0 "$process" 2>/dev/null || fail "expected process $process to have ended"
    done
}
if command -v pgrep >/dev/null; then
    begin_jobs
    kill -TERM "$background"
    wait "$background"
    code=$?
    [ "$code" -eq 75 ] || fail "expected exit code 75, got $code"
    # shellcheck disable=SC2086
    expect_ended $workers
    begin_jobs
    kill -KILL "$background"
    wait "$background" 2>/dev/null
    background=
    # shellcheck disable=SC2086
    expect_ended $workers
    begin_jobs
    killed=$(echo "$workers" | head -n 1)
    kill -KILL "$killed"
    expect_ended "$killed"
    polls=0
    while [ ! -f f/0001/failed.json ] && [ ! -f f/0002/failed.json ] && [ "$polls" -lt 3000 ]; do
        sleep 0.01
        polls=$((polls + 1))
    done
    kill -TERM "$background"
    wait "$background"
    background=
    expect_stderr '^cnntrain: run [12]/4: its process was killed by signal 9, as systems do'
    grep -q '"code":1,"reason":"its process was killed' f/000?/failed.json || fail "expected a note"

    # all runs are killed: no success
    echo '{"grid": {"train.learning_rate": [0.01, 0.02]}}' >two-rates.json
    "$CNNTRAIN" --config cfg.json --sweep two-rates.json train.epochs=100000 --out killed --jobs 2 2>stderr &
    background=$!
    polls=0
    while [ ! -f killed/0001/checkpoint.bin ] || [ ! -f killed/0002/checkpoint.bin ] && [ "$polls" -lt 3000 ]; do
        sleep 0.01
        polls=$((polls + 1))
    done
    # shellcheck disable=SC2046
    kill -KILL $(pgrep -P "$background")
    wait "$background"
    code=$?
    background=
    [ "$code" -eq 1 ] || fail "expected exit code 1, got $code"
    expect_stderr '^cnntrain: killed: no run has finished, of 2; sweep.csv says why'
fi

# members that diverge or get no memory are rows; only the latter are tried again
cat >fails.json <<'END'
{"grid": {"train.learning_rate": [0.01, 1e6], "layers.4.units": [1], "image.normalize": ["standardize"]}}
END
run 0 "$CNNTRAIN" --config cfg.json --sweep fails.json --out g train.epochs=3
expect_stderr '^cnntrain: run 2/2: .*(diverged|NaN|infinite|not finite)'
expect_stderr 'of 2 runs, 1 finished, 1 diverged: see sweep.csv'
grep -q '<td[^>]*>diverged</td>' g/report.html || fail "expected the run that diverged in the report"
grep -q '^2,diverged,1000000,1,standardize,.*,"\{0,1\}epoch [0-9]*, batch ' g/sweep.csv || fail "expected a row that says diverged"
expect_file g/0002/failed.json
rm g/summary.json
run 0 "$CNNTRAIN" --config cfg.json --sweep fails.json --out g train.epochs=3 --resume
expect_stderr '^cnntrain: run 2/2: has failed before, and would again: .*diverged'
echo '{"grid": {"layers.0.filters": [4000, 4]}}' >large.json
run 0 "$CNNTRAIN" --config cfg.json --sweep large.json --dry-run --max-memory 40M --no-cache
expect_in_stdout '^ +1 +4000 +unknown +2 +unknown$'
run 0 "$CNNTRAIN" --config cfg.json --sweep large.json --out m --max-memory 40M --no-cache
expect_stderr '^cnntrain: run 1/2 cannot be trained: the network needs .*of 40.0 MiB allowed'
grep -q '^1,failed,4000,.*,"\{0,1\}the network needs ' m/sweep.csv || fail "expected a row that says failed"
grep -q '^2,finished,4,2,' m/sweep.csv || fail "expected the other run to be finished"
rm -r m/0002
echo '{"grid": {"layers.0.filters": [4000, 4096]}}' >both-large.json
run 1 "$CNNTRAIN" --config cfg.json --sweep both-large.json --out o --max-memory 40M --jobs 2 -q
expect_stderr '^cnntrain: o: no run has finished, of 2; sweep.csv says why'
run 0 "$CNNTRAIN" --config cfg.json --sweep large.json --out m --resume
grep -q '^1,finished,4000,2,' m/sweep.csv || fail "expected the run to be trained with more memory"
echo '{"grid": {"train.learning_rate": [1e6]}}' >all-fail.json
for how in --overwrite --resume --gather; do # the same exit code whenever the results are put together
    run 5 "$CNNTRAIN" --config cfg.json --sweep all-fail.json --out h train.epochs=3 image.normalize=standardize $how
    expect_stderr '^cnntrain: h: no run has finished, of 1; sweep.csv says why'
    grep -q '"chosen":null' h/summary.json || fail "expected no chosen run"
    ! grep -q 'class="classes"' h/report.html || fail "expected no classes in the report"
done
for how in --overwrite --resume --overwrite; do # a member is tried again with --overwrite only
    run 5 "$CNNTRAIN" --config cfg.json --sweep all-fail.json --member 1 --out i train.epochs=3 image.normalize=standardize -q $how
    expect_one_message
    expect_stderr "^cnntrain: run 1/1: $([ $how = --overwrite ] || echo 'has failed before, and would again: ')epoch "
done
expect_file i/0001/failed.json
echo garbage >i/0001/failed.json
run 1 "$CNNTRAIN" --config cfg.json --sweep all-fail.json --gather --out i train.epochs=3 image.normalize=standardize -q
expect_stderr '^cnntrain: i/0001/failed.json: expected .*remove the file'

# more members: added runs leave the others as they are; any other change is refused
draws='"random": {"train.learning_rate": {"log_uniform": [0.001, 0.1]}, "train.optimizer": {"choice": ["sgd", "adam"]}}'
echo "{$draws, \"runs\": 3}" >random.json
run 0 "$CNNTRAIN" --config cfg.json --sweep random.json --out r -q --no-report
expect_no_file r/report.html
cksum r/000?/model.bin >before
echo "{$draws, \"runs\": 4}" >random.json
run 0 "$CNNTRAIN" --config cfg.json --sweep random.json --out r --resume
expect_stderr '^run 3/4: finished before; 3 of 4 done'
cksum r/000[123]/model.bin >after
expect_same before after
if command -v python3 >/dev/null; then
    run 0 python3 "$SOURCE/tests/cli/check_sweep.py" r 1 --drawn=train.learning_rate
fi
for change in 's/"runs": 4/"runs": 3/' 's/0.001/0.002/' 's/"runs": 4/&, "seed": 2/' 's/"runs": 4/&, "seeds": [1, 2]/'; do
    sed "$change" random.json >other.json
    run 2 "$CNNTRAIN" --config cfg.json --sweep other.json --out r --resume
    expect_stderr '^cnntrain: r: cannot resume: the sweep file has changed.*: (member|[0-9]),[^ ]* is now ([^ ]*,|missing$)'
done
run 2 "$CNNTRAIN" --config cfg.json --sweep random.json train.batch_size=9 --out r --resume
expect_stderr 'the config has changed.*train.batch_size: 8, now 9'

# halving: at each comparison the better half goes on; a run that was paused has the bytes of one that was not, though its
# learning rates are those of a schedule; killed, with several jobs, the decisions are the same
echo '{"grid": {"train.learning_rate": [0.001, 0.005, 0.02, 0.05]}, "halving": {"epochs": 1, "factor": 2}}' >halving.json
run 0 "$CNNTRAIN" --config cfg.json --sweep halving.json train.epochs=3 train.schedule=cosine --dry-run --jobs 2
expect_in_stdout '^total: 4 runs, 7 epochs with halving, about [0-9.]+ s, 2 at the same time$'
run 0 "$CNNTRAIN" --config cfg.json --sweep halving.json train.epochs=3 train.schedule=cosine --out p
expect_stderr '^of 4 runs, 3 were ended early'
losses_at() { # EPOCH MEMBER...
    epoch=$1
    shift
    for member; do
        awk -F, -v n="$member" -v e="$epoch" 'NR > 1 && $1 <= e && (best == "" || $5 < best) { best = $5 } END { print best, n }' \
            "p/000$member/metrics.csv"
    done | sort -g
}
losses_at 1 1 2 3 4 | awk 'NR > 2 { print $2 }' | sort >ended-after-1
kept=$(losses_at 1 1 2 3 4 | awk 'NR <= 2 { print $2 }')
# shellcheck disable=SC2086
losses_at 2 $kept | awk 'NR > 1 { print $2 }' >ended-after-2
for epoch in 1 2; do
    grep -l "ended after epoch $epoch: not among the best" p/000?/failed.json | sed 's/.*000\(.\).*/\1/' >found
    expect_same "ended-after-$epoch" found
    while read -r member; do # its row has what it reached
        loss=$(awk -F, -v n="$member" '$1 == n && $2 == "ended" { print $10 }' p/sweep.csv)
        grep -q "^$member,ended,[0-9.]*,$epoch," p/sweep.csv || fail "expected the epoch in the row of run $member"
        [ "$loss" = "$(losses_at "$epoch" "$member" | cut -d' ' -f1)" ] || fail "expected the loss in the row of run $member"
    done <found
done
last_one=$(grep '^[0-9],finished,' p/sweep.csv | cut -d, -f1)
rate=$(grep '^[0-9],finished,' p/sweep.csv | cut -d, -f3)
run 0 "$CNNTRAIN" --config cfg.json train.learning_rate="$rate" train.epochs=3 train.schedule=cosine --out never-paused -q
for file in model.bin last.bin predictions.csv split.csv config.json; do
    expect_same "p/000$last_one/$file" "never-paused/$file"
done
cut -d, -f1-7,10- "p/000$last_one/metrics.csv" >metrics-a
cut -d, -f1-7,10- never-paused/metrics.csv >metrics-b
expect_same metrics-a metrics-b
for moment in 0.2 0.5; do
    "$CNNTRAIN" --config cfg.json --sweep halving.json train.epochs=3 train.schedule=cosine --out q --resume --jobs 2 -q 2>stderr &
    background=$!
    sleep $moment
    kill -KILL $background 2>/dev/null
    wait $background 2>/dev/null
    background=
done
for polls in 1 2 3 4 5 6 7 8 9 10; do # processes of the killed one may still write their checkpoints
    "$CNNTRAIN" --config cfg.json --sweep halving.json train.epochs=3 train.schedule=cosine --out q --resume --jobs 2 -q 2>stderr && break
    sleep 1
done
without_times p/sweep.csv >sweep-a
without_times q/sweep.csv >sweep-b
expect_same sweep-a sweep-b
expect_same p/summary.json q/summary.json
expect_same "p/000$last_one/model.bin" "q/000$last_one/model.bin"
run 0 "$CNNTRAIN" --config cfg.json --sweep halving.json train.epochs=3 train.schedule=cosine --out q --resume
expect_stderr '^q: finished already'
run 2 "$CNNTRAIN" --config cfg.json --sweep halving.json train.epochs=1 --out n
expect_stderr '^cnntrain: halving.json: halving.epochs: expected less than train.epochs \(1\), .*, got 1$'
# one that diverged is not asked again in the next rung, nor counted again
sed 's/0.001, 0.005, 0.02, 0.05/0.01, 8e5, 9e5, 1e6/' halving.json >halving-fails.json
run 0 "$CNNTRAIN" --config cfg.json --sweep halving-fails.json train.epochs=3 image.normalize=standardize --out l --no-report
[ "$(grep -c '^cnntrain: run ' stderr)" -eq 3 ] || fail "expected a warning for each run that diverged"
run 2 "$CNNTRAIN" --config cfg.json --sweep halving.json --member 1 --out n
expect_stderr '^cnntrain: halving.json: halving: expected none with --member: .* \(--jobs N\), or, on several machines, leave halving out and set train\.early_stopping\.patience$'

# runs that --max-seconds has ended are compared as they are, which is said
echo '{"seeds": [1]}' >one.json
run 0 "$CNNTRAIN" --config cfg.json --sweep one.json train.epochs=100000 --max-seconds 0.3 --out s
expect_stderr '^cnntrain: 1 of 1 runs was cut short by --max-seconds, '
grep -q '^1,finished,.*,cut short after epoch [0-9]* of 100000 by --max-seconds$' s/sweep.csv || fail "expected a reason"
grep -q '<li>run 1: cut short after epoch ' s/report.html || fail "expected the run in the report"

# starting over removes all members, and nothing else; kinds of directories are told apart
run 2 "$CNNTRAIN" --config cfg.json --sweep random.json --out a --resume
expect_stderr '^cnntrain: a: cannot resume: the sweep file has changed'
run 2 "$CNNTRAIN" --config cfg.json --out a --resume
expect_stderr 'found a sweep; continue it with the same --sweep'
sed 's/, "test": "held"//' cfg.json >folds.json
run 2 "$CNNTRAIN" --config folds.json --folds 2 --out a --resume
expect_stderr 'expected a cross-validation to resume, found a sweep'
run 2 "$CNNTRAIN" --config cfg.json --sweep sweep.json --out plain --resume
expect_stderr 'found a run without --sweep'
run 0 "$CNNTRAIN" --config cfg.json --sweep fails.json --overwrite --out a -q
expect_file a/0002/metrics.csv
expect_no_file a/0003
mkdir a/2024
echo mine >a/2024/notes
cp plain/model.bin a/2024
run 0 "$CNNTRAIN" --config cfg.json --out a --overwrite -q
expect_no_file a/0001
expect_no_file a/sweep.csv
expect_file a/2024/notes
cp plain/model.bin a/2024
run 0 "$CNNTRAIN" --config cfg.json --out a --overwrite -q
expect_file a/2024/model.bin

# Optuna, where it is installed
python=${CNN_TEST_PYTHON:-python3}
if "$python" -c 'import optuna' 2>/dev/null; then
    # search EXIT CNNTRAIN TRIALS: up to so many trials, by a program that may only end with a code
    search() {
        run "$1" env CNNTRAIN="$2" "$python" "$SOURCE/configs/sweeps/optuna_search.py" cfg.json optuna "$3"
    }
    for code in 75 5; do
        printf '#!/bin/sh\necho "%s*" >>calls\nexit %s\n' '$' $code >ends-with-$code
    done
    printf '#!/bin/sh\n[ ! -e failed ] || exec %s "%s@"\n: >failed\nexit 1\n' "$CNNTRAIN" '$' >fails-once
    chmod +x ends-with-75 ends-with-5 fails-once
    search 2 ./nowhere 1
    expect_stderr '^optuna_search.py: ./nowhere: no such program; set CNNTRAIN'
    expect_no_file optuna
    search 75 ./ends-with-75 1
    cp optuna/0001.json interrupted.json
    search 5 ./ends-with-5 1 # goes on with the trial that was stopped
    expect_stderr '^optuna_search.py: none of 1 trials has finished'
    expect_same optuna/0001.json interrupted.json
    [ "$(grep -c -- '--out optuna/0001 .*--member 1 --resume' calls)" -eq 2 ] || fail "expected the same run to be continued"
    search 0 ./fails-once 3
    expect_in_stdout '^optuna/0004 validation loss 0\.[0-9]{4} '
    expect_in_stdout '^test images: loss 0\.[0-9]{4}, accuracy [01]\.[0-9]{4}$'
    [ "$(grep -l '"test":{' optuna/*/summary.json optuna/*/0001/summary.json | wc -l)" -eq 1 ] ||
        fail "expected the test images to be measured for one trial"
    expect_no_file optuna/0005.json
fi

# mistakes are found before anything is read or written
echo '{"grid": {"train.learning_rate": [0.1, -1]}}' >wrong.json
run 2 "$CNNTRAIN" --config cfg.json --sweep wrong.json --out n
expect_one_message
expect_stderr '^cnntrain: wrong.json: train.learning_rate: expected a number above 0.*, got -1 \(run 2 of 2'
run 2 "$CNNTRAIN" --config cfg.json --sweep missing.json --out n
expect_stderr '^cnntrain: missing.json: No such file'
run 2 "$CNNTRAIN" --config cfg.json --sweep sweep.json --folds 3 --out n
expect_stderr 'expected one of --sweep and --folds, got both'
run 2 "$CNNTRAIN" --config cfg.json --sweep sweep.json --trace
expect_stderr 'expected one of --sweep and --trace, got both'
run 2 "$CNNTRAIN" --config cfg.json --jobs 2 --out n
expect_stderr '^cnntrain: --jobs: expected --sweep FILE as well'
run 2 "$CNNTRAIN" --config cfg.json --sweep sweep.json --jobs 2 --member 1 --out n
expect_stderr 'expected one of --jobs and --member, got both'
run 2 "$CNNTRAIN" --sweep sweep.json --out n
expect_stderr '^cnntrain: --config: missing'
run 2 "$CNNTRAIN" --config cfg.json --member 2 --out n
expect_stderr '^cnntrain: --member: expected --folds K or --sweep FILE as well'
run 2 "$CNNTRAIN" --config cfg.json --sweep sweep.json data.validation=0 --out n
expect_stderr '^cnntrain: data.validation: expected validation images with --sweep'
echo '{"grid": {"data.train": ["data", "nowhere"]}}' >nowhere.json
run 3 "$CNNTRAIN" --config cfg.json --sweep nowhere.json --out n -q
expect_stderr '^cnntrain: run 2/2: nowhere: '
expect_no_file n

finish

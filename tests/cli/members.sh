# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# --folds K --member N in separate processes, and --gather: the files are byte for byte those of a single process, also if
# processes are killed, refused or late.
. "$SOURCE/tests/cli/lib.sh"
make_data data 60
write_config cfg.json
sed -i "s/\"learning_rate\": 0.1/\"learning_rate\": 0.005/" cfg.json # not all will be right

# same_set A B FOLDS: two cross-validations have the same results; times may differ.
same_set() {
    for file in folds.csv predictions.csv split.csv summary.json config.json; do
        expect_same "$1/$file" "$2/$file"
    done
    fold=1
    while [ "$fold" -le "$3" ]; do
        for file in model.bin last.bin predictions.csv split.csv config.json; do
            expect_same "$1/fold-$fold/$file" "$2/fold-$fold/$file"
        done
        cut -d, -f1-7,10- "$1/fold-$fold/metrics.csv" >metrics-a
        cut -d, -f1-7,10- "$2/fold-$fold/metrics.csv" >metrics-b
        expect_same metrics-a metrics-b
        fold=$((fold + 1))
    done
    left_over=$(find "$2" -name '*.tmp.*' -o -name '.lock*')
    [ -z "$left_over" ] || fail "expected no temporary files and no locks, found $left_over"
}

# train FOLDS DIR MEMBER...: trains all members at once, in a directory that may not exist; all must succeed.
train() {
    folds=$1
    dir=$2
    shift 2
    processes=
    for member in "$@"; do
        "$CNNTRAIN" --config cfg.json --folds "$folds" --member "$member" --out "$dir" --threads 1 2>"stderr-$member" &
        processes="$processes $member:$!"
    done
    for process in $processes; do
        wait "${process#*:}"
        code=$?
        last="cnntrain --folds $folds --member ${process%:*} --out $dir"
        if [ "$code" -ne 0 ]; then
            cat "stderr-${process%:*}"
            fail "expected exit code 0, got $code"
        fi
    done
}

# wait_for FILE: waits for a file of a run in the background.
wait_for() {
    polls=0
    while [ ! -f "$1" ] && [ "$polls" -lt 3000 ]; do
        sleep 0.01
        polls=$((polls + 1))
    done
}

run 0 "$CNNTRAIN" --config cfg.json --folds 5 --out whole -q

# all members at once: they start the set together
for round in 1 2 3; do
    rm -rf parallel
    train 5 parallel 1 2 3 4 5
done
expect_no_file parallel/summary.json
grep -q '^fold 3/5: epoch 2/2: ' stderr-3 || fail "expected messages that name the fold"
run 0 "$CNNTRAIN" --config cfg.json --folds 5 --gather --out parallel --threads 3
expect_stderr '^95 % intervals +all folds, 60 images'
same_set whole parallel 5
# gathering again changes nothing; for a run of all folds, the set is finished
run 0 "$CNNTRAIN" --config cfg.json --folds 5 --gather --out parallel -q
same_set whole parallel 5
run 0 "$CNNTRAIN" --config cfg.json --folds 5 --resume --out parallel
expect_stderr '^parallel: finished already'

# one after the other, in any order, with all threads; a finished member is not trained again
for member in 4 1; do
    run 0 "$CNNTRAIN" --config cfg.json --folds 5 --member "$member" --out late
done
run 2 "$CNNTRAIN" --config cfg.json --folds 5 --member 4 --out late
expect_one_message
expect_stderr '^cnntrain: fold 4/5: late/fold-4: expected an empty run directory'
run 0 "$CNNTRAIN" --config cfg.json --folds 5 --member 4 --resume --out late
expect_stderr '^fold 4/5: late/fold-4: finished already, nothing to do'

# members that are missing, or not finished, are named
run 2 "$CNNTRAIN" --config cfg.json --folds 5 --gather --out late -q
expect_one_message
expect_stderr '^cnntrain: late: cannot gather: 3 of 5 folds are not finished \(2, 3, 5\)'
expect_no_file late/summary.json
expect_no_file late/folds.csv

# another number of folds, another config, other images: refused, and nothing is changed
find late -type f -exec cksum {} + | sort >before
for way in "--member 2" --gather; do
    # shellcheck disable=SC2086
    run 2 "$CNNTRAIN" --config cfg.json --folds 4 $way --out late
    expect_stderr '^cnntrain: late: cannot (gather|train a member): --folds or the images have changed since'
    # shellcheck disable=SC2086
    run 2 "$CNNTRAIN" --config cfg.json --folds 5 $way --out late train.batch_size=9
    expect_stderr '^cnntrain: late: cannot (gather|train a member): the config has changed.*train.batch_size: 8, now 9'
done
mv data/left/00000.pgm kept.pgm
run 2 "$CNNTRAIN" --config cfg.json --folds 5 --member 2 --out late
expect_stderr '^cnntrain: late: cannot train a member: --folds or the images have changed'
mv kept.pgm data/left/00000.pgm
run 2 "$CNNTRAIN" --config cfg.json --resume --out late
expect_stderr 'found a cross-validation; continue it with the same --folds'
find late -type f -exec cksum {} + | sort >after
expect_same before after

# a process that trains all folds keeps the finished ones, and trains the others
run 0 "$CNNTRAIN" --config cfg.json --folds 5 --resume --out late
expect_stderr '^fold 1/5: late/fold-1: finished already'
same_set whole late 5

# training a member removes the gathered results: they are those of the earlier model
run 0 "$CNNTRAIN" --config cfg.json --folds 5 --member 3 --overwrite --out late -q
expect_no_file late/summary.json
run 0 "$CNNTRAIN" --config cfg.json --folds 5 --gather --out late -q
same_set whole late 5

# --overwrite with one member applies to that member; the gathered results are then out of date
echo damaged >late/fold-2/model.bin
run 4 "$CNNTRAIN" --config cfg.json --folds 5 --gather --out late
expect_stderr '^cnntrain: late/fold-2/model.bin: '
expect_no_file late/summary.json
run 0 "$CNNTRAIN" --config cfg.json --folds 5 --member 2 --overwrite --out late -q
run 0 "$CNNTRAIN" --config cfg.json --folds 5 --gather --out late -q
same_set whole late 5
echo damaged >late/fold-5/checkpoint.bin
run 4 "$CNNTRAIN" --config cfg.json --folds 5 --gather --out late
expect_stderr '^cnntrain: late/fold-5/checkpoint.bin: '
run 0 "$CNNTRAIN" --config cfg.json image.width=10 image.height=10 --out other-size -q
run 0 "$CNNTRAIN" --config cfg.json --folds 5 --member 5 --overwrite --out late -q
cp other-size/model.bin late/fold-5/model.bin
run 4 "$CNNTRAIN" --config cfg.json --folds 5 --gather --out late
expect_stderr '^cnntrain: late/fold-5/model.bin: expected a model for images of 12 x 12 x 1.*found one for 10 x 10 x 1'

# While a member is being trained, the same one, a run of all folds and --gather are refused; another member is not.
long="train.epochs=100000"
"$CNNTRAIN" --config cfg.json $long --folds 3 --member 2 --out busy --threads 1 -q 2>stderr-2 &
background=$!
wait_for busy/fold-2/checkpoint.bin
for mode in "" --resume --overwrite; do
    # shellcheck disable=SC2086
    run 2 "$CNNTRAIN" --config cfg.json $long --folds 3 --member 2 --out busy $mode
    expect_one_message
    if [ -z "$mode" ]; then
        expect_stderr '^cnntrain: fold 2/3: busy/fold-2: expected an empty run directory'
    else
        expect_stderr "^cnntrain: fold 2/3: busy/fold-2: another run \(process $background on [^)]+\) is using"
    fi
done
for way in --resume --overwrite --gather; do
    run 2 "$CNNTRAIN" --config cfg.json $long --folds 3 $way --out busy
    expect_one_message
    expect_stderr '^cnntrain: busy: another run \(process [0-9]+ on [^)]+\) is using this directory'
done
run 0 "$CNNTRAIN" --config cfg.json $long --folds 3 --member 1 --max-seconds 0.2 --out busy -q
kill -0 "$background" || fail "expected the first member to continue"
# a signal: exit code 75, and all files that --resume needs
kill -TERM "$background"
wait "$background"
code=$?
background=
[ "$code" -eq 75 ] || fail "expected exit code 75, got $code"
grep -q '^cnntrain: fold 2/3: stopped in epoch .* continue with --resume' stderr-2 || fail "expected a message that says where"
expect_no_file busy/.lock
expect_file busy/fold-2/checkpoint.bin
# a member that --max-seconds has ended is finished; one that a signal has ended is not, nor one with fewer epochs
run 2 "$CNNTRAIN" --config cfg.json $long --folds 3 --gather --out busy
expect_stderr 'cannot gather: 2 of 3 folds are not finished \(2, 3\)'
run 0 "$CNNTRAIN" --config cfg.json $long --folds 3 --member 2 --resume --max-seconds 0.1 --out busy -q
run 0 "$CNNTRAIN" --config cfg.json train.epochs=1 --folds 3 --member 3 --out busy -q
run 2 "$CNNTRAIN" --config cfg.json $long --folds 3 --gather --out busy
expect_stderr 'cannot gather: 1 of 3 folds are not finished \(3\)'
run 0 "$CNNTRAIN" --config cfg.json $long --folds 3 --member 3 --resume --max-seconds 0.1 --out busy -q
run 0 "$CNNTRAIN" --config cfg.json $long --folds 3 --gather --out busy -q
expect_file busy/summary.json

# members are killed at different moments, while the others continue; then they are resumed to the end
settings="train.epochs=40 train.batch_size=4 train.checkpoint_seconds=0.001"
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $settings --folds 3 --out undisturbed -q
for member in 1 2 3; do
    # shellcheck disable=SC2086
    "$CNNTRAIN" --config cfg.json $settings --folds 3 --member $member --out killed --threads 1 -q 2>"stderr-$member" &
    eval "process_$member=$!"
done
wait_for killed/fold-2/checkpoint.bin
# shellcheck disable=SC2154
kill -KILL "$process_2"
# shellcheck disable=SC2154
for process in "$process_1" "$process_2" "$process_3"; do
    wait "$process" 2>/dev/null
    code=$?
    case $process:$code in
    "$process_2":137 | "$process_1":0 | "$process_3":0) ;;
    *) fail "expected exit code 137 for the process that was killed and 0 for the others, got $code" ;;
    esac
done
# shellcheck disable=SC2086
run 2 "$CNNTRAIN" --config cfg.json $settings --folds 3 --gather --out killed
expect_stderr 'cannot gather: 1 of 3 folds are not finished \(2\)'
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $settings --folds 3 --member 2 --resume --out killed
expect_stderr '^fold 2/3: killed/fold-2: continuing after epoch [0-9]+, batch [0-9]+'
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $settings --folds 3 --gather --out killed -q
same_set undisturbed killed 3

# killed while it starts the set: its files are used, also by another member
mkdir started
cp whole/config.json started/
echo 12345 >started/.lock
echo 12345 >started/.lock-start
: >started/split.csv.tmp.12345
run 0 "$CNNTRAIN" --config cfg.json --folds 5 --member 3 --out started
expect_same whole/split.csv started/split.csv
expect_same whole/fold-3/model.bin started/fold-3/model.bin
left_over=$(find started -name '*.tmp.*' -o -name '.lock*')
[ -z "$left_over" ] || fail "expected no temporary files and no locks, found $left_over"

# two processes that start different sets in one directory: one of them trains
for round in 1 2 3; do
    rm -rf both
    last="two processes with different seeds"
    "$CNNTRAIN" --config cfg.json --folds 3 --member 1 --out both -q 2>stderr-1 &
    first=$!
    "$CNNTRAIN" --config cfg.json --folds 3 --member 2 --out both -q train.seed=2 2>stderr-2 &
    second=$!
    wait $first
    first=$?
    wait $second
    second=$?
    case $first$second in
    02) grep -q 'cannot train a member: the config has changed.*train.seed: 1, now 2' stderr-2 ;;
    20) grep -q 'cannot train a member: the config has changed.*train.seed: 2, now 1' stderr-1 ;;
    *) false ;;
    esac || fail "expected exit codes 0 and 2, got $first and $second"
done

# directories with other content
run 2 "$CNNTRAIN" --config cfg.json --folds 5 --gather --out nowhere
expect_stderr '^cnntrain: nowhere: cannot gather: expected the run directories of folds, found none'
expect_no_file nowhere
mkdir mine
echo mine >mine/notes
run 2 "$CNNTRAIN" --config cfg.json --folds 5 --member 1 --out mine
expect_stderr '^cnntrain: mine: expected a run to resume, found other files'
run 2 "$CNNTRAIN" --config cfg.json --folds 5 --member 1 --out other-size
expect_stderr '^cnntrain: other-size: expected a cross-validation to resume, found a run without --folds'

# starting over removes all folds, also where there are gaps between them
run 0 "$CNNTRAIN" --config cfg.json --folds 2 --overwrite --out started -q
expect_no_file started/fold-3
run 0 "$CNNTRAIN" --config cfg.json --folds 5 --member 5 --out gap -q
run 2 "$CNNTRAIN" --config cfg.json --resume --out gap
expect_stderr 'found a cross-validation; continue it with the same --folds'
run 0 "$CNNTRAIN" --config cfg.json --overwrite --out gap -q
expect_no_file gap/fold-5

# options that do not go together
for wrong in "--member 1" "--gather"; do
    # shellcheck disable=SC2086
    run 2 "$CNNTRAIN" --config cfg.json $wrong --out d
    expect_stderr '^cnntrain: --(member|gather): expected --folds K or --sweep FILE as well'
done
for other in "--member 1" --resume --overwrite "--max-seconds 1"; do
    # shellcheck disable=SC2086
    run 2 "$CNNTRAIN" --config cfg.json --folds 5 --gather $other --out d
    expect_stderr "^cnntrain: expected one of --gather and ${other%% *}, got both"
done
for way in "--member 1" --gather; do
    # shellcheck disable=SC2086
    run 2 "$CNNTRAIN" --config cfg.json --folds 5 $way --dry-run
    expect_stderr "^cnntrain: expected one of ${way%% *} and --dry-run, got both"
done
run 2 "$CNNTRAIN" --config cfg.json --folds 5 --member 6 --out d
expect_stderr '^cnntrain: --member: expected an integer from 1 to 5 \(--folds\), got 6'
for n in 0 -1 1.5 ''; do
    run 2 "$CNNTRAIN" --config cfg.json --folds 5 --member "$n" --out d
    expect_stderr '^cnntrain: --member: expected an integer from 1'
done
expect_no_file d

# the scripts for Slurm, with a scontrol that writes down what it is asked, and a cnntrain and srun that end with a code: a task
# is queued again when its time was over or it was killed, but not for ever
mkdir bin
printf '#!/bin/sh\necho "%s@" >>scontrol-calls\n' '$' >bin/scontrol
printf '#!/bin/sh\nexit "%sENDS_WITH"\n' '$' >bin/srun
chmod +x bin/scontrol bin/srun
# requeues SCRIPT CODE RESTARTS WANTED MESSAGE
requeues() {
    rm -f scontrol-calls
    run "$2" env PATH="$PWD/bin:$PATH" CNNTRAIN="$PWD/bin/srun" ENDS_WITH="$2" SLURM_RESTART_COUNT="$3" SLURM_JOB_ID=7 \
        SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=3 MAX_STOPS=4 sh "$SOURCE/configs/slurm/$1"
    calls=$(cat scontrol-calls 2>/dev/null)
    [ "$calls" = "$4" ] || fail "expected scontrol to be asked \"$4\", got \"$calls\""
    [ -z "$5" ] || expect_stderr "^$1: .*$5"
}
requeues member.sh 0 0 '' ''
requeues member.sh 2 0 '' ''
requeues member.sh 75 3 'requeue 7_3' 'queued again \(restart 4\)'
requeues member.sh 75 4 '' 'not queued again, after 4 restarts \(MAX_STOPS=4\)'
requeues member.sh 137 9 'requeue 7_3' 'killed by signal 9; queued again'
requeues member.sh 137 10 '' 'killed by signal 9; not queued again, after 10 restarts \(MAX_RESTARTS=10\)'
requeues together.sh 75 3 'requeue 7' 'queued again \(restart 4\)'
requeues together.sh 75 4 '' 'not queued again, after 4 restarts \(MAX_STOPS=4\)'
requeues together.sh 5 0 '' ''

finish

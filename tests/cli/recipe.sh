# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Optimizers, schedules, averages and balanced classes in whole runs: any number of threads and any interruption give the
# same bytes; --max-seconds; settings that conflict.
. "$SOURCE/tests/cli/lib.sh"
make_data data 64
write_config cfg.json
# classes of different size: 32 and 12
i=0
for image in data/right/*; do
    i=$((i + 1))
    [ $i -le 12 ] || rm "$image"
done
all="train.optimizer=adamw train.learning_rate=0.01 train.weight_decay=0.05 train.schedule=cosine train.warmup_epochs=0.5
train.clip_norm=0.5 train.label_smoothing=0.1 train.pos_weight=1.5 train.ema_decay=0.9 data.sampling=balanced train.epochs=3"

# shellcheck disable=SC2086 # words
{
    run 0 "$CNNTRAIN" --config cfg.json $all --threads 1 --out whole
    expect_stderr '^data\.sampling: an epoch has 16 images of "left", each 0 or 1 times \(of 24\)'
    expect_stderr '^data\.sampling: an epoch has 17 images of "right", each 1 or 2 times \(of 9\)'
    expect_stderr '^train\.pos_weight: .*"right" \(class 1\) counts 1\.5 times'
    for threads in 2 3; do
        run 0 "$CNNTRAIN" --config cfg.json $all --threads $threads --out threads
        expect_same whole/model.bin threads/model.bin
        expect_same whole/last.bin threads/last.bin
        rm -r threads
    done

    # a batch at a time within each epoch; every time a complete result, and in the end the bytes of the undisturbed run
    for part in 1 2 3 4; do
        run 0 "$CNNTRAIN" --config cfg.json $all --out parts --resume --max-seconds 0.000001
        expect_stderr "^the time of --max-seconds is up after epoch 0, batch $part;"
        for file in model.bin last.bin predictions.csv summary.json checkpoint.bin; do
            expect_file "parts/$file"
        done
        [ "$(wc -l <parts/metrics.csv)" -eq 2 ] || fail "expected the row of an epoch that was cut short"
    done
    run 0 "$CNNTRAIN" --config cfg.json $all --out parts --resume --max-seconds 0.000001 # the fifth ends the epoch
    expect_stderr '^the time of --max-seconds is up after epoch 1, batch 0;'
    run 0 "$CNNTRAIN" --config cfg.json $all --out parts --resume
    for file in model.bin last.bin predictions.csv; do
        expect_same "whole/$file" "parts/$file"
    done
    cut -d, -f1-7 whole/metrics.csv >whole.csv
    cut -d, -f1-7 parts/metrics.csv >parts.csv
    expect_same whole.csv parts.csv
    run 0 "$CNNTRAIN" --config cfg.json $all --out parts --resume
    expect_stderr 'finished already'

    # the length of a run decides its learning rates
    run 2 "$CNNTRAIN" --config cfg.json $all --out parts --resume train.epochs=4
    expect_stderr 'train\.epochs: 3, now 4'
}

# steps are counted over the whole run: two epochs of one batch are one epoch of the same two batches
{
    echo path,label
    for class in left right; do
        for image in data/$class/*; do echo "$image,$class"; done
    done
} >once.csv
{ cat once.csv && sed 1d once.csv; } >twice.csv
steps="train.batch_size=44 train.shuffle=false data.validation=0 data.duplicates=allow train.optimizer=adam train.ema_decay=0.9
train.schedule=cosine"
# shellcheck disable=SC2086 # words
{
    run 0 "$CNNTRAIN" --config cfg.json $steps data.train=once.csv train.epochs=2 --out two-epochs
    run 0 "$CNNTRAIN" --config cfg.json $steps data.train=twice.csv train.epochs=1 --out one-epoch
}
tail -c 1400 two-epochs/last.bin >two-epochs.bin # weights, without what the file says of the run
tail -c 1400 one-epoch/last.bin >one-epoch.bin
expect_same two-epochs.bin one-epoch.bin

# enough time: nothing is cut short
run 0 "$CNNTRAIN" --config cfg.json --out whole2
run 0 "$CNNTRAIN" --config cfg.json --out timed --max-seconds 1000
expect_same whole2/model.bin timed/model.bin
run 2 "$CNNTRAIN" --config cfg.json --out timed --resume --max-seconds 0
expect_stderr '^cnntrain: --max-seconds: expected a number from 1e-06'

# each setting changes what is learnt; Nesterov and plain momentum differ, too
"$CNNTRAIN" --config cfg.json -q --out base train.optimizer=momentum || fail "expected a run with momentum"
for setting in train.optimizer=adam train.nesterov=true train.momentum=0.5 train.weight_decay=0.1 train.schedule=step \
    train.schedule=cosine train.schedule=one_cycle train.warmup_epochs=1 train.clip_norm=0.01 train.label_smoothing=0.3 \
    train.pos_weight=balanced train.ema_decay=0.5 data.sampling=balanced; do
    run 0 "$CNNTRAIN" --config cfg.json --out one --overwrite train.optimizer=momentum train.step_epochs=1 $setting
    if cmp -s base/last.bin one/last.bin; then fail "expected $setting to change the weights"; fi
done
run 0 "$CNNTRAIN" --config cfg.json --out one --overwrite train.pos_weight=balanced
expect_stderr '^train\.pos_weight: .* counts 2\.66667 times .*balances the classes'

# conflicts
run 2 "$CNNTRAIN" --config cfg.json --out no train.nesterov=true train.momentum=0
expect_stderr '^cnntrain: command line: train\.momentum: expected a number above 0 with train\.nesterov'
run 2 "$CNNTRAIN" --config cfg.json --out no train.schedule=one_cycle train.warmup_epochs=1
expect_stderr '^cnntrain: command line: train\.warmup_epochs: expected 0 with train\.schedule "one_cycle"'
run 2 "$CNNTRAIN" --config cfg.json --out no data.sampling=balanced train.pos_weight=balanced
expect_stderr '^cnntrain: command line: train\.pos_weight: expected a number with data\.sampling "balanced"'
run 2 "$CNNTRAIN" --config cfg.json --out no train.pos_weight=even
expect_stderr 'train\.pos_weight: expected a number above 0 and up to 1000000, or "balanced", got "even"'
run 2 "$CNNTRAIN" --config cfg.json --out no train.beta2=1
expect_stderr 'train\.beta2: expected a number from 0 to 0\.999999, got 1'
expect_no_file no

finish

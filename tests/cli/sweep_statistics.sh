# shellcheck shell=sh disable=SC1091,SC2154
# What a sweep says about its results: each figure is computed again by check_sweep.py, and the words follow from the figures.
. "$SOURCE/tests/cli/lib.sh"
make_data data 60
make_data held 60 2
mislabel held 5
write_config cfg.json
sed -i 's/"validation": 0.25/"validation": "held"/; s/"learning_rate": 0.1/"learning_rate": 0.005/' cfg.json

# check DIR SEEDS [OPTION]...: the figures of a sweep.
check() {
    if command -v python3 >/dev/null; then
        run 0 python3 "$SOURCE/tests/cli/check_sweep.py" "$@"
    fi
}
# expect_page DIR PATTERN: the page has this text.
expect_page() {
    grep -Eq -- "$2" "$1/report.html" || fail "expected $1/report.html to have: $2"
}
rates='"train.learning_rate": [0.001, 0.02, 0.005]'
claim="(is better than|is not shown to be better than) run [1-3], the next by"
note='With one seed, these are two trained models on the same images: whether the values are better needs "seeds"'

# one seed: two models, compared in the metric that chose; no share of a key whose values have one result each
echo "{\"grid\": {$rates}}" >grid.json
for metric in loss recall auc; do
    run 0 "$CNNTRAIN" --config cfg.json --sweep grid.json --out "$metric" train.early_stopping.metric="val_$metric" train.epochs=6
    case $metric in
    loss) text='log loss' ;;
    auc) text='ROC AUC' ;;
    *) text=$metric ;;
    esac
    expect_stderr "^run [1-3] $claim $text\\. On the same validation images, its $text is .* for the choice among 3 combinations\\. $note"
    check "$metric" 1 --metric="$metric"
    expect_page "$metric" "Run [1-3] $claim $text\\."
    expect_page "$metric" 'cannot be told: one result per value'
done

# a metric that is not compared image by image: log loss, and never "better"
run 0 "$CNNTRAIN" --config cfg.json --sweep grid.json --out f1 train.early_stopping.metric=val_f1
expect_stderr '^chosen by F1, compared by log loss, because differences in F1 are not tested: run [1-3] (is not shown to differ in|has a (smaller|greater)) log loss (from|than) run [1-3], the next by F1\. '
! grep -E 'is better than run|shown to be better' stderr f1/report.html || fail "expected no claim that a run is better"
check f1 1 --metric=f1

# several seeds, on the same images and on others of each seed
for images in held 0.25; do
    echo "{\"grid\": {$rates}, \"seeds\": [1, 2, 3]}" >seeds.json
    run 0 "$CNNTRAIN" --config cfg.json --sweep seeds.json --out "seeds-$images" data.validation="$images"
    expect_stderr '^runs [1-9] to [1-9] (are better|are not shown to be better) than runs [1-9] to [1-9], the next by log loss\. On the same validation images and with the same seeds, their '
    ! grep -q 'With one seed' stderr || fail "expected no sentence about one seed"
    check "seeds-$images" 3
    expect_page "seeds-$images" 'deviation over seeds'
done
run 0 "$CNNTRAIN" --config cfg.json --sweep seeds.json --out seeds-auc train.early_stopping.metric=val_auc -q
check seeds-auc 3 --metric=auc

# drawn values: with seeds, a combination is one result
draws='"random": {"train.learning_rate": {"log_uniform": [0.001, 0.1]}, "train.optimizer": {"choice": ["sgd", "adam"]}}'
echo "{$draws, \"runs\": 5, \"seeds\": [1, 2]}" >random.json
run 0 "$CNNTRAIN" --config cfg.json --sweep random.json --out drawn -q
check drawn 2 --drawn=train.learning_rate
expect_page drawn 'Drawn values are ranked by the mean over seeds'

# those that were ended early or diverged count as others among which was chosen
echo "{\"grid\": {\"train.learning_rate\": [0.001, 0.005, 0.02, 0.05]}, \"halving\": {\"epochs\": 1, \"factor\": 2}}" >halving.json
run 0 "$CNNTRAIN" --config cfg.json --sweep halving.json --out halving
expect_stderr 'corrected for the choice among 4 combinations'
[ "$(grep -c '^[0-9],ended' halving/sweep.csv)" -eq 2 ] || fail "expected 2 runs that were ended"
check halving 1
echo '{"grid": {"train.learning_rate": [0.01, 1e6, 0.02]}}' >fails.json
run 0 "$CNNTRAIN" --config cfg.json --sweep fails.json --out diverged train.epochs=50 image.normalize=standardize
grep -q '^2,diverged' diverged/sweep.csv || fail "expected a run that diverged"
expect_stderr 'corrected for the choice among 3 combinations'
check diverged 1
"$CNNTRAIN" --config cfg.json --sweep grid.json --member 1 --out part -q
"$CNNTRAIN" --config cfg.json --sweep grid.json --member 3 --out part -q
run 0 "$CNNTRAIN" --config cfg.json --sweep grid.json --gather --out part
check part 1
"$CNNTRAIN" --config cfg.json --sweep grid.json --member 1 --out alone -q
run 0 "$CNNTRAIN" --config cfg.json --sweep grid.json --gather --out alone
check alone 1
expect_page alone 'No other combination has finished, so there is nothing to compare with'

# other validation images: said before and after, and not tested
warning='differs? between combinations, which may then have different validation images'
echo '{"grid": {"data.validation": [0.2, 0.3]}}' >images.json
run 0 "$CNNTRAIN" --config cfg.json --sweep images.json --out images --dry-run
expect_in_stdout "^warning: data\\.validation $warning"
run 0 "$CNNTRAIN" --config cfg.json --sweep images.json --out images
expect_stderr "^cnntrain: data\\.validation $warning"
! grep -q '1 of 2 combinations have' stderr || fail "expected one warning"
rm images/summary.json
run 0 "$CNNTRAIN" --config cfg.json --sweep images.json --out images --gather
expect_stderr '^cnntrain: 1 of 2 combinations have other validation images than the chosen one'
expect_stderr '^run [12] cannot be compared with run [12], the next by log loss: they have other validation images\.$'
expect_page images '<li>1 of 2 combinations have other validation images'
expect_page images 'other images'
grep -q '"images":0,"difference":null' images/summary.json || fail "expected no comparison"
echo '{"grid": {"train.seed": [1, 2]}}' >images.json
run 0 "$CNNTRAIN" --config cfg.json --sweep images.json --out images --dry-run data.validation=0.2
expect_in_stdout "^warning: train\\.seed $warning"
echo '{"grid": {"data.classes": [["left", "right"], ["right", "left"]]}}' >classes.json
run 0 "$CNNTRAIN" --config cfg.json --sweep classes.json --out classes
expect_stderr "^cnntrain: data\\.classes $warning"
expect_stderr '^run [12] cannot be compared with run [12], '
for same in images.json seeds.json; do
    run 0 "$CNNTRAIN" --config cfg.json --sweep "$same" --out images --dry-run
    ! grep -q '^warning: ' stdout || fail "expected no warning: all have the same validation images"
done
finish

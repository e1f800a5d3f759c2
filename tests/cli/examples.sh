# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Every config of the repository: dry run, gradients, one epoch on small made-up data.
. "$SOURCE/tests/cli/lib.sh"

count=0
for config in "$SOURCE"/configs/*.json; do
    name=$(basename "$config" .json)
    [ "$name" != schema ] || continue
    count=$((count + 1))
    channels=$(sed -n 's/.*"channels": *\([13]\).*/\1/p' "$config" | head -n 1)
    [ -d "data-${channels:-1}" ] || "$MAKE_IMAGES" "data-${channels:-1}" 40 16 16 "${channels:-1}" || exit 1
    data="data-${channels:-1}"
    set -- --config "$config" "data.train=$data" data.validation=0.2 "data.test=$data" data.duplicates=allow \
        'data.classes=["left","right"]' train.epochs=1 "output=runs/$name"
    run 0 "$CNNTRAIN" "$@" --dry-run
    run 0 "$CNNTRAIN" "$@"
    expect_file "runs/$name/model.bin"
    run 0 "$CNNPREDICT" "runs/$name/model.bin" "$data"
    [ "$(wc -l <stdout)" -eq 40 ] || fail "expected 40 rows"
    # the same layers on the smallest of these images that they accept: that is much faster
    for size in 6 8 16 28 64; do
        set -- "$@" image.width=$size image.height=$size
        if "$CNNTRAIN" "$@" --dry-run >/dev/null 2>&1; then
            break
        fi
    done
    run 0 "$CNNTRAIN" "$@" --check-gradients
    expect_in_stdout '^passed$'
done
[ "$count" -ge 3 ] || fail "expected at least three configs, found $count"

finish

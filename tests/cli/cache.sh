# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# The cache of decoded images: the same files with a cold cache, a warm one and none; messages; files that are left.
. "$SOURCE/tests/cli/lib.sh"
make_data data 64
make_data test 10 2
write_config cfg.json
cache=$XDG_CACHE_HOME/cnntrain

# same_runs A B: the same files, except for times.
same_runs() {
    for file in model.bin last.bin predictions.csv split.csv; do
        expect_same "$1/$file" "$2/$file"
    done
    cut -d, -f1-7,10- "$1/metrics.csv" >a
    cut -d, -f1-7,10- "$2/metrics.csv" >b
    expect_same a b
}

# cached: the number of files in the cache.
cached() {
    find "$cache" -type f 2>/dev/null | wc -l
}

train() {
    dir=$1
    shift
    run 0 "$CNNTRAIN" --config cfg.json data.test=test --out "$dir" "$@"
}

train none --no-cache
if grep -q cache stderr; then fail "expected no word of a cache"; fi
[ ! -e "$cache" ] || fail "expected --no-cache to make no cache"
train cold
expect_stderr "^74 images decoded, now in the cache \($cache/[0-9a-f]+\.images\)\$"
[ "$(cached)" -eq 1 ] || fail "expected one file in the cache"
train warm
expect_stderr "^74 images from the cache \($cache/[0-9a-f]+\.images\)\$"
train one-thread --threads 1
expect_stderr ' from the cache '
for dir in cold warm one-thread; do
    same_runs none "$dir"
done
train quiet --quiet
expect_no_stderr

# the other users of images: the same answers, from the same file
for action in --dry-run --trace; do
    run 0 "$CNNTRAIN" --config cfg.json data.test=test $action --no-cache
    mv stdout wanted
    run 0 "$CNNTRAIN" --config cfg.json data.test=test $action
    expect_stderr ' from the cache '
    expect_same stdout wanted
done
run 0 "$CNNTRAIN" --config cfg.json --check-gradients
if grep -q cache stderr; then fail "expected --check-gradients to need no images"; fi
[ "$(cached)" -eq 1 ] || fail "expected one file in the cache"
run 0 "$CNNPREDICT" cold/model.bin test
[ "$(cached)" -eq 1 ] || fail "expected cnnpredict to use no cache"

# a run that starts with the cache continues without it, and vice versa
train four train.epochs=4 --no-cache
train to-and-fro train.epochs=2
train to-and-fro train.epochs=3 --resume --no-cache
train to-and-fro train.epochs=4 --resume
expect_stderr ' from the cache '
expect_stderr 'continuing after epoch 3'
same_runs four to-and-fro

# a damaged file is reported and replaced
pack=$(find "$cache" -type f)
cp "$pack" good
printf 'x' | dd of="$pack" bs=1 seek=5000 conv=notrunc 2>/dev/null
train damaged
expect_stderr "^$pack: damaged; decoding the images again\$"
expect_stderr ' decoded, now in the cache '
same_runs none damaged
cmp -s good "$pack" || fail "expected the file to be as it was"

# the limit
train small --cache-limit 1K --overwrite data.validation=0.5
expect_stderr ' from the cache '
rm "$pack"
train limited --cache-limit 1K
expect_stderr '^cnntrain: images not cached: they take .* limit of 1.0 KiB'
same_runs none limited
[ "$(cached)" -eq 0 ] || fail "expected nothing in the cache"
for size in 16K 16384 16KiB 0.5M 1e6; do
    rm -rf "$cache"
    train "limit-$size" --cache-limit $size
    expect_stderr ' decoded, now in the cache '
done
for size in 0 -1 x 5X 5KB K '' nan inf 1e30; do
    run 2 "$CNNTRAIN" --config cfg.json --cache-limit "$size" --out nothing
    expect_stderr '^cnntrain: --cache-limit: expected a number of bytes'
done
expect_no_file nothing

# a full disk, simulated by a limit on the size of files
rm -rf "$cache"
last="a dry run with files of at most 4 blocks"
(ulimit -f 4 && exec "$CNNTRAIN" --config cfg.json data.test=test --dry-run) >stdout 2>stderr ||
    fail "expected exit code 0"
expect_stderr '^cnntrain: images not cached: .*File too large'
[ "$(cached)" -eq 0 ] || fail "expected nothing in the cache"

# images that do not fit into memory (simulated by a limit on data; sanitizers need more than that for themselves)
if [ -z "${SANITIZE-}" ]; then
    make_data many 500
    set -- --config cfg.json data.train=many image.width=300 image.height=300 --dry-run --threads 1
    for cache_option in --no-cache "--cache-limit 1G" "--cache-limit 1G"; do
        last="a dry run with 20 MB of memory and $cache_option"
        # shellcheck disable=SC2086,SC3045
        (ulimit -d 20000 && exec "$CNNTRAIN" "$@" $cache_option) >stdout 2>stderr
        echo $? >>codes
    done
    [ "$(tr '\n' ' ' <codes)" = "1 0 0 " ] || fail "expected exit codes 1, 0, 0, got $(cat codes)"
    expect_stderr '^500 images from the cache'
fi

# the place of the cache: XDG_CACHE_HOME if it is absolute, else below HOME, else none
home=$work/home
mkdir "$home"
for base in '' relative; do
    rm -rf "$home/.cache"
    run 0 env HOME="$home" XDG_CACHE_HOME="$base" "$CNNTRAIN" --config cfg.json --dry-run
    expect_stderr "now in the cache \($home/\.cache/cnntrain/"
done
run 0 env -u XDG_CACHE_HOME HOME="$home" "$CNNTRAIN" --config cfg.json --dry-run
expect_stderr "from the cache \($home/\.cache/cnntrain/"
run 0 env -u XDG_CACHE_HOME -u HOME "$CNNTRAIN" --config cfg.json --dry-run
if grep -q cache stderr; then fail "expected no word of a cache"; fi
run 0 env XDG_CACHE_HOME="$work/cfg.json" "$CNNTRAIN" --config cfg.json --dry-run
expect_stderr '^cnntrain: images not cached: .*cfg\.json'
if [ "$(id -u)" -ne 0 ]; then
    mkdir closed
    chmod 555 closed
    run 0 env XDG_CACHE_HOME="$work/closed" "$CNNTRAIN" --config cfg.json --dry-run
    expect_stderr '^cnntrain: images not cached: .*closed/cnntrain: .*ermission'
    chmod 755 closed
fi

# many at the same time, and one killed in the middle: nothing but the images is left
rm -rf "$cache"
make_data large 3000
"$CNNTRAIN" --config cfg.json data.train=large --dry-run >/dev/null 2>&1 &
background=$!
polls=0
while [ "$(cached)" -eq 0 ] && [ "$polls" -lt 1000 ]; do
    polls=$((polls + 1))
done
kill -KILL "$background"
wait "$background" 2>/dev/null
background=
last="runs at once"
children=
for i in 1 2 3 4 5 6; do
    "$CNNTRAIN" --config cfg.json data.train=large train.epochs=1 --out "at-once-$i" --threads 1 >/dev/null 2>"stderr-$i" &
    children="$children $!"
done
for child in $children; do
    wait "$child" || fail "expected exit code 0 of every run"
done
for i in 2 3 4 5 6; do
    same_runs at-once-1 "at-once-$i"
done
[ "$(cat stderr-? | grep -c 'decoded, now in the cache')" -le 6 ] || fail "expected each run to say what it did"
[ "$(find "$cache" -name '*.images' | wc -l)" -eq 1 ] || fail "expected one pack in the cache"
[ "$(cached)" -eq 1 ] || fail "expected nothing else in the cache"

finish

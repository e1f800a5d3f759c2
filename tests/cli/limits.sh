# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC3045
# Limits that the system or --max-memory sets, from too tight to wide enough: every run succeeds or says what it lacks,
# and a run that was ended can be resumed. (tests/inject does the same call by call.)
. "$SOURCE/tests/cli/lib.sh"
make_data data 24
write_config cfg.json
run 0 "$CNNTRAIN" --config cfg.json --out whole --no-cache --quiet

# --- memory: each step a little more, until it is enough
# allowed PROGRAM ARGUMENT...
allowed() {
    size=1024
    steps=0
    while :; do
        rm -rf limited
        last="$* --max-memory $size"
        "$@" --max-memory "$size" >stdout 2>stderr
        code=$?
        [ "$code" -ne 0 ] || break
        steps=$((steps + 1))
        [ "$code" -eq 1 ] || fail "expected exit code 1, got $code"
        expect_stderr 'allowed \(--max-memory\)'
        expect_one_message
        if [ "$failures" -gt 5 ] || [ "$size" -gt 100000000 ]; then
            fail "expected success with $size bytes"
            finish
        fi
        size=$((size + size / 32 + 64))
    done
    [ "$steps" -gt 20 ] || fail "expected more steps than $steps before it is enough"
}
allowed "$CNNTRAIN" --config cfg.json --out limited --no-cache --quiet --threads 1
expect_same whole/model.bin limited/model.bin
allowed "$CNNTRAIN" --config cfg.json --out limited --quiet --threads 2
expect_same whole/model.bin limited/model.bin
allowed "$CNNPREDICT" whole/model.bin data --threads 1

# a network that fits into no machine is refused before any memory is requested
run 1 "$CNNTRAIN" --config cfg.json --out huge image.width=512 image.height=512 layers.0.filters=128 --max-memory 500M
expect_stderr '^cnntrain: the network needs [0-9.]+ GiB \(.* for parameters, .* of 500.0 MiB allowed \(--max-memory\)'
expect_no_file huge
for size in 0 -1 x 1Q ''; do
    run 2 "$CNNTRAIN" --config cfg.json --max-memory "$size"
    expect_stderr '^cnntrain: --max-memory: expected a number of bytes'
    run 2 "$CNNPREDICT" whole/model.bin data --max-memory "$size"
done

# sanitizers need more memory and descriptors than these limits leave
[ -z "${SANITIZE-}" ] || finish

# --- descriptors
limit=4
while :; do
    rm -rf limited
    last="cnntrain, $limit descriptors"
    (ulimit -n $limit && exec "$CNNTRAIN" --config cfg.json --out limited --no-cache --quiet) >stdout 2>stderr
    code=$?
    [ "$code" -ne 0 ] || break
    case $code in
    127) ;; # not even its libraries can be opened
    1) expect_stderr '^cnntrain: .*: Too many open files' ;;
    *) fail "expected exit code 1, got $code" ;;
    esac
    limit=$((limit + 1))
    [ "$limit" -lt 20 ] || break
done
[ "$limit" -gt 4 ] || fail "expected more than 4 descriptors to be needed"
expect_same whole/model.bin limited/model.bin

# --- address space
for kib in 20000 12000 9000; do
    rm -rf limited
    last="cnntrain, $kib KiB of address space"
    (ulimit -v $kib && exec "$CNNTRAIN" --config cfg.json layers.0.filters=256 --out limited --no-cache --quiet -t 1) \
        >stdout 2>stderr
    code=$?
    case $code in
    0 | 127) ;; # 127: not even its libraries fit
    1) expect_stderr '^cnntrain: .*(out of memory|allowed|Cannot allocate)' ;;
    *) fail "expected exit code 0 or 1, got $code" ;;
    esac
done

# --- a disk that fills up, and one that becomes read-only: if this user may mount one
mkdir disk
if ! mount -t tmpfs -o size=256k tmpfs disk 2>/dev/null; then
    echo "skipped: mounting a small disk needs rights"
    finish
fi
trap 'kept=$?; cd /; umount "$work/disk" 2>/dev/null; (exit $kept); leave' EXIT
free=4
while :; do
    rm -rf disk/*
    head -c $(((256 - free) * 1024)) /dev/zero >disk/filler
    run_code=0
    last="cnntrain, $free KiB free"
    "$CNNTRAIN" --config cfg.json --out disk/out --no-cache --quiet >stdout 2>stderr || run_code=$?
    [ "$run_code" -ne 0 ] || break
    [ "$run_code" -eq 1 ] || fail "expected exit code 1, got $run_code"
    expect_stderr '^cnntrain: disk/out[/a-z0-9.]*: .*No space left on device'
    expect_one_message
    [ -z "$(find disk -name '*.tmp*' -o -name .lock)" ] || fail "expected nothing half-written on the disk"
    rm disk/filler
    run 0 "$CNNTRAIN" --config cfg.json --out disk/out --no-cache --quiet --resume
    expect_same whole/model.bin disk/out/model.bin
    expect_same whole/predictions.csv disk/out/predictions.csv
    free=$((free + 4))
done
[ "$free" -gt 20 ] || fail "expected the disk to be full more than $((free / 4)) times"

mount -o remount,ro disk
for mode in --resume --overwrite; do
    run 1 "$CNNTRAIN" --config cfg.json --out disk/out --no-cache --quiet train.epochs=3 $mode
    expect_stderr '^cnntrain: disk/out/[.a-z]+: Read-only file system'
    expect_one_message
done
run 1 "$CNNTRAIN" --config cfg.json --out disk/new --no-cache --quiet
expect_stderr '^cnntrain: disk/new: .*Read-only file system'
expect_same whole/model.bin disk/out/model.bin
umount disk
finish

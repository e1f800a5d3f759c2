# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# cnnpredict's sandbox: it is active while images are read, but not with --no-sandbox. What it forbids is tested in
# test_sandbox.c.
. "$SOURCE/tests/cli/lib.sh"
# a build with sanitizers has no sandbox; before Linux 5.9, filters are not counted
[ -z "${SANITIZE-}" ] || exit 77
grep -q '^Seccomp_filters:' /proc/self/status 2>/dev/null || exit 77
train_model run
image=data/left/00000.pgm

# filters PID: how many filters the process has; the tests may run under one already.
filters() {
    sed -n 's/^Seccomp_filters:[[:space:]]*//p' "/proc/$1/status"
}

# waiting EXTRA [OPTION]: while cnnpredict waits for standard input, it has EXTRA filters more than this shell.
mkfifo questions answers
waiting() {
    extra=$1
    shift
    last="cnnpredict $* run/model.bin -"
    "$CNNPREDICT" "$@" run/model.bin - <questions >answers 2>stderr &
    background=$!
    exec 3>questions 4<answers
    echo "$image" >&3
    row=
    IFS= read -r row <&4
    case $row in
    "$image"*ok) ;;
    *) fail "expected a row, got $row" ;;
    esac
    found=$(filters "$background")
    [ "$found" -eq $(($(filters $$) + extra)) ] || fail "expected $extra filters more than outside, got $found"
    if [ "$extra" -gt 0 ]; then
        grep -q '^Seccomp:[[:space:]]*2$' "/proc/$background/status" || fail "expected Seccomp: 2"
        grep -q '^NoNewPrivs:[[:space:]]*1$' "/proc/$background/status" || fail "expected NoNewPrivs: 1"
    fi
    exec 3>&- 4<&-
    wait "$background" || fail "expected exit code 0"
    background=
}
waiting 1
waiting 1 --threads 4
waiting 0 --no-sandbox

# the same rows, with any number of threads
"$CNNPREDICT" --no-sandbox run/model.bin data >without || fail "expected exit code 0"
for threads in 1 2 3 5 8 16; do
    run 0 "$CNNPREDICT" run/model.bin data --threads $threads
    expect_same without stdout
    expect_no_stderr
done

finish

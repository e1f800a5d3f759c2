# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# The same bytes everywhere: every config of the repository, made small, is trained on any number of threads; with the other
# instruction sets that this processor has; and without the cache of images. How images are shared out among threads does not
# depend on the instruction set, so that only CNN_TEST_SOAK=1 tries every number of threads with each. All runs must leave the
# same model, predictions and metrics. Prints one line per config: its name, and a SHA-256 of those three, which
# other compilers (tests/run.sh) and other processors (tests/aarch64.sh) have to reach, too.
#
# A config whose first run leaves what another config left trains the same network on the same data: it is not repeated.
#
#   same_bytes.sh [CONFIG ...]   default: configs/*.json and configs/bench/*.json
#
# Environment, besides that of lib.sh: SAME_BYTES_THREADS, numbers of threads, default "1 2 3 5 16"; SAME_BYTES_ISAS,
# instruction sets, default "avx512 avx2 generic"; SAME_BYTES_RESULT, a file for the lines that are printed;
# SAME_BYTES_OTHER_THREADS, numbers of threads with the other instruction sets and without the cache, default "2";
# SAME_BYTES_EXPECTED, such a file of another build, whose lines these must be.
. "$SOURCE/tests/cli/lib.sh"

[ $# -gt 0 ] || set -- "$SOURCE"/configs/*.json "$SOURCE"/configs/bench/*.json
if [ -n "${SANITIZE:-}" ]; then # slow
    threads_list=${SAME_BYTES_THREADS:-1 5}
else
    threads_list=${SAME_BYTES_THREADS:-1 2 3 5 16}
fi
other_threads=${SAME_BYTES_OTHER_THREADS-2}
[ -z "$soak" ] || other_threads=$threads_list
isa_list=${SAME_BYTES_ISAS:-avx512 avx2 generic}

# A cache for this script only: cold for the first run of a config, warm for the others.
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

# result DIR: SHA-256 of the results of a run: the model, the predictions, and the metrics without the columns of time.
result() {
    {
        cat "$1/model.bin" "$1/predictions.csv"
        awk -F, '
            NR == 1 { for (i = 1; i <= NF; i++) timed[i] = $i == "seconds" || $i == "images_per_second" }
            { for (i = 1; i <= NF; i++) if (!timed[i]) printf "%s,", $i; print "" }' "$1/metrics.csv"
    } | sha256sum | cut -d ' ' -f 1
}

# used_isa DIR: the instruction set that a run used.
used_isa() {
    sed -n 's/.*"isa":"\([a-z0-9]*\)".*/\1/p' "$1/summary.json"
}

# check_run DIR OPTION...: one run; its bytes must be those of the runs before it. Fails where the processor does not have
# the instruction set.
check_run() {
    out=$1
    shift
    run 0 "$CNNTRAIN" "$@" --quiet --out "$out" || return 0
    [ "$(used_isa "$out")" = "$isa" ] || return 1
    got=$(result "$out")
    [ -n "$reference" ] || reference=$got
    [ "$got" = "$reference" ] || fail "expected the bytes of the other runs in $out"
}

# check_runs OPTION...: all runs of one config.
check_runs() {
    first=yes
    for isa in $isa_list; do
        export CNN_ISA=$isa
        numbers=$other_threads
        [ -z "$first" ] || numbers=$threads_list
        for threads in $numbers; do
            check_run "runs/$count-$name-$isa-$threads" "$@" --threads "$threads" || continue 2
            case " $references " in
            *" $reference "*) return ;;
            esac
            case " $isas " in
            *" $isa "*) ;;
            *) isas="$isas $isa" ;;
            esac
        done
        if [ -n "$first" ]; then # the other instruction sets get the same images
            for threads in $other_threads; do
                check_run "runs/$count-$name-$isa-$threads-no-cache" "$@" --threads "$threads" --no-cache
            done
        fi
        first=
    done
}

isas=
references=
count=0
: >lines
for config in "$@"; do
    name=$(basename "$config" .json)
    [ "$name" != schema ] || continue
    count=$((count + 1))
    channels=$(sed -n 's/.*"channels": *\([13]\).*/\1/p' "$config" | head -n 1)
    data="data-${channels:-1}"
    [ -d "$data" ] || "$MAKE_IMAGES" "$data" 300 20 16 "${channels:-1}" || exit 1
    # small images; 255 are trained on, in batches of 7, 7 and 4 blocks
    for size in 17 28 64; do
        set -- --config "$config" "data.train=$data" data.validation=0.15 "data.test=$data" data.duplicates=allow \
            'data.classes=["left","right"]' "image.width=$size" "image.height=$size" \
            train.epochs=2 train.batch_size=100
        if "$CNNTRAIN" "$@" --dry-run >/dev/null 2>&1; then
            break
        fi
    done
    reference=
    check_runs "$@"
    references="$references $reference"
    printf '%s %s\n' "$name" "$reference" | tee -a lines
    if [ -n "${SAME_BYTES_EXPECTED-}" ]; then
        grep -qxF "$name $reference" "$SAME_BYTES_EXPECTED" || fail "expected the line of $name in $SAME_BYTES_EXPECTED"
    fi
done
[ -z "${SAME_BYTES_RESULT-}" ] || cp lines "$SAME_BYTES_RESULT"
[ "$count" -gt 0 ] || fail "expected a config"
case " $isas " in
*" generic "*) printf 'instruction sets:%s\n' "$isas" >&2 ;;
*) fail "expected runs with CNN_ISA=generic" ;;
esac

finish

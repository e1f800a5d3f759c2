# shellcheck shell=sh disable=SC1091,SC2034,SC2086,SC2154
# Several processes train one network, started by Open MPI and by MPICH: for any number of processes and threads, the files are
# byte for byte those of one process; what goes wrong is said once; a process that is killed ends all, and nothing is lost.
#
# Environment, besides that of lib.sh: MPI_CHECK and CNNTRAIN_MPICH, MPI_CHECK_MPICH (programs, or empty). Prints the hash of
# the model.
. "$SOURCE/tests/cli/lib.sh"

# as a launcher starts it: the first of two processes, and the second one
first_of_two="env OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0"
second_of_two="env OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=1"
if [ -z "${MPI_CHECK:-}" ]; then
    run 2 $first_of_two "$CNNTRAIN" --help
    expect_stderr '^cnntrain: .* built without MPI'
    run 2 $second_of_two "$CNNTRAIN" --help
    expect_no_stderr
    [ "$failures" -eq 0 ] || finish
    echo "cnntrain was built without MPI"
    exit 77
fi
# the launcher that belongs to the program
if ldd "$CNNTRAIN-mpi" | grep -q libmpich; then
    CNNTRAIN_MPICH=$CNNTRAIN MPI_CHECK_MPICH=$MPI_CHECK MPI_CHECK=
fi
command -v mpirun.openmpi >/dev/null || MPI_CHECK=
command -v mpirun.mpich >/dev/null || CNNTRAIN_MPICH=
if [ -z "$MPI_CHECK$CNNTRAIN_MPICH" ]; then
    echo "neither mpirun.openmpi nor mpirun.mpich was found"
    exit 77
fi
# root, and more processes than processors
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
OMPI_MCA_btl_tcp_if_include=lo # whatever networks the machine has
OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none # Open MPI 4
PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe PRTE_MCA_hwloc_default_binding_policy=none # and 5
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_btl_tcp_if_include OMPI_MCA_rmaps_base_oversubscribe OMPI_MCA_hwloc_base_binding_policy \
    PRTE_MCA_rmaps_default_mapping_policy PRTE_MCA_hwloc_default_binding_policy

# start MPI N ARGUMENT...: cnntrain in N processes. In the background: it replaces the shell.
start() {
    mpi=$1
    count=$2
    shift 2
    case $mpi in
    openmpi) exec timeout 60 mpirun.openmpi -n "$count" "$CNNTRAIN" "$@" ;;
    mpich) exec timeout 60 mpirun.mpich -n "$count" "$CNNTRAIN_MPICH" "$@" ;;
    esac
}
# The same in the foreground, for run.
together() { (start "$@"); }

# have MPI: can it be tested?
have() {
    case $1 in
    openmpi) [ -n "$MPI_CHECK" ] ;;
    mpich) [ -n "$CNNTRAIN_MPICH" ] ;;
    esac
}

# says_once PATTERN: one process says one line, and it matches. mpirun says more.
says_once() {
    grep -a '^cnntrain: ' stderr >said # Open MPI 5 writes zero bytes, too
    [ "$(wc -l <said)" -eq 1 ] || fail "expected one line of cnntrain"
    grep -Eq -e "$1" said || fail "expected: $1"
}

# same_run DIR: its results are those of one process. metrics.csv has times.
same_run() {
    for file in model.bin last.bin predictions.csv split.csv config.json; do
        expect_same "$reference/$file" "$1/$file"
    done
    cut -d, -f1-7,10- "$reference/metrics.csv" >metrics-a
    cut -d, -f1-7,10- "$1/metrics.csv" >metrics-b
    expect_same metrics-a metrics-b
    left=$(find "$1" -name '*.tmp.*')
    [ -z "$left" ] || fail "expected no temporary files, found $left"
}

# disturb MPI N: starts or continues the run "killed", which never ends by itself, in the background, and waits until it has trained
# three epochs.
disturb() {
    last="mpirun.$1 -n $2 cnntrain --out killed"
    : >stderr # the messages of another run do not count
    (start "$1" "$2" --config cfg.json $endless --out "$work/killed" --resume --threads 1 --no-report) >stdout 2>stderr &
    background=$!
    polls=0
    while [ "$(grep -c '^epoch ' stderr)" -lt 3 ] && [ "$polls" -lt 3000 ]; do
        sleep 0.01
        polls=$((polls + 1))
    done
}

# disturbed: waits for its end, and sets code.
disturbed() {
    wait "$background"
    code=$?
    background=
}

# stopped CODE...: it has ended with one of these exit codes, and has said so.
stopped() {
    disturbed
    case " $* " in
    *" $code "*) ;;
    *) fail "expected exit code $*, got $code" ;;
    esac
    says_once '^cnntrain: stopped in epoch [0-9]+ .*checkpoint written'
    expect_no_file killed/summary.json
}

# processes: the numbers of those of the run. process RANK: that of one of them.
processes() { pgrep -f "cnntrain.* --out $work/killed( |\$)"; }
process() {
    for each in $(processes); do
        if tr '\0' '\n' <"/proc/$each/environ" 2>/dev/null | grep -Eqx "(OMPI_COMM_WORLD_RANK|PMI_RANK)=$1"; then
            echo "$each"
        fi
    done
}
launcher() { pgrep -P "$background" -f 'mpirun|prterun'; } # the latter: Open MPI 5

# --- messages ------------------------------------------------------------------------------------------------------------

if have openmpi; then
    run 0 timeout 60 mpirun.openmpi -n 3 "$MPI_CHECK"
    expect_no_stderr
    run 3 timeout 60 mpirun.openmpi -n 3 "$MPI_CHECK" abandon 1
    says_once '^cnntrain: process 2 of 3 \([^)]+\): a broken image$'
fi
if have mpich && [ -n "${MPI_CHECK_MPICH:-}" ]; then
    run 0 timeout 60 mpirun.mpich -n 3 "$MPI_CHECK_MPICH"
    expect_no_stderr
    run 3 timeout 60 mpirun.mpich -n 2 "$MPI_CHECK_MPICH" abandon 0
    says_once '^cnntrain: process 1 of 2 \([^)]+\): a broken image$'
fi

# --- the same bytes ------------------------------------------------------------------------------------------------------

make_data data 150
mislabel data 9
cat >cfg.json <<'END'
{
    "data": {"train": "data", "validation": 0.2},
    "image": {"width": 12, "height": 12, "channels": 1, "normalize": "standardize"},
    "layers": [
        {"type": "conv", "filters": 16, "kernel": 3, "padding": "same"}, {"type": "batchnorm"}, {"type": "relu"},
        {"type": "residual", "layers": [
            {"type": "conv", "filters": 16, "kernel": 3, "padding": "same"}, {"type": "batchnorm"}, {"type": "silu"}
        ]},
        {"type": "maxpool", "size": 2}, {"type": "dropout", "rate": 0.2}, {"type": "global_avgpool"},
        {"type": "flatten"}, {"type": "dense", "units": 1}, {"type": "sigmoid"}
    ],
    "augment": {"flip_horizontal": true, "rotate": 10, "noise": 0.05},
    "train": {
        "epochs": 3, "batch_size": 130, "optimizer": "adamw", "learning_rate": 0.01, "schedule": "cosine", "weight_decay": 0.01,
        "clip_norm": 1, "ema_decay": 0.9, "seed": 1, "calibrate": true, "threshold": "f1"
    },
    "output": "out"
}
END
run 0 "$CNNTRAIN" --config cfg.json --out one --no-report
reference=one
sha256sum "$reference/model.bin"
# PROCESSES:THREADS; test_ranks_training.c has more of them, without MPI. With 8:2, a process has one block and two threads: messages
# get a thread of their own
forms_of() {
    case $1,${CNN_TEST_SOAK:-} in
    *,1) echo 1:1 1:2 2:1 2:2 3:1 3:2 4:1 4:2 8:1 8:2 ;;
    openmpi,*) echo 2:2 3:1 8:2 ;;
    mpich,*) echo 3:2 8:2 ;;
    esac
}
for mpi in openmpi mpich; do
    have $mpi || continue
    for form in $(forms_of $mpi); do
        out=$mpi-$form
        run 0 together $mpi "${form%:*}" --config cfg.json --out "$out" --threads "${form#*:}" --no-report --no-cache
        same_run "$out"
    done
    last="messages of $out"
    [ "$(grep -c '^epoch 3/3: ' stderr)" -eq 1 ] || fail "expected the messages of one process"
    expect_stderr "^${form%:*} processes on 1 machine, threads of each: ${form#*:}\$"
done
# report, cache, TensorBoard: made by the first process; and by default, threads share the processors
mpi=openmpi
have openmpi || mpi=mpich
run 0 together $mpi 2 --config cfg.json --out whole
same_run whole
expect_file whole/report.html
[ "$(grep -c '^report: ' stderr)" -eq 1 ] || fail "expected one report"
expect_stderr '^[0-9]+ images \(the share of this process\) (decoded, now in|from) the cache '

# --- what goes wrong is said once ----------------------------------------------------------------------------------------

for mpi in openmpi mpich; do
    have $mpi || continue
    run 2 together $mpi 3 --config cfg.json train.epochz=3 --out wrong
    says_once 'epochz.*did you mean'
    run 2 together $mpi 2 --config cfg.json --folds 3
    says_once '^cnntrain: --folds: expected one process, got 2; '
done
mpi=openmpi
have openmpi || mpi=mpich
run 2 together $mpi 2 --config missing.json
says_once '^cnntrain: missing.json: '
for option in --dry-run --help --sweep=cfg.json; do
    run 2 together $mpi 2 --config cfg.json $option
    says_once "^cnntrain: ${option%=*}: expected one process, got 2; "
done
expect_stdout ""
run 2 together $mpi 2 --config cfg.json --out one
says_once '^cnntrain: one: '
run 1 together $mpi 2 --config cfg.json --out cfg.json/below
says_once '^cnntrain: cfg.json/below: '
run 0 together $mpi 3 --config cfg.json --out one --resume
expect_stderr 'finished already'
# a file that the first process alone cannot write, after some epochs
run 0 together $mpi 2 --config cfg.json train.schedule=constant --out stuck --no-report --quiet
rm stuck/model.bin
mkdir stuck/model.bin
run 1 together $mpi 2 --config cfg.json train.schedule=constant train.epochs=6 --out stuck --resume
says_once '^cnntrain: (process 1 of 2 \([^)]+\): )?stuck/model.bin: '
mkdir lonely
cp "$CNNTRAIN" lonely/cnntrain
run 1 $first_of_two lonely/cnntrain --config cfg.json
says_once '^cnntrain: /.*/lonely/cnntrain-mpi: No such file'
run 1 $second_of_two lonely/cnntrain --config cfg.json
expect_no_stderr
# each process by itself: another MPI, or srun without one
if have openmpi && command -v mpirun.mpich >/dev/null; then
    run 2 timeout 60 mpirun.mpich -n 2 "$CNNTRAIN" --config cfg.json --out alone
    says_once '^cnntrain: expected to be one of 2 processes, .*Open MPI'
fi
run 2 env SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=0 "$CNNTRAIN" --config cfg.json --out alone
says_once '^cnntrain: expected to be one of 4 processes, .*--mpi=pmix'
run 2 env SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=1 "$CNNTRAIN" --config cfg.json --out alone
expect_no_stderr
run 0 env SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=1 "$CNNTRAIN" --config cfg.json --dry-run
expect_no_file alone

# --- killed, stopped, continued by another number of processes -----------------------------------------------------------

endless="train.epochs=1000000 train.schedule=constant"
first=openmpi second=mpich
have openmpi || first=mpich
have mpich || second=openmpi
# MPICH's mpiexec 4.0 at times ends with 0 after it has passed on a signal, in 14 of 160 runs of a small MPI program
# (github.com/pmodels/mpich/pull/5930); signals that go to a process cost nothing
lost() { [ "$1" = openmpi ] || echo 0; }
disturb $first 3
kill -KILL "$(process 1)" || fail "expected a process of rank 1"
disturbed
case $code in
0 | 124) fail "expected all to end with an error, got $code" ;;
esac
polls=0
while processes >left && [ "$polls" -lt 500 ]; do
    sleep 0.01
    polls=$((polls + 1))
done
[ ! -s left ] || fail "expected no process of the run, found $(cat left)"
expect_no_file killed/summary.json
disturb $second 2
kill -TERM "$(process 1)"
stopped 75
disturb $second 3
kill -USR1 "$(launcher)"
stopped "75 $(lost $second)"
disturb $first 4
kill -USR1 "$(launcher)"
stopped "75 $(lost $first)"
disturb $first 2
kill -TERM "$(launcher)" # Open MPI waits for a second before it passes this on, and its exit code is 1
disturbed
if grep -aq '^cnntrain: ' stderr; then # Open MPI 5 passes no more output on
    says_once '^cnntrain: stopped in epoch [0-9]+ .*checkpoint written'
fi
epochs=$(wc -l <killed/metrics.csv) # one more
run 0 "$CNNTRAIN" --config cfg.json $endless train.epochs="$epochs" --out killed --resume --no-report
run 0 "$CNNTRAIN" --config cfg.json $endless train.epochs="$epochs" --out long --no-report
reference=long
same_run killed

finish

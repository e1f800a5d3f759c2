#!/bin/sh
# Trains sets of runs (folds, a sweep), and one run by two tasks, on a real Slurm, started here on one machine, and disturbs them:
# tasks are requeued, killed, preempted and run out of time. Every model and table must be that of an undisturbed run. About six
# minutes.
#
#   tests/slurm.sh [BUILD]    BUILD: the folder of the programs, default build
#
# Needs Debian's slurm-wlm, munge and parallel, and no Slurm that is running: all its files are in a temporary folder. Run it as root, as slurmd wants. SEED chooses what is disturbed when, default the time.
set -u

here=$(cd "$(dirname "$0")/.." && pwd)
BUILD=$(cd "${1:-$here/build}" && pwd) || exit 1
for program in munged slurmctld slurmd sbatch parallel; do
    command -v "$program" >/dev/null || {
        echo "slurm.sh: $program: not found; install slurm-wlm, munge and parallel" >&2
        exit 77
    }
done
SEED=${SEED:-$(date +%s)}
echo "slurm.sh: SEED=$SEED"

work=$(mktemp -d) || exit 1
chmod 755 "$work"
SLURM_CONF=$work/slurm.conf
CNNTRAIN=$BUILD/cnntrain
XDG_CACHE_HOME=$work/.cache
export SLURM_CONF CNNTRAIN XDG_CACHE_HOME
leave() {
    code=$?
    trap - EXIT INT TERM
    scancel --user="$(id -un)" 2>/dev/null
    for daemon in slurmd slurmctld munge; do
        [ ! -f "$work/$daemon.pid" ] || kill "$(cat "$work/$daemon.pid")" 2>/dev/null
    done
    sleep 1
    pkill -KILL -f "$work" 2>/dev/null
    if [ "$code" -eq 0 ]; then
        rm -rf "$work"
    else
        echo "slurm.sh: kept $work"
    fi
    exit "$code"
}
trap leave EXIT
trap 'exit 130' INT TERM

fail() {
    echo "FAILED: $1"
    exit 1
}

# --- a cluster of one machine ------------------------------------------------------------------------------------------

host=$(hostname -s)
cat >"$SLURM_CONF" <<END
ClusterName=test
SlurmctldHost=$host
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket,cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldPort=17817
SlurmdPort=17818
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
SlurmdSpoolDir=$work/spool
StateSaveLocation=$work/state
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=2
NodeName=$host CPUs=$(nproc) State=UNKNOWN
PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=high Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2
END
mkdir "$work/state" "$work/spool"
head -c 64 /dev/urandom >"$work/munge.key"
chmod 400 "$work/munge.key"
munged --force --key-file="$work/munge.key" --socket="$work/munge.socket" --pid-file="$work/munge.pid" \
    --log-file="$work/munge.log" --seed-file="$work/munge.seed" || fail "munged"
slurmctld || fail "slurmctld"
slurmd || fail "slurmd"
tries=0
until sinfo --noheader --format=%T 2>/dev/null | grep -q idle; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || fail "expected an idle node within 30 seconds"
    sleep 0.5
done

# --- what is trained ---------------------------------------------------------------------------------------------------

cd "$work" || exit 1
"$BUILD/tests/make_images" data 400 12 12 1 1 || fail "make_images"
cat >cfg.json <<'END'
{
    "data": {"train": "data", "validation": 0.25},
    "image": {"width": 12, "height": 12, "channels": 1},
    "layers": [
        {"type": "conv", "filters": 16, "kernel": 3}, {"type": "relu"}, {"type": "conv", "filters": 16, "kernel": 3},
        {"type": "relu"}, {"type": "maxpool", "size": 2}, {"type": "flatten"}, {"type": "dense", "units": 1}, {"type": "sigmoid"}
    ],
    "train": {"epochs": EPOCHS, "batch_size": 8, "learning_rate": 0.003, "seed": 1},
    "output": "out"
}
END
# enough epochs that a member takes about ten seconds here
sed 's/EPOCHS/10/' cfg.json >probe.json
begin=$(date +%s%N)
"$CNNTRAIN" --config probe.json --threads 1 --quiet --no-report || fail "cnntrain"
epochs=$(awk -v ns="$(($(date +%s%N) - begin))" 'BEGIN { print int(10 * 1e10 / ns) + 1 }')
sed -i "s/EPOCHS/$epochs/" cfg.json
echo "undisturbed: 4 folds, $epochs epochs"
"$CNNTRAIN" --config cfg.json --folds 4 --out whole --quiet || fail "cnntrain --folds"

# same_set DIR: its models and tables are those of the undisturbed run.
same_set() {
    for file in folds.csv predictions.csv split.csv summary.json config.json; do
        cmp "whole/$file" "$1/$file" || fail "$1/$file"
    done
    for fold in 1 2 3 4; do
        for file in model.bin last.bin predictions.csv split.csv config.json; do
            cmp "whole/fold-$fold/$file" "$1/fold-$fold/$file" || fail "$1/fold-$fold/$file"
        done
    done
    left=$(find "$1" -name '*.tmp.*' -o -name '.lock*')
    [ -z "$left" ] || fail "expected no temporary files and no locks, found $left"
    echo "same bytes: $1"
}

# without_times FILE: sweep.csv without its two columns of times.
without_times() { awk -F, '{ for (i = 1; i <= NF; i++) if (i != NF - 1 && i != NF - 2) printf "%s,", $i; print "" }' "$1"; }

# same_sweep DIR: the same for the sweep.
same_sweep() {
    for file in members.csv summary.json config.json; do
        cmp "whole-sweep/$file" "$1/$file" || fail "$1/$file"
    done
    without_times whole-sweep/sweep.csv >sweep-a
    without_times "$1/sweep.csv" >sweep-b
    cmp sweep-a sweep-b || fail "$1/sweep.csv"
    for member in 0001 0002 0003 0004; do
        for file in model.bin last.bin predictions.csv split.csv config.json; do
            cmp "whole-sweep/$member/$file" "$1/$member/$file" || fail "$1/$member/$file"
        done
    done
    left=$(find "$1" -name '*.tmp.*' -o -name '.lock*' -o -name failed.json)
    [ -z "$left" ] || fail "expected no temporary files, no locks and no failures, found $left"
    echo "same bytes: $1"
}

# submit DIR [MEMBERS]: sets array and gather to the numbers of the jobs. set: the options of the set.
set='--folds 4'
submit() {
    # shellcheck disable=SC2086 # a list
    numbers=$("$here/configs/slurm/submit.sh" "${2:-1-4}" --config cfg.json $set --out "$1" --quiet) || fail "submit.sh"
    array=${numbers#*array }
    array=${array%%;*}
    gather=${numbers##* }
}

# wait_for JOB SECONDS: until the job is over.
wait_for() {
    tries=0
    while [ -n "$(squeue --noheader --jobs="$1" 2>/dev/null)" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt "$2" ] || fail "job $1 is not over after $2 seconds: $(squeue)"
        sleep 1
    done
}

# running: the tasks of the array that run now, such as 12_3.
running() { squeue --noheader --array --jobs="$array" --states=RUNNING --format='%F_%K' 2>/dev/null; }

# draw N: sets drawn to a number from 0 to N - 1.
draw() {
    SEED=$(((SEED * 1103515245 + 12345) % 2147483648))
    drawn=$((SEED / 65536 % $1))
}

# pick: sets task to one of the running tasks, by chance; to nothing if there is none.
pick() {
    task=
    # shellcheck disable=SC2046 # a task per word
    set -- $(running)
    [ $# -gt 0 ] || return 0
    draw $#
    shift "$drawn"
    task=$1
}

# --- undisturbed ---------------------------------------------------------------------------------------------------------

submit array
wait_for "$gather" 300
same_set array
submit array 2-3 # finished members are left alone
wait_for "$gather" 60
same_set array

# --- requeued, and killed, by chance -----------------------------------------------------------------------------------

# disturb DIR COUNT: submits the set, and disturbs its tasks so often.
disturb() {
    submit "$1"
    requeued=0
    killed=0
    while [ $((requeued + killed)) -lt "$2" ] && [ -n "$(squeue --noheader --jobs="$array")" ]; do
        disturb_once "$1"
    done
    echo "$1: requeued $requeued times, killed $killed times"
    [ $((requeued * killed)) -gt 0 ] || fail "expected tasks that were requeued and killed"
    wait_for "$gather" 300
    submit "$1" # what was cancelled
    wait_for "$gather" 300
}
disturb_once() {
    draw 40
    sleep "$((drawn / 10)).$((drawn % 10))"
    pick
    [ -n "$task" ] || return 0
    draw 3
    case $drawn in
    0)
        scontrol requeue "$task" && requeued=$((requeued + 1))
        ;;
    1) # the program alone
        pkill -KILL -f "^$CNNTRAIN .*--out $1 .*--member ${task#*_} " && killed=$((killed + 1))
        ;;
    2) # the program and its script; the task is cancelled then
        scancel --full --signal=KILL "$task" && killed=$((killed + 1))
        ;;
    esac
}
disturb disturbed 12
same_set disturbed

# a sweep: four runs of half as many epochs
set='--sweep sweep.json'
sed -i "s/\"epochs\": $epochs/\"epochs\": $((epochs / 2 + 1))/" cfg.json
echo '{"grid": {"train.learning_rate": [0.001, 0.003]}, "seeds": [1, 2]}' >sweep.json
"$CNNTRAIN" --config cfg.json --sweep sweep.json --out whole-sweep --quiet || fail "cnntrain --sweep"
disturb sweep 8
same_sweep sweep
set='--folds 4'
sed -i "s/\"epochs\": $((epochs / 2 + 1))/\"epochs\": $epochs/" cfg.json

# --- out of time: warned, queued again ----------------------------------------------------------------------------------

SBATCH_OPTIONS="--time=1 --signal=B:USR1@56"
export SBATCH_OPTIONS
submit late
unset SBATCH_OPTIONS
wait_for "$gather" 400
grep -h 'stopped before the end of its time' slurm-"$array"_*.log >again || fail "expected tasks that were warned"
echo "out of time: $(wc -l <again) times"
same_set late

# --- preempted -----------------------------------------------------------------------------------------------------------

submit preempted
for round in 1 2 3; do
    sleep 4
    sbatch --quiet --partition=high --exclusive --output=/dev/null --wrap 'sleep 2' || fail "sbatch, round $round"
done
wait_for "$gather" 400
grep -h 'PREEMPTION' slurm-"$array"_*.log >again || fail "expected tasks that were preempted"
echo "preempted: $(wc -l <again) times"
same_set preempted

# --- one training by two tasks: out of time, queued again; killed, submitted again -------------------------------------

# tasks SBATCH-OPTION ...: a job that trains in the directory "together", and its number.
tasks() {
    sbatch --parsable --ntasks=2 "$@" "$here/configs/slurm/together.sh" --config cfg.json --out together --quiet --no-report ||
        fail "sbatch together.sh"
}
case $(ldd "$CNNTRAIN-mpi" 2>/dev/null) in
*libmpich*) export SLURM_MPI_TYPE=pmi2 ;;
*libmpi*) export SLURM_MPI_TYPE=pmix ;;
*) SLURM_MPI_TYPE= ;;
esac
if [ -n "$SLURM_MPI_TYPE" ]; then
    sed "s/\"epochs\": [0-9]*/\"epochs\": $((2 * epochs))/" cfg.json >longer.json
    mv longer.json cfg.json
    "$CNNTRAIN" --config cfg.json --out alone --quiet --no-report || fail "cnntrain"
    job=$(tasks)
    tries=0
    until [ -f together/metrics.csv ] && [ "$(wc -l <together/metrics.csv)" -gt 2 ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || fail "expected epochs of job $job"
        sleep 0.1
    done
    pkill -KILL -n -f "^$CNNTRAIN .*--out together" || fail "expected a task to kill"
    wait_for "$job" 60
    [ ! -f together/summary.json ] || fail "expected a run that was killed"
    ! pgrep -f "^$CNNTRAIN .*--out together" || fail "expected the other task to end, too"
    job=$(tasks --time=1 --signal=USR1@56)
    wait_for "$job" 400
    grep -h 'stopped before the end of its time' "slurm-$job.log" >again || fail "expected tasks that were warned"
    echo "several tasks, out of time: $(wc -l <again) times"
    for file in model.bin last.bin predictions.csv split.csv; do
        cmp "alone/$file" "together/$file" || fail "together/$file"
    done
    echo "same bytes: together"
else
    echo "cnntrain was built without MPI: not trained by several tasks"
fi

# --- GNU parallel: stopped, and run again --------------------------------------------------------------------------------

with_parallel() {
    seq 4 | parallel --jobs 2 --joblog parallel.joblog --resume-failed --termseq TERM,20000,KILL \
        "$CNNTRAIN" --config cfg.json --folds 4 --member '{}' --resume --threads 1 --quiet --out parallel
}
with_parallel &
process=$!
sleep 4
pkill -TERM -f "^$CNNTRAIN .*--out parallel" || fail "expected running members"
wait "$process" && fail "expected members that were stopped"
awk '$7 == 75' parallel.joblog | grep -q . || fail "expected exit code 75 in the joblog"
with_parallel || fail "expected every member to end"
"$CNNTRAIN" --config cfg.json --folds 4 --gather --quiet --out parallel || fail "cnntrain --gather"
same_set parallel
echo "all tests passed"

#!/bin/sh
# One member of a set of runs, as a task of a Slurm job array. submit.sh submits it; the arguments are those of cnntrain.
#
# Slurm warns the task two minutes before its time is over. cnntrain then writes a checkpoint and exits with 75, which
# means "again": the task is queued once more, and continues where it stopped. The same holds for a task that Slurm itself
# requeues (because a node failed, or a job with more rights preempted it), and for one whose program was killed. A task
# that is cancelled with scancel is not queued again.
#
# Environment:
#   CNNTRAIN      the program, default cnntrain
#   MAX_RESTARTS  a task that was killed is queued again at most this often, default 10, so that a program that needs more
#                 memory than it may have does not run for ever
#   MAX_STOPS     the same for a task whose time was over, default 100: one that has less time than the warning, or than
#                 reading its images takes, never gets further
#
# --signal: "B:" because Slurm otherwise signals only what srun started, not this script. USR1 because TERM comes from
# scancel. Under timeout(1), cnntrain's exit code is lost without --preserve-status.
#SBATCH --job-name=cnntrain
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=slurm-%A_%a.log
set -u

child=
cancelled=
# Makes cnntrain write a checkpoint and end.
stop() { [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || :; }
trap stop USR1
trap 'cancelled=yes; stop' TERM

"${CNNTRAIN:-cnntrain}" "$@" --member "$SLURM_ARRAY_TASK_ID" --resume --threads "${SLURM_CPUS_PER_TASK:-1}" &
child=$!
code=0
wait "$child" || code=$?
while [ "$code" -gt 128 ] && kill -0 "$child" 2>/dev/null; do
    code=0 # a signal ended the wait, not the program
    wait "$child" || code=$?
done

# again REASON NAME LIMIT: queues this task again, unless that has been done LIMIT times (the variable NAME). Not by
# SLURM_JOB_ID: that of one of the tasks is also the number of the whole array.
again() {
    restarts=${SLURM_RESTART_COUNT:-0}
    if [ "$restarts" -lt "$3" ]; then
        echo "member.sh: $1; queued again (restart $((restarts + 1)))" >&2
        scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
    else
        echo "member.sh: $1; not queued again, after $restarts restarts ($2=$3); give it more time (--time) or memory (--mem)," \
            "and submit the set again" >&2
    fi
}

if [ -n "$cancelled" ]; then
    :
elif [ "$code" -eq 75 ]; then
    again "stopped before the end of its time" MAX_STOPS "${MAX_STOPS:-100}"
elif [ "$code" -gt 128 ]; then
    again "cnntrain was killed by signal $((code - 128))" MAX_RESTARTS "${MAX_RESTARTS:-10}"
fi
exit "$code"

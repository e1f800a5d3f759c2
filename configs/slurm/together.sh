#!/bin/sh
# One training by all tasks of a Slurm job together, such as one on each of four machines. The arguments are those of cnntrain.
# Run it in the directory in which you would run cnntrain; every machine must see that directory.
#
#   sbatch --nodes=4 --ntasks-per-node=1 --cpus-per-task=16 configs/slurm/together.sh --config cfg.json --out runs/big
#
# Slurm warns the tasks two minutes before the time of the job is over. They then write a checkpoint and exit with 75: the job
# is queued once more, and continues where it stopped, also with another number of tasks. The same holds for a job that Slurm
# itself requeues, because a machine failed or a job with more rights preempted it. If one task is killed, the others are
# ended, too.
#
# Environment:
#   CNNTRAIN        the program, default cnntrain
#   MAX_STOPS       a job whose time was over is queued again at most this often, default 100: one that has less time than
#                   the warning, or than reading its images takes, never gets further
#   SLURM_MPI_TYPE  srun's --mpi: pmix for Open MPI (default), pmi2 for MPICH
#
# --signal without "B:": Slurm signals the tasks, and not this script.
#SBATCH --job-name=cnntrain
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=slurm-%j.log
set -u

cancelled=
trap 'cancelled=yes' TERM # scancel, which ends the tasks, too

# srun does not take over --cpus-per-task from sbatch (since 22.05)
cpus=${SLURM_CPUS_PER_TASK:-}
code=0
srun --mpi="${SLURM_MPI_TYPE:-pmix}" --kill-on-bad-exit=1 ${cpus:+--cpus-per-task="$cpus"} \
    "${CNNTRAIN:-cnntrain}" "$@" --resume ${cpus:+--threads "$cpus"} || code=$?

restarts=${SLURM_RESTART_COUNT:-0}
if [ "$code" -ne 75 ] || [ -n "$cancelled" ]; then
    :
elif [ "$restarts" -lt "${MAX_STOPS:-100}" ]; then
    echo "together.sh: stopped before the end of its time; queued again (restart $((restarts + 1)))" >&2
    scontrol requeue "$SLURM_JOB_ID"
else
    echo "together.sh: stopped before the end of its time; not queued again, after $restarts restarts" \
        "(MAX_STOPS=${MAX_STOPS:-100}); give it more time (--time), and submit it again" >&2
fi
exit "$code"

#!/bin/sh
# Puts the results of a set of runs together, after the last task of the array. submit.sh submits it; the arguments are those
# of cnntrain.
#SBATCH --job-name=cnntrain-gather
#SBATCH --output=slurm-%j-gather.log
exec "${CNNTRAIN:-cnntrain}" "$@" --gather --threads "${SLURM_CPUS_PER_TASK:-1}"

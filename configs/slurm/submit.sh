#!/bin/sh
# Submits a set of runs to Slurm: a job array with one task per member, and a job that gathers the results after the last
# task. Run it in the directory in which you would run cnntrain; every node must see that directory. Submit a set again to
# train what is missing.
#
#   configs/slurm/submit.sh MEMBERS CNNTRAIN-OPTION ...
#
#   configs/slurm/submit.sh 1-5 --config cfg.json --folds 5 --out runs/folds
#
#   MEMBERS  an argument of sbatch's --array: 1-5, or 1-40%8 to train eight at a time, or 3,7
#
# Environment:
#   SBATCH_OPTIONS                     more options for the tasks: "--time=1:00:00 --cpus-per-task=4 --mem=2G"
#   CNNTRAIN, MAX_RESTARTS, MAX_STOPS  see member.sh
#
# Prints the numbers of both jobs. Exit codes: 0 submitted, 2 arguments, else that of sbatch.
set -eu

case ${1:-} in
-h | --help)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
    exit 0
    ;;
[0-9]*) ;;
*)
    echo "submit.sh: expected MEMBERS, such as 1-5, got \"${1:-}\" (see --help)" >&2
    exit 2
    ;;
esac
members=$1
shift
here=$(cd "$(dirname "$0")" && pwd)

# words are separated by blanks, as in SBATCH_OPTIONS
# shellcheck disable=SC2086
array=$(sbatch --parsable --array="$members" ${SBATCH_OPTIONS:-} "$here/member.sh" "$@")
array=${array%%;*} # after the semicolon: the name of the cluster
gather=$(sbatch --parsable --dependency="afterany:$array" "$here/gather.sh" "$@")
echo "members: job array $array; results: job ${gather%%;*}"

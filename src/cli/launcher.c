#include "cli/launcher.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

/* The variables that a launcher sets. A launcher may itself run in a process that another one has
 * started, and inherits its variables: that is why Slurm's come last. */
static const struct {
    const char *count, *rank;
    bool mpi;
} launchers[] = {
    {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", true}, /* mpirun of Open MPI */
    {"PMI_SIZE", "PMI_RANK", true},                         /* of MPICH; srun --mpi=pmi2 */
    {"SLURM_STEP_NUM_TASKS", "PMIX_RANK", true},            /* srun --mpi=pmix */
    {NULL, "PMIX_RANK", true},                              /* others with PMIx */
    {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", false},        /* srun --mpi=none */
};

/* Returns the value of a variable; -1 if it is not set, or is no number. */
static int number(const char *variable) {
    const char *text = getenv(variable);
    char *end;
    if (!text || !*text) {
        return -1;
    }
    const long value = strtol(text, &end, 10);
    return *end == '\0' && value >= 0 && value <= INT_MAX ? (int)value : -1;
}

cnn_launcher cnn_launcher_find(void) {
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        const int count = launchers[i].count ? number(launchers[i].count) : 0;
        const int rank = number(launchers[i].rank);
        if (count >= 0 && rank >= 0) {
            return (cnn_launcher){.count = count, .rank = rank, .mpi = launchers[i].mpi};
        }
    }
    return (cnn_launcher){.count = 1};
}

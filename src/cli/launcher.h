/* Was this process started as one of several that belong together, by mpirun or srun? */
#ifndef CNN_CLI_LAUNCHER_H
#define CNN_CLI_LAUNCHER_H

#include <stdbool.h>

typedef struct cnn_launcher {
    int count; /* processes that were started together; 0: not known */
    int rank;  /* this one, from 0; 0 if it is not known */
    bool mpi;  /* MPI can be initialised */
} cnn_launcher;

/* Looks into the environment. Before this, a program does not know if it may call MPI: MPI_Init
 * takes long, and fails in some processes that MPI has not started. */
cnn_launcher cnn_launcher_find(void);

#endif

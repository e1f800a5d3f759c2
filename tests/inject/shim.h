/* What the injecting shim and the program that drives it share: a page of memory, mapped by both.
 */
#ifndef CNN_INJECT_SHIM_H
#define CNN_INJECT_SHIM_H

#include <stdatomic.h>

/* Environment variable: the file that holds the page. */
#define INJECT_PAGE "CNN_INJECT_PAGE"

typedef enum inject_class {
    INJECT_NOTHING,
    INJECT_WRITING, /* whatever makes, changes, syncs, renames, locks or removes files, and closes
                       them; results on standard output */
    INJECT_READING, /* whatever looks at files and folders */
    INJECT_MEMORY,  /* malloc and its kind; threads */
} inject_class;

typedef enum inject_mode {
    INJECT_ONCE,        /* the call fails, later ones do not */
    INJECT_FROM_THERE,  /* … and all calls that need room from there on: a full disk, no memory */
    INJECT_SHORT_WRITE, /* a write takes half of what it is given */
} inject_mode;

typedef struct inject_page {
    int class, mode, error; /* error: the errno of the failure */
    long at;                /* the call that fails, counted from 1 in its class */
    atomic_long calls;      /* of the class, so far */
    atomic_long delivered;  /* failures */
    atomic_long live;       /* blocks of memory that were taken and not given back */
    char name[32];          /* of the first call that failed */
} inject_page;

#endif

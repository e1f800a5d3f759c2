/* Makes each process of a test a program on a separate machine: with another kernel and name,
 * another time of day, and locks that other machines do not see. The linker replaces the system's
 * functions by those of machines.c (MACHINES_WRAP in CMakeLists.txt). */
#ifndef CNN_TEST_MACHINES_H
#define CNN_TEST_MACHINES_H

typedef enum machine_locks {
    LOCKS_WORK,  /* every machine sees the locks of all others */
    LOCKS_LOCAL, /* a machine sees its own only, as with NFS's local_lock=all */
    LOCKS_NONE,  /* there are none: ENOLCK */
} machine_locks;

typedef struct test_machine {
    int number;
    machine_locks locks;
    int speed;      /* the factor by which the monotonic clock and the waits of poll are faster */
    long fast;      /* seconds by which the time of day is ahead */
    int time_looks; /* how often the program has asked for the time of day */
} test_machine;

/* The machine that this process runs on; at first number 0, with locks that work. */
extern test_machine machine;

#endif

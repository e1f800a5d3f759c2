/* Several processes that train together, for tests: forked, and connected by sockets. */
#ifndef CNN_FORKED_RANKS_H
#define CNN_FORKED_RANKS_H

#include "base/ranks.h"

enum { FORKED_MAX = 16 };

/* What a process does; its result goes to result[size]. It ends at once, as a failure, if an
 * assertion of cmocka's would fail: use expect_in_rank. */
typedef void forked_body(const cnn_transport *transport, void *context, void *result, size_t size);

/* Runs body in `ranks` processes, and fails the test unless all end well within some seconds.
 * results: [ranks][size]. */
void forked_ranks_run(int ranks, forked_body *body, void *context, void *results, size_t size);

/* The same, where a process may end in any way; exits: [ranks], its exit code, or 128 + its signal.
 */
void forked_ranks_end(int ranks, forked_body *body, void *context, int *exits);

/* Ends the process, with a message, if the condition is false. */
#define expect_in_rank(condition)                                                                  \
    ((condition) ? (void)0 : forked_ranks_fail(__FILE__, __LINE__, #condition))
void forked_ranks_fail(const char *file, int line, const char *condition);

#endif

/* Jobs that are done one after the other: by a thread next to the one that gives them, or, where no
 * processor is left for it, by the one that gives them, when it waits for them. */
#ifndef CNN_BASE_BACKGROUND_H
#define CNN_BASE_BACKGROUND_H

#include "cnn/error.h"

#include <stdbool.h>

typedef struct cnn_background cnn_background;
typedef void cnn_background_job(void *context);

/* Jobs that may be waiting or running at a time. */
enum { CNN_BACKGROUND_JOBS = 8 };

/* has_thread: starts a thread. Free with cnn_background_free (NULL is allowed), which waits for all
 * jobs; without a thread, those for which nobody has waited are not done. */
CNN_MUST_USE cnn_status cnn_background_create(bool has_thread, cnn_background **background,
                                              cnn_error *error);
void cnn_background_free(cnn_background *background);

/* Gives it a job, after those it has; returns the number of the job. If too many are waiting, the
 * first one is done before. */
unsigned long cnn_background_start(cnn_background *background, cnn_background_job *job,
                                   void *context);

/* Waits until the job of that number, and so all before it, are done. */
void cnn_background_wait(cnn_background *background, unsigned long job);

#endif

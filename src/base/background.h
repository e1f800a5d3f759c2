/* A thread that does one job after the other, beside the thread that gives them to it. */
#ifndef CNN_BASE_BACKGROUND_H
#define CNN_BASE_BACKGROUND_H

#include "cnn/error.h"

typedef struct cnn_background cnn_background;
typedef void cnn_background_job(void *context);

/* Jobs that may be waiting or running at a time. */
enum { CNN_BACKGROUND_JOBS = 8 };

/* Starts the thread. Free with cnn_background_free, which waits for all jobs (NULL is allowed). */
CNN_MUST_USE cnn_status cnn_background_create(cnn_background **background, cnn_error *error);
void cnn_background_free(cnn_background *background);

/* Gives it a job, after those it has; returns the number of the job. */
unsigned long cnn_background_start(cnn_background *background, cnn_background_job *job,
                                   void *context);

/* Waits until the job of that number, and so all before it, are done. */
void cnn_background_wait(cnn_background *background, unsigned long job);

#endif

/* Messages of the library: passed to a function of the caller. */
#ifndef CNN_LOG_H
#define CNN_LOG_H

typedef enum cnn_log_level {
    CNN_LOG_DETAIL,  /* for --verbose */
    CNN_LOG_EPOCH,   /* the results of an epoch; cnn_train_options.epoch reports them, too */
    CNN_LOG_INFO,    /* what a user wants to know */
    CNN_LOG_WARNING, /* a problem, but the work continues */
    CNN_LOG_ERROR,   /* one of the reasons why the call fails */
} cnn_log_level;

/* `write` gets one line at a time, without a trailing newline, always from the thread that called
 * the library. */
typedef struct cnn_log_sink {
    void (*write)(void *user, cnn_log_level level, const char *line);
    void *user;
} cnn_log_sink;

#endif

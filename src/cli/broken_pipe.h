/* Pipes whose reader is gone: `cnntrain … 2>&1 | head`, `cnnpredict … | head`. */
#ifndef CNN_CLI_BROKEN_PIPE_H
#define CNN_CLI_BROKEN_PIPE_H

/* Call this first. Afterwards, writing to such a pipe fails with an error instead of ending the
 * program by SIGPIPE: messages and progress on stderr are dropped, and the work continues. */
void cnn_broken_pipe_ignore(void);

/* Call this after a failure to write results to stdout; reason: errno. If the reader is gone, ends
 * the program by SIGPIPE, without a message, like other programs. Returns if there is another
 * reason, or if SIGPIPE was ignored when the program was started: then the failure is an ordinary
 * error. */
void cnn_broken_pipe_end(int reason);

#endif

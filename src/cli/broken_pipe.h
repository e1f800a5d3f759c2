/* Pipes whose reader is gone: `cnntrain … 2>&1 | head`, `cnnpredict … | head`. */
#ifndef CNN_CLI_BROKEN_PIPE_H
#define CNN_CLI_BROKEN_PIPE_H

/* To be called first. From here on, writing to such a pipe is an error of the write and not the end
 * of the program (SIGPIPE): messages and progress on stderr are dropped, and the work continues. */
void cnn_broken_pipe_ignore(void);

/* To be called after results could not be written to stdout; reason: errno. If the reader is gone,
 * it ends the program without a message, by SIGPIPE, like other programs. It returns if there is
 * another reason, or if SIGPIPE was ignored when the program was started: then it is an error like
 * any other. */
void cnn_broken_pipe_end(int reason);

#endif

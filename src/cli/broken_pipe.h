/* Pipes that nobody reads any more: `cnntrain … 2>&1 | head`, `cnnpredict … | head`. */
#ifndef CNN_CLI_BROKEN_PIPE_H
#define CNN_CLI_BROKEN_PIPE_H

/* To be called first. From here on, writing to such a pipe is an error of the write and not the end
 * of the program (SIGPIPE): messages and progress on stderr get lost, and the work goes on. */
void cnn_broken_pipe_ignore(void);

/* To be called after results could not be written to stdout; reason: errno. Where nobody reads them
 * any more, it ends the program without a word, by SIGPIPE, as other programs end. It returns where
 * there is another reason, or where SIGPIPE was ignored when the program was started: that makes it
 * an error like any other. */
void cnn_broken_pipe_end(int reason);

#endif

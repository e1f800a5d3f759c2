/* A process that writes pictures into one folder, for a program that gives up the right to write
 * files (sandbox.h). It is started before that, and takes names and bytes from a pipe.
 *
 * Whatever happens to the program that reads images, by this way it can only replace files NAME.png
 * in that folder, by bytes that start as a PNG file does. */
#ifndef CNN_CLI_PICTURE_WRITER_H
#define CNN_CLI_PICTURE_WRITER_H

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The process, and the pipes to it and from it. */
typedef struct cnn_picture_writer {
    pid_t process;
    int requests, replies;
} cnn_picture_writer;

/* Creates the folder and its parents if they do not exist, and starts the process. Call it while
 * there is one thread. End it with cnn_picture_writer_end. The process ends by itself if the
 * program does; it ignores signals from the keyboard, so that no file is left half-written.
 * confine: what the process calls first, to give up the rights that it does not need; it ends if
 * that fails. NULL: it keeps them. CNN_ERROR_RUNTIME. */
CNN_MUST_USE cnn_status cnn_picture_writer_start(const char *folder,
                                                 cnn_status (*confine)(cnn_error *error),
                                                 cnn_picture_writer *writer, cnn_error *error);
void cnn_picture_writer_end(cnn_picture_writer *writer);

/* Writes the file `name` (which ends in ".png", has no slash and at most 239 bytes) in the folder,
 * as cnn_file_write does, whose error it returns. */
CNN_MUST_USE cnn_status cnn_picture_writer_put(cnn_picture_writer *writer, const char *name,
                                               const uint8_t *bytes, size_t size, cnn_error *error);

#endif

/* The checksum of a file. */
#ifndef CNN_BASE_FILE_HASH_H
#define CNN_BASE_FILE_HASH_H

#include "cnn/error.h"

/* The SHA-256 of the file `path`, as sha256sum prints it: 64 digits and a '\0'. Failures have the
 * status `failure`, or CNN_ERROR_RUNTIME if memory or descriptors have run out, and a message that
 * starts with the path. */
CNN_MUST_USE cnn_status cnn_file_sha256(const char *path, cnn_status failure, char digits[65],
                                        cnn_error *error);

#endif

/* A network in integers of 8 bits as C source: C99 without any library. */
#ifndef CNN_MODEL_C_INT8_SOURCE_H
#define CNN_MODEL_C_INT8_SOURCE_H

#include "model/c_header.h"
#include "model/c_int8.h"

/* Appends NAME.h and NAME.c, with the names of cnn_c_source_write (c_source.h); the buffer is of
 * int8_t. note: see cnn_c_header_write. With -DNAME_SELF_TEST, the source has a main that compares
 * the integers for some pixels with those of this program. CNN_ERROR_RUNTIME if memory is refused.
 */
CNN_MUST_USE cnn_status cnn_int8_source_write(const cnn_int8_network *network, const char *name,
                                              const char *sha256, const char *note,
                                              cnn_text *header, cnn_text *source, cnn_c_cost *cost,
                                              cnn_error *error);

#endif

/* Warns if the files hold information that the network does not see (image/hidden.h). */
#ifndef CNN_RUN_HIDDEN_WARNING_H
#define CNN_RUN_HIDDEN_WARNING_H

#include "run/setup.h"

/* Looks at up to 16 training images of the setup, evenly spread, and at their files if the network
 * sees little difference in the pixels. Says in the log what image.range and image.alpha would
 * show. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_hidden_warn(const cnn_setup *setup, const cnn_log_sink *log,
                                        cnn_error *error);

#endif

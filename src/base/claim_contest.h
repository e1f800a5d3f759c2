/* The other claims on a place: which of them are alive, and does one of them keep this program out?
 * Private to file_claim.c; file_claim.h explains claims. */
#ifndef CNN_BASE_CLAIM_CONTEST_H
#define CNN_BASE_CLAIM_CONTEST_H

#include "base/claim_file.h"

/* Looks at the other claims until none is in the way of `own`, a candidate in `folder`, or until
 * one that is alive is: then *out is set, and *holder is its program. Removes claims that are left
 * over. CNN_STOPPED if request->should_stop returned true. CNN_ERROR_RUNTIME with the path in the
 * message. */
CNN_MUST_USE cnn_status cnn_claim_compete(const cnn_claim_request *request, const char *folder,
                                          cnn_claim_file *own, bool *out, cnn_lock_holder *holder,
                                          cnn_error *error);

#endif

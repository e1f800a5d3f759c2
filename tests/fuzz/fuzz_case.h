/* What make_seeds.c writes, and the harnesses expect: a checkpoint and a cache file are read for a
 * run that is known to the reader. */
#ifndef CNN_FUZZ_CASE_H
#define CNN_FUZZ_CASE_H

#include "image/cache_file.h"

#define FUZZ_CHECKPOINT_CONFIG                                                                     \
    "{\"data\":{\"train\":\"a\"},\"image\":{\"width\":6,\"height\":6,\"channels\":1},\"layers\":[" \
    "{\"type\":\"flatten\"},{\"type\":\"dense\",\"units\":1},{\"type\":\"sigmoid\"}]}"
#define FUZZ_CHECKPOINT_DATA 0x0123456789abcdefU

enum { FUZZ_PARAMETERS = 7, FUZZ_OPTIMIZER_STATE = 3 };

static const cnn_cache_file_layout fuzz_cache_layout = {
    .key = {.low = 0x1111, .high = 0x2222}, .count = 3, .image_size = 20};

#endif

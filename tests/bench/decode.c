/* How fast are image files decoded and resized? Reads paths from standard input, one per line:
 *
 *     cnndecode WIDTH HEIGHT THREADS <LIST
 *
 * Each file is decoded as a run decodes it (RGB, stretched, with the hash of its content), without
 * the cache. Prints the number of images that were read and that were not, the seconds, and the
 * largest resident size in MiB. */

#include "base/memory.h"
#include "base/parallel.h"
#include "image/load.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

typedef struct decoding {
    char **paths;
    size_t count, capacity;
    cnn_image_settings settings;
    cnn_image_buffers *buffers; /* [threads] */
    uint8_t *pixels;            /* [threads][image size] */
    atomic_size_t unreadable;
} decoding;

static double now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static bool read_paths(decoding *d) {
    char *line = NULL;
    size_t size = 0;
    for (ssize_t length; (length = getline(&line, &size, stdin)) > 0;) {
        line[length - 1] = line[length - 1] == '\n' ? '\0' : line[length - 1];
        if (d->count == d->capacity) {
            d->capacity = 2 * d->capacity + 64;
            char **grown = realloc(d->paths, d->capacity * sizeof *grown);
            if (!grown) {
                break;
            }
            d->paths = grown;
        }
        d->paths[d->count++] = strdup(line);
    }
    free(line);
    return feof(stdin) != 0;
}

static void decode(void *context, size_t i, int thread) {
    decoding *d = context;
    uint64_t content;
    uint8_t *pixels = d->pixels + (size_t)thread * cnn_image_size(&d->settings);
    cnn_error error;
    if (cnn_image_load(d->paths[i], &d->settings, &d->buffers[thread], pixels, &content, &error) !=
        CNN_OK) {
        atomic_fetch_add(&d->unreadable, 1);
    }
}

int main(int count, char **arguments) {
    cnn_error error;
    if (count != 4) {
        (void)fprintf(stderr, "usage: cnndecode WIDTH HEIGHT THREADS <LIST\n");
        return 2;
    }
    int threads = atoi(arguments[3]);
    decoding d = {.settings = {.width = atoi(arguments[1]),
                               .height = atoi(arguments[2]),
                               .channels = 3,
                               .max_megapixels = 64.0}};
    d.pixels = cnn_alloc((size_t)threads, cnn_image_size(&d.settings));
    if (!read_paths(&d) || !d.pixels ||
        cnn_image_buffers_create(threads, &d.buffers, &error) != CNN_OK) {
        (void)fprintf(stderr, "cnndecode: out of memory\n");
        return 1;
    }
    double begin = now();
    cnn_parallel_for(d.count, threads, decode, &d);
    double seconds = now() - begin;
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    size_t unreadable = atomic_load(&d.unreadable);
    printf("%zu %zu %.4f %.1f\n", d.count - unreadable, unreadable, seconds,
           (double)usage.ru_maxrss / 1024.0);
    return 0;
}

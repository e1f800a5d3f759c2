/* Writes images of two classes that are easy to tell apart: DIR/left has a bright dot left,
 * DIR/right has it right. make_images DIR N WIDTH HEIGHT CHANNELS [SEED]: N images in all, the same
 * bytes every time for the same seed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char *const class_names[] = {"left", "right"};

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* A dark, noisy image with a bright square in the middle of one half. */
static int write_image(const char *path, int label, int width, int height, int channels,
                       uint32_t *state) {
    FILE *file = fopen(path, "wb");
    if (!file) {
        return 0;
    }
    int size = width < height ? width / 3 : height / 3;
    size = size < 1 ? 1 : size;
    int shift = (int)(next_random(state) % 3) - 1;
    int column = (label ? 3 * width / 4 : width / 4) - size / 2;
    int row = height / 2 - size / 2 + shift;
    fprintf(file, "P%d\n%d %d\n255\n", channels == 3 ? 6 : 5, width, height);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            int bright = x >= column && x < column + size && y >= row && y < row + size;
            for (int c = 0; c < channels; c++) {
                fputc((bright ? 200 : 20) + (int)(next_random(state) % 40), file);
            }
        }
    }
    int written = !ferror(file);
    return fclose(file) == 0 && written;
}

int main(int argc, char **argv) {
    if (argc != 6 && argc != 7) {
        fputs("usage: make_images DIR N WIDTH HEIGHT CHANNELS [SEED]\n", stderr);
        return 2;
    }
    int count = atoi(argv[2]), width = atoi(argv[3]), height = atoi(argv[4]),
        channels = atoi(argv[5]);
    if (count < 0 || width < 1 || height < 1 || (channels != 1 && channels != 3)) {
        fputs("make_images: expected N >= 0, a size >= 1 x 1, and 1 or 3 channels\n", stderr);
        return 2;
    }
    char path[4096];
    (void)mkdir(argv[1], 0777);
    for (int label = 0; label < 2; label++) {
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], class_names[label]);
        (void)mkdir(path, 0777);
    }
    uint32_t state = argc == 7 ? (uint32_t)atoi(argv[6]) : 1;
    for (int i = 0; i < count; i++) {
        (void)snprintf(path, sizeof path, "%s/%s/%05d.%s", argv[1], class_names[i % 2], i,
                       channels == 3 ? "ppm" : "pgm");
        if (!write_image(path, i % 2, width, height, channels, &state)) {
            perror(path);
            return 1;
        }
    }
    return 0;
}

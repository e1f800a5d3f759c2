/* Writes images of two classes that are easy to tell apart: DIR/left has a bright dot left,
 * DIR/right has it right. make_images DIR N WIDTH HEIGHT CHANNELS [SEED]: N images in all, the same
 * bytes every time for the same seed. CHANNELS 1 or 3: PGM or PPM. 16: grey of 16 bits whose values
 * are from 29820 to 29920, as a thermal camera's: PGM. 4: black all over, with the picture in the
 * alpha channel: TGA. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char *const class_names[] = {"left", "right"};

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void write_header(FILE *file, int width, int height, int channels) {
    if (channels == 4) { /* TGA: not compressed, 32 bits, from the top */
        const int header[18] = {
            [2] = 2, [12] = width & 255, width >> 8, height & 255, height >> 8, 32, 0x28};
        for (int i = 0; i < 18; i++) {
            fputc(header[i], file);
        }
        return;
    }
    fprintf(file, "P%d\n%d %d\n%d\n", channels == 3 ? 6 : 5, width, height,
            channels == 16 ? 65535 : 255);
}

/* noise: 0 to 39. */
static void write_value(FILE *file, int channels, int bright, int noise) {
    int value = (bright ? 200 : 20) + noise;
    if (channels == 16) {
        value = (bright ? 29881 : 29820) + noise;
        fputc(value >> 8, file);
    }
    for (int c = 0; c < 3 && channels == 4; c++) {
        fputc(0, file);
    }
    fputc(value & 255, file);
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
    write_header(file, width, height, channels);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            int bright = x >= column && x < column + size && y >= row && y < row + size;
            for (int c = 0; c < (channels == 3 ? 3 : 1); c++) {
                write_value(file, channels, bright, (int)(next_random(state) % 40));
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
    if (count < 0 || width < 1 || height < 1 ||
        (channels != 1 && channels != 3 && channels != 4 && channels != 16)) {
        fputs("make_images: expected N >= 0, a size >= 1 x 1, CHANNELS 1, 3, 4 or 16\n", stderr);
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
                       channels == 3   ? "ppm"
                       : channels == 4 ? "tga"
                                       : "pgm");
        if (!write_image(path, i % 2, width, height, channels, &state)) {
            perror(path);
            return 1;
        }
    }
    return 0;
}

/* The formats that are read. */
#include "image/reader.h"

#include "base/hash.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* In the order in which they are asked, which is that of cnn_image_format. TGA has no signature, so
 * it is the last one. NULL: the program was built without the library. */
static const cnn_image_reader *const readers[CNN_IMAGE_FORMATS] = {
    [CNN_IMAGE_PNG] = &cnn_png_reader,   [CNN_IMAGE_JPEG] = &cnn_jpeg_reader,
    [CNN_IMAGE_BMP] = &cnn_bmp_reader,   [CNN_IMAGE_PNM] = &cnn_pnm_reader,
#ifdef CNN_HAVE_WEBP
    [CNN_IMAGE_WEBP] = &cnn_webp_reader,
#endif
#ifdef CNN_HAVE_TIFF
    [CNN_IMAGE_TIFF] = &cnn_tiff_reader,
#endif
    [CNN_IMAGE_TGA] = &cnn_tga_reader,
};

const cnn_image_reader *cnn_image_find_reader(const uint8_t *bytes, size_t size,
                                              cnn_image_format *format) {
    for (int i = 0; i < CNN_IMAGE_FORMATS; i++) {
        if (readers[i] && readers[i]->recognises(bytes, size)) {
            *format = (cnn_image_format)i;
            return readers[i];
        }
    }
    return NULL;
}

uint64_t cnn_image_library_versions(void) {
    uint64_t versions[CNN_IMAGE_FORMATS] = {0};
    for (int i = 0; i < CNN_IMAGE_FORMATS; i++) {
        if (readers[i] && readers[i]->version) {
            versions[i] = readers[i]->version();
        }
    }
    return cnn_xxh3_64(versions, sizeof versions);
}

void cnn_image_format_list(char *text, size_t size) {
    size_t used = 0;
    for (int i = 0; i < CNN_IMAGE_FORMATS && used < size; i++) {
        if (readers[i]) {
            const char *before = i == 0 ? "" : i + 1 < CNN_IMAGE_FORMATS ? ", " : " or ";
            int written = snprintf(text + used, size - used, "%s%s", before, readers[i]->name);
            used += written > 0 ? (size_t)written : 0;
        }
    }
}

const char *cnn_image_format_name(cnn_image_format format) {
    return readers[format]->name;
}

bool cnn_image_format_of_name(const char *name, cnn_image_format *format) {
    for (int i = 0; i < CNN_IMAGE_FORMATS; i++) {
        if (readers[i] && strcmp(readers[i]->name, name) == 0) {
            *format = (cnn_image_format)i;
            return true;
        }
    }
    return false;
}

/* Does `list`, names that are each followed by a space, contain `name`? */
static bool contains(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; *at; at = strchr(at, ' ') + 1) {
        if (strncasecmp(at, name, length) == 0 && at[length] == ' ') {
            return true;
        }
    }
    return false;
}

/* The format to which the extension of `path` belongs; CNN_IMAGE_FORMATS: none. */
static cnn_image_format format_of_extension(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    int i = dot ? 0 : CNN_IMAGE_FORMATS;
    while (i < CNN_IMAGE_FORMATS && !(readers[i] && contains(readers[i]->extensions, dot + 1))) {
        i++;
    }
    return (cnn_image_format)i;
}

bool cnn_image_has_extension(const char *path) {
    return format_of_extension(path) != CNN_IMAGE_FORMATS;
}

bool cnn_image_extension_is_wrong(const char *path, cnn_image_format format) {
    const cnn_image_format named = format_of_extension(path);
    return named != CNN_IMAGE_FORMATS && named != format;
}

/* Compiles stb_image and stb_image_resize: only the formats that we promise, only from memory. */
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_ONLY_TGA
#define STBI_ONLY_PNM
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_FAILURE_USERMSG
/* zeroed, so that what a damaged file leaves out is the same at every run */
#define STBI_MALLOC(size) calloc(1, size)
#define STBI_REALLOC(memory, size) realloc(memory, size)
#define STBI_FREE(memory) free(memory)
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_IMPLEMENTATION

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#endif

#include <stdlib.h>
#include <string.h>

/* stb_image copies nothing to NULL where a PNG has an empty piece of data; memcpy must not. */
static void *copy_bytes(void *to, const void *from, size_t size) {
    return size > 0 ? memcpy(to, from, size) : to;
}
#define memcpy(to, from, size) copy_bytes(to, from, size)

#include <stb_image.h>
#include <stb_image_resize.h>

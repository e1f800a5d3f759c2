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
#define STBI_MALLOC(size) cnn_plain_alloc(size)
#define STBI_REALLOC(memory, size) cnn_plain_realloc(memory, size)
#define STBI_FREE(memory) cnn_free(memory)
#define STBIR_MALLOC(size, context) ((void)(context), cnn_plain_alloc(size))
#define STBIR_FREE(memory, context) ((void)(context), cnn_free(memory))
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_IMPLEMENTATION

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#endif

#include "memory.h"

#include <stb_image.h>
#include <stb_image_resize.h>

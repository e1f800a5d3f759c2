#include "inspect/map_picture.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/number_text.h"
#include "image/glyphs.h"

#include <string.h>

/* --- the map over the picture --- */

static double clamp(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

cnn_map_cells cnn_map_find_cells(double u, int cells) {
    const double at = clamp(u * cells - 0.5, 0.0, cells - 1);
    const int first = (int)at;
    return (cnn_map_cells){.first = first,
                           .next = first + 1 < cells ? first + 1 : first,
                           .weight = (float)(at - first)};
}

/* One side of a view: the pixels from … from + length of the image's `image` become the pixels
 * to … to + to_length of the network's `network`, which `cells` cells of the map cover. */
typedef struct side {
    int image, from, length, network, to, to_length, cells;
} side;

static void find_sides(const cnn_map_view *view, side *x, side *y) {
    cnn_rectangle source, target;
    cnn_image_fit(view->settings, view->image_width, view->image_height, &source, &target);
    *x = (side){view->image_width, source.x,     source.width,   (int)view->settings->width,
                target.x,          target.width, view->map_width};
    *y = (side){view->image_height, source.y,      source.height,   (int)view->settings->height,
                target.y,           target.height, view->map_height};
}

/* The cells at a share u of the image's side. False where the network sees nothing. */
static bool find_seen_cells(const side *s, double u, cnn_map_cells *cells) {
    const double inside = (u * s->image - s->from) / s->length;
    if (inside < 0.0 || inside > 1.0) {
        return false;
    }
    *cells = cnn_map_find_cells((s->to + inside * s->to_length) / s->network, s->cells);
    return true;
}

static float interpolate(const cnn_map_view *view, const cnn_map_cells *x, const cnn_map_cells *y) {
    const float *above = view->map + (ptrdiff_t)y->first * view->map_width;
    const float *below = view->map + (ptrdiff_t)y->next * view->map_width;
    const float top = above[x->first] + x->weight * (above[x->next] - above[x->first]);
    const float bottom = below[x->first] + x->weight * (below[x->next] - below[x->first]);
    return top + y->weight * (bottom - top);
}

bool cnn_map_value(const cnn_map_view *view, double u, double v, float *value) {
    side horizontal, vertical;
    cnn_map_cells x, y;
    find_sides(view, &horizontal, &vertical);
    if (!find_seen_cells(&horizontal, u, &x) || !find_seen_cells(&vertical, v, &y)) {
        return false;
    }
    *value = interpolate(view, &x, &y);
    return true;
}

/* --- colours --- */

enum { PAPER = 255, INK = 32 };

static const uint8_t colours[2][3] = {{33, 102, 172}, {230, 97, 1}}; /* blue, orange */

/* The strongest colour still lets a fifth of the picture through. */
#define STRENGTH 0.8f

/* t: -1 … 1. */
static void colour(uint8_t grey, float t, uint8_t to[3]) {
    const uint8_t *full = colours[t > 0.0f];
    const float strength = STRENGTH * (t < 0.0f ? -t : t);
    for (int c = 0; c < 3; c++) {
        to[c] = (uint8_t)((float)grey + strength * ((float)full[c] - (float)grey) + 0.5f);
    }
}

/* As Pillow's, but with less contrast, so that colours can be told apart over black and white. */
static uint8_t soft_grey(const uint8_t *rgb) {
    const unsigned grey = (19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) / 65536u;
    return (uint8_t)(48u + grey * 160u / 255u);
}

/* The cells of a column of the overlay. */
typedef struct column {
    cnn_map_cells cells;
    bool is_seen;
} column;

static void overlay_row(const cnn_map_view *view, const column *columns, const cnn_map_cells *y,
                        int width, const uint8_t *picture, uint8_t *overlay) {
    for (int w = 0; w < width; w++, picture += 3, overlay += 3) {
        const bool is_seen = y && columns[w].is_seen;
        const float value = is_seen ? interpolate(view, &columns[w].cells, y) : 0.0f;
        const uint8_t grey = soft_grey(picture);
        colour(is_seen ? grey : (uint8_t)((grey + PAPER) / 2),
               view->range > 0.0f ? value / view->range : 0.0f, overlay);
    }
}

cnn_status cnn_map_overlay(const cnn_map_view *view, int height, int width, const uint8_t *picture,
                           uint8_t *overlay, cnn_error *error) {
    side horizontal, vertical;
    column *columns = cnn_alloc((size_t)width, sizeof *columns);
    if (!columns) {
        return cnn_fail_memory(error, "a picture");
    }
    find_sides(view, &horizontal, &vertical);
    for (int w = 0; w < width; w++) {
        columns[w].is_seen = find_seen_cells(&horizontal, (w + 0.5) / width, &columns[w].cells);
    }
    for (int h = 0; h < height; h++) {
        cnn_map_cells y;
        const bool is_seen = find_seen_cells(&vertical, (h + 0.5) / height, &y);
        const ptrdiff_t row = (ptrdiff_t)h * width * 3;
        overlay_row(view, columns, is_seen ? &y : NULL, width, picture + row, overlay + row);
    }
    cnn_free(columns);
    return CNN_OK;
}

/* --- the sheet --- */

/* In pixels. Characters are drawn twice as large as glyphs.h has them. */
enum {
    GAP = 8,
    BAR = 12,
    ZOOM = 2,
    CHARACTER = ZOOM * (CNN_GLYPH_WIDTH + 1),
    LINE = ZOOM * (CNN_GLYPH_HEIGHT + 2),
    WIDTH_MIN = 256,
    TEXT_MAX = 64,
};

void cnn_map_sheet_size(int height, int width, int *sheet_height, int *sheet_width) {
    *sheet_height = height + GAP + BAR + GAP / 2 + 2 * LINE + GAP / 2;
    *sheet_width = width > WIDTH_MIN ? width : WIDTH_MIN;
}

/* A sheet that is drawn on. */
typedef struct canvas {
    uint8_t *pixels;
    int width;
} canvas;

static uint8_t *at(const canvas *sheet, int y, int x) {
    return sheet->pixels + ((ptrdiff_t)y * sheet->width + x) * 3;
}

static void draw_character(const canvas *sheet, int y, int x, char character) {
    for (int h = 0; h < ZOOM * CNN_GLYPH_HEIGHT; h++) {
        for (int w = 0; w < ZOOM * CNN_GLYPH_WIDTH; w++) {
            if (cnn_glyph_pixel(character, h / ZOOM, w / ZOOM)) {
                memset(at(sheet, y + h, x + w), INK, 3);
            }
        }
    }
}

/* place: 0 left, 1 in the middle, 2 right. */
static void draw_text(const canvas *sheet, int y, int place, const char *text) {
    const int length = (int)strlen(text) * CHARACTER - ZOOM;
    const int x = GAP / 2 + (sheet->width - GAP - length) * place / 2;
    for (int i = 0; text[i]; i++) {
        draw_character(sheet, y, x + i * CHARACTER, text[i]);
    }
}

/* The name of a class, as much of it as fits, or its number. */
static void find_name(const char *name, int label, int width, char text[TEXT_MAX]) {
    const int half = (width / 2 - GAP) / CHARACTER;
    const int most = half < TEXT_MAX - 1 ? half : TEXT_MAX - 1;
    bool possible = *name != '\0';
    int length = 0;
    for (; name[length] && possible; length++) {
        possible = cnn_glyph_exists(name[length]);
        if (length < most) {
            text[length] = name[length];
        }
    }
    text[length < most ? length : most] = '\0';
    if (!possible) {
        memcpy(text, label ? "CLASS 1" : "CLASS 0", sizeof "CLASS 0");
    }
}

static void draw_scale(const canvas *sheet, int y, float range, const char *const classes[2]) {
    for (int h = 0; h < BAR; h++) {
        for (int w = 0; w < sheet->width; w++) {
            const float t = (float)(2 * w + 1 - sheet->width) / (float)sheet->width;
            colour(PAPER / 2, range > 0.0f ? t : 0.0f, at(sheet, y + h, w));
        }
    }
    char text[TEXT_MAX] = "-";
    (void)cnn_number_write_rounded((double)range, 3, text + 1);
    y += BAR + GAP / 2;
    draw_text(sheet, y, 0, text);
    text[0] = '+';
    draw_text(sheet, y, 2, text);
    draw_text(sheet, y, 1, "0");
    for (int label = 0; label < 2; label++) {
        find_name(classes[label], label, sheet->width, text);
        draw_text(sheet, y + LINE, 2 * label, text);
    }
}

void cnn_map_sheet(int height, int width, const uint8_t *overlay, float range,
                   const char *const classes[2], uint8_t *sheet) {
    int sheet_height;
    canvas c = {.pixels = sheet};
    cnn_map_sheet_size(height, width, &sheet_height, &c.width);
    memset(sheet, PAPER, (size_t)sheet_height * (size_t)c.width * 3);
    for (int h = 0; h < height; h++) {
        memcpy(at(&c, h, (c.width - width) / 2), overlay + (ptrdiff_t)h * width * 3,
               (size_t)width * 3);
    }
    draw_scale(&c, height + GAP, range, classes);
}

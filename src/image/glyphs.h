/* Characters to write into pictures: digits, capital letters (small ones look the same), and + - .
 * _
 */
#ifndef CNN_IMAGE_GLYPHS_H
#define CNN_IMAGE_GLYPHS_H

#include <stdbool.h>

/* Pixels of a character, without the gap to the next one. */
enum { CNN_GLYPH_WIDTH = 5, CNN_GLYPH_HEIGHT = 7 };

/* Can it be drawn? (A space can.) */
bool cnn_glyph_exists(char character);

/* Is this pixel of a character set? Characters that cannot be drawn are blank. */
bool cnn_glyph_pixel(char character, int row, int column);

#endif

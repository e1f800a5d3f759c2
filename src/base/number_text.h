/* Numbers as text and back, exactly and in every locale. */
#ifndef CNN_BASE_NUMBER_TEXT_H
#define CNN_BASE_NUMBER_TEXT_H

#include <stddef.h>

/* Size of every text that the functions below write, with its '\0'. */
enum { CNN_NUMBER_SIZE = 32 };

/* Writes the fewest decimal digits that read back to the same double, and of several such texts the
 * one nearest to it: "0.1", "10", "-0", "1e-05", "5e-324". Valid JSON. The notation is that of
 * printf's %g with 15 digits, or with as many as are needed: an exponent below 1e-04, and from
 * 1e+15 on if 15 digits suffice. `number` is finite. Returns the length. */
size_t cnn_number_write(double number, char text[CNN_NUMBER_SIZE]);

/* printf's %.*g, with 1 to 17 digits. With 9 digits, a float reads back. */
size_t cnn_number_write_rounded(double number, int digits, char text[CNN_NUMBER_SIZE]);

/* strtod of the C locale: the double nearest to the text. */
double cnn_number_read(const char *text, char **end);

#endif

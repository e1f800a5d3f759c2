/* The names of pictures of inputs: the last part of the input's path, with ".png" after it. Every
 * further input with the same last part gets "-2", "-3", … before ".png", in the order of the
 * inputs; a number whose name is taken is left out. A part of more than 200 bytes is cut, not
 * inside a character of UTF-8. */
#ifndef CNN_CLI_PICTURE_NAMES_H
#define CNN_CLI_PICTURE_NAMES_H

typedef struct cnn_picture_names cnn_picture_names;

/* NULL if memory is refused. Free with cnn_picture_names_free (NULL is allowed). */
cnn_picture_names *cnn_picture_names_create(void);
void cnn_picture_names_free(cnn_picture_names *names);

/* The name for the next input, owned by *names. NULL if memory is refused. */
const char *cnn_picture_names_next(cnn_picture_names *names, const char *path);

#endif

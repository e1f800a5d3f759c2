/* Manual pages: converts text with a little markup to mdoc(7). The programs generate theirs with
 * it, from the tables of their options. */
#ifndef CNN_MDOC_H
#define CNN_MDOC_H

#include "cnn/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Appends prose as mdoc, whole lines. The markup, each part of it within one word or around
 * several:
 *
 *     `train.epochs`     what is typed or printed as it is: a key, a value, a name in a file
 *     `--resume`, `-n`   an option
 *     <file>             what the reader replaces
 *     *model.bin*        a file name
 *     {THE CACHE}        a section of the page
 *     $CNN_ISA           an environment variable
 *     cnnpredict(1)      a manual page
 *
 * An empty line ("\n\n") starts a paragraph. Each may have punctuation around it. */
void cnn_mdoc_prose(cnn_text *text, const char *prose);

/* Appends words as they must be written on a line that begins with a macro. */
void cnn_mdoc_words(cnn_text *text, const char *words);

/* Appends a sentence: the first letter of `words` is made upper case, and a full stop is added,
 * unless there is one; prose otherwise. */
void cnn_mdoc_sentence(cnn_text *text, const char *words);

#ifdef __cplusplus
}
#endif
#endif

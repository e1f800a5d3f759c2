/* Reads a list of samples from a manifest: a table, as spreadsheets and other programs write it,
 * with a header that names the columns. The only user of libcsv. */
#ifndef CNN_SAMPLES_MANIFEST_H
#define CNN_SAMPLES_MANIFEST_H

#include "samples/list.h"

/* Appends the rows of the manifest source->path in their order.
 *
 * The encoding is UTF-8 or UTF-16, with or without a byte order mark; the separator is a comma, a
 * semicolon or a tab; fields are quoted as in RFC 4180. Columns, in any order and case: path
 * (file_name, filename, file, image), label (class), and optionally split and group. Others are
 * named in the log and not used. Empty rows are left out.
 *
 * Paths are relative to the folder of the manifest; those of a table that a run wrote, recognised
 * by a column `content`, to that folder or to the working directory, wherever the first image is
 * found. Backslashes separate folders unless a file has that name.
 *
 * classes and errors as in cnn_sample_list_read. */
CNN_MUST_USE cnn_status cnn_sample_list_read_manifest(const cnn_list_source *source,
                                                      char *classes[2], cnn_sample_list *list,
                                                      cnn_error *error);

#endif

/* Reads tables that this project has written (RFC 4180, separated by commas). samples/manifest.h
 * reads tables of other programs. */
#ifndef CNN_BASE_CSV_H
#define CNN_BASE_CSV_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Columns of a row that are read; others are skipped. */
enum { CNN_CSV_FIELDS_MAX = 32 };

/* A table that is being read. The current row: field[0 … count - 1], without quotes. */
typedef struct cnn_csv {
    char *at; /* the next row */
    size_t line;
    int count;
    char *field[CNN_CSV_FIELDS_MAX];
} cnn_csv;

/* Starts before the first row. text, a string, is changed while it is read, and fields are parts of
 * it. */
cnn_csv cnn_csv_start(char *text);

/* Reads the next row, and sets line to its number, from 1. False after the last one. */
bool cnn_csv_next(cnn_csv *csv);

/* The column of that name in the current row, the header; -1: none. */
int cnn_csv_column(const cnn_csv *csv, const char *name);

#endif

/* npz.h: arrays of an .npz file (zip of .npy), as far as ADBench writes them. */
#ifndef BENCH_WATCH_NPZ_H
#define BENCH_WATCH_NPZ_H

#include <stdbool.h>
#include <stddef.h>

/* Array `name` as doubles, rows by columns; NULL when it is not there or is of another sort. Freed by the caller. */
double *npz_read(const char *path, const char *name, size_t *ret_rows, size_t *ret_columns);

#endif

/* json_out.h: one JSON value for standard output, built whole and then written. */
#ifndef CMD_JSON_OUT_H
#define CMD_JSON_OUT_H
#include <stdbool.h>
#include <stdio.h>

#include "base/pool.h"
#include "codec/json.h"

struct json_out {
	struct pool pool;
	struct buf buf;
	struct json_writer writer;
};
void json_out_start(struct json_out *out);
/* Writes it and a line end; gives everything back. False when memory or the file failed. */
bool json_out_end(struct json_out *out, FILE *file);
/* Gives everything back without writing it. */
void json_out_drop(struct json_out *out);
#endif

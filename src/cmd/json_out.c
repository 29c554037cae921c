#include "cmd/json_out.h"

#include <string.h>

void json_out_start(struct json_out *out)
{
	memset(out, 0, sizeof(*out));
	pool_init(&out->pool);
	out->writer = (struct json_writer){ .out = &out->buf, .pool = &out->pool };
}

bool json_out_end(struct json_out *out, FILE *file)
{
	size_t size = buf_size(&out->buf);
	bool good = !out->writer.failed && (size == 0 || fwrite(buf_data(&out->buf), 1, size, file) == size);

	good = good && fputc('\n', file) != EOF && fflush(file) == 0;
	json_out_drop(out);
	return good;
}

void json_out_drop(struct json_out *out)
{
	buf_clear(&out->buf, &out->pool);
	pool_fini(&out->pool);
}

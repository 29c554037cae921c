#include "report/print.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "codec/json.h"
#include "crypto/digest.h"

#define ARENA ((size_t)1 << 31)

static void flush(struct print *print)
{
	if (!print->failed && print->held != 0)
		print->failed = !print->out->write(print->out->user, slice(print->room, print->held));
	print->held = 0;
}

void print_octets(struct print *print, struct fw_slice octets)
{
	while (octets.size != 0) {
		size_t part = octets.size < sizeof(print->room) - print->held ? octets.size
									      : sizeof(print->room) - print->held;

		memcpy(print->room + print->held, octets.data, part);
		print->held += part;
		octets = slice_from(octets, part);
		if (print->held == sizeof(print->room))
			flush(print);
	}
}

bool print_end(struct print *print)
{
	flush(print);
	return !print->failed;
}

bool print_tables(const struct report *report, const struct table_reader *reader)
{
	struct arena arena;
	struct json json;
	bool read;

	arena_init(&arena, ARENA);
	read = json_parse(&arena, slice(buf_data(&report->tables), buf_size(&report->tables)), 0, &json, NULL) ==
		       JSON_OK &&
	       table_read(&json, 0, &arena, reader);
	arena_fini(&arena);
	return read;
}

static bool add(void *user, struct fw_slice octets)
{
	digest_stream_add(user, octets);
	return true;
}

bool print_digest(const struct report *report, char ret_hex[65])
{
	struct digest_stream *stream = digest_stream_new();
	const struct report_out out = { add, stream };
	bool made = stream != NULL && report_json(report, &out);
	uint8_t digest[32];

	if (made) {
		digest_stream_end(stream, digest);
		encode_hex(digest, sizeof(digest), ret_hex);
		ret_hex[64] = '\0';
	}
	mem_free(stream);
	return made;
}

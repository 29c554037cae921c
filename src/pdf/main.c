/* framewall-pdf: a report as JSON from standard input, as PDF to standard output. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "pdf/attach.h"
#include "pdf/draw.h"
#include "record/storage.h"

#define ARENA ((size_t)1 << 32)

enum { CHUNK = 1 << 16, ATTACHED_MOST = 1 << 26, FOOT = 160 };

#ifdef __SANITIZE_ADDRESS__
/* What these keep to the end of the program; and cairo 1.16 loses something of each PDF. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
	return "leak:libcairo\nleak:libpango\nleak:libfontconfig\nleak:libglib\n";
}
const char *__lsan_default_options(void);
__attribute__((visibility("default"))) const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}
#endif

static int fail(const char *text)
{
	fprintf(stderr, "framewall-pdf: %s\n", text);
	return 1;
}

static bool read_input(struct buf *in, struct pool *pool)
{
	for (;;) {
		uint8_t *room = buf_reserve(in, pool, CHUNK);
		ssize_t got = room != NULL ? read(STDIN_FILENO, room, CHUNK) : -1;

		if (got < 0 && room != NULL && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		buf_added(in, (size_t)got);
	}
}

static struct fw_slice member(const struct json *json, uint32_t object, const char *name, struct arena *arena)
{
	uint32_t node = json_member(json, object, name, strlen(name));

	return node != 0 && json->nodes[node].kind == JSON_STRING ? json_text(json, node, arena) : slice("", 0);
}

struct input {
	struct fw_slice octets;
	struct json json;
	struct arena arena;
	uint32_t tables;
	struct draw_report report;
	char created[64], foot[FOOT];
};

static bool understand(struct input *input)
{
	const struct json *json = &input->json;
	struct fw_slice created;
	uint32_t period, proof, holds;
	uint8_t digest[32];
	char hex[65] = "";

	if (json_parse(&input->arena, input->octets, 0, &input->json, NULL) != JSON_OK ||
	    json->nodes[0].kind != JSON_OBJECT)
		return false;
	period = json_member(json, 0, "report_period", 13);
	proof = json_member(json, 0, "completeness", 12);
	input->tables = json_member(json, 0, "tables", 6);
	if (period == 0 || proof == 0 || input->tables == 0 || json->nodes[period].kind != JSON_OBJECT ||
	    json->nodes[proof].kind != JSON_OBJECT)
		return false;
	holds = json_member(json, proof, "holds", 5);
	input->report = (struct draw_report){ .from = member(json, period, "start", &input->arena),
					      .to = member(json, period, "end", &input->arena),
					      .says = member(json, proof, "says", &input->arena),
					      .holds = holds != 0 && json->nodes[holds].kind == JSON_TRUE };
	created = member(json, 0, "generated_at", &input->arena);
	snprintf(input->created, sizeof(input->created), "%.*sZ", (int)(created.size < 19 ? created.size : 19),
		 (const char *)created.data);
	digest_sha256(input->octets, digest);
	encode_hex(digest, sizeof(digest), hex);
	snprintf(input->foot, sizeof(input->foot), "SHA-256 of the same report as JSON: %s", hex);
	return true;
}

/* Twice: the first time shows how many pages there are. */
static bool draw(struct input *input, struct page *page)
{
	unsigned total = 0;

	for (unsigned turn = 0; turn < 2; turn++) {
		bool drawn = page_open(page, input->created, total, input->foot) &&
			     draw_all(page, &input->json, input->tables, &input->arena, &input->report) &&
			     page_close(page);

		total = page->number;
		if (!drawn)
			return false;
		if (turn == 0)
			page_fini(page);
	}
	return true;
}

static int print(struct input *input)
{
	struct page page = { 0 };
	int result = 0;

	if (!draw(input, &page))
		result = fail("the report could not be drawn: memory is short, or a font is broken");
	if (result == 0 && page.no_glyphs != 0)
		fprintf(stderr,
			"framewall-pdf: %llu characters are in no font of this machine and are shown as boxes; "
			"packages "
			"with most of them: fonts-noto-core, fonts-noto-cjk\n",
			(unsigned long long)page.no_glyphs);
	if (result == 0 && input->octets.size <= ATTACHED_MOST &&
	    !attach(&page.out, &page.pool, "report.json", input->octets))
		result = fail("the JSON could not be attached");
	if (result == 0 && storage_write_all(&storage_system, STDOUT_FILENO, buf_data(&page.out),
					     buf_size(&page.out)) != buf_size(&page.out))
		result = fail(strerror(errno));
	page_fini(&page);
	return result;
}

int main(void)
{
	struct input input = { 0 };
	struct pool pool;
	struct buf in = { 0 };
	int result;

	pool_init(&pool);
	arena_init(&input.arena, ARENA);
	if (!read_input(&in, &pool)) {
		result = fail("standard input could not be read");
	} else {
		input.octets = slice(buf_data(&in), buf_size(&in));
		result = understand(&input) ? print(&input) : fail("what came is no report as JSON");
	}
	arena_fini(&input.arena);
	buf_clear(&in, &pool);
	pool_fini(&pool);
	return result;
}

/* GET /api/v1/top: who and what there is most of. Counts may be too high by "over", never too low. */
#include "base/mem.h"
#include "shell/admin_parts.h"

enum { DEFAULT = 10, QUERY = 256 };

static const char *const names[TOPS] = {
#define TOP(name, column, help) #name,
#include "tables/tops.def"
#undef TOP
};

static void write_number(struct json_writer *w, const char *key, uint64_t number)
{
	json_write_key(w, key);
	json_write_integer(w, number <= INT64_MAX ? (int64_t)number : INT64_MAX);
}

static void write_rows(struct json_writer *w, const struct sketch *sketch, uint64_t most)
{
	unsigned order[SKETCH_PLACES], count = sketch_order(sketch, order);

	json_write_open(w, '[');
	for (unsigned i = 0; i < count && i < most; i++) {
		const struct sketch_place *place = &sketch->places[order[i]];

		json_write_open(w, '{');
		json_write_key(w, "name");
		json_write_text(w, slice(place->name, place->size));
		write_number(w, "count", place->count);
		write_number(w, "over", place->over);
		json_write_close(w, '}');
	}
	json_write_close(w, ']');
}

static void write_all(struct json_writer *w, const char *key, const struct sketch *sketches, uint64_t most)
{
	json_write_key(w, key);
	json_write_open(w, '{');
	for (unsigned i = 0; i < TOPS; i++) {
		json_write_key(w, names[i]);
		write_rows(w, &sketches[i], most);
	}
	json_write_close(w, '}');
}

void admin_top(struct admin_conn *conn)
{
	static const char *const keys[] = { "limit" };
	const char *limit = NULL, *wrong = "the query is too long";
	const char **const values[] = { &limit };
	struct sketch *sketches;
	struct json_writer w;
	char texts[QUERY + 2];
	uint64_t most = DEFAULT, recent_ns;

	if (conn->head.query.size <= QUERY)
		wrong = admin_text_query(conn->head.query, texts, keys, values, 1);
	if (wrong == NULL && !admin_text_number(limit, SKETCH_PLACES, &most))
		wrong = "limit is a number from 1 to 64";
	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
		return;
	}
	sketches = mem_alloc(2 * TOPS * sizeof(*sketches));
	if (sketches == NULL) {
		admin_answer_problem(conn, 503, "memory is short", "Retry-After: 1\r\n");
		return;
	}
	keeper_top_ask(&conn->admin->keeper->recorder.top, uv_hrtime(), sketches, sketches + TOPS, &recent_ns);
	w = admin_answer_json(conn);
	json_write_open(&w, '{');
	write_number(&w, "recent_seconds", recent_ns / 1000000000);
	write_all(&w, "recent", sketches, most);
	write_all(&w, "all", sketches + TOPS, most);
	json_write_close(&w, '}');
	mem_free(sketches);
	admin_answer_written(conn, 200, &w);
}

/* GET /api/v1/events: searches of the record, each in a thread of its own so that the loop goes on; some at a time, the
 * others wait. What they give is what "framewall audit search" gives, in pages: a page ends with the number of its last
 * record, and the next one begins below it, so that records that are added meanwhile move nothing. */
#include <stdatomic.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "record/ledger_search.h"
#include "record/segment.h"
#include "shell/admin_parts.h"
#include "shell/search_filter.h"

enum { PAGE_DEFAULT = 100, PAGE_MOST = 1000, AT_ONCE = 4, PARAMETERS = 11 };

struct admin_search {
	struct admin_search *next;
	struct admin_searches *searches;
	struct admin_conn *conn; /* that asked; NULL: gone */
	uv_thread_t thread;
	bool runs;
	_Atomic bool finished, cancelled;
	struct ledger_query query;
	struct search_filter filter;
	/* of the thread, until it is joined */
	struct ledger_searched searched;
	struct pool pool;
	struct buf lines;
	uint64_t last; /* record of the page */
	size_t count;
	bool failed, more;
	char texts[]; /* of the filter */
};

struct admin_searches {
	struct admin *admin;
	uv_async_t done;
	struct admin_search *list; /* in the order in which they were asked for */
	unsigned running;
};

struct parameters {
	struct search_texts texts;
	const char *limit, *cursor;
};

/* The names that records have. cli: what a struct search_problem calls it. */
static const struct parameter {
	const char *name, *cli;
	size_t offset;
} rows[PARAMETERS] = {
#define PARAMETER(name, member)                                                                                        \
	{                                                                                                              \
		name, #member, offsetof(struct parameters, texts.member)                                               \
	}
	PARAMETER("event_type", type),
	PARAMETER("source_ip", ip),
	PARAMETER("user_id", user),
	PARAMETER("level", level),
	PARAMETER("session_id", session),
	PARAMETER("connection_id", connection),
	PARAMETER("text", text),
	PARAMETER("start_time", from),
	PARAMETER("end_time", to),
#undef PARAMETER
	{ "limit", "", offsetof(struct parameters, limit) },
	{ "cursor", "", offsetof(struct parameters, cursor) },
};

static const char *read_parameters(struct fw_slice query, char *texts, struct parameters *ret_parameters)
{
	const char *names[PARAMETERS], **places[PARAMETERS];

	*ret_parameters = (struct parameters){ 0 };
	for (unsigned i = 0; i < PARAMETERS; i++) {
		names[i] = rows[i].name;
		places[i] = (const char **)(void *)((char *)ret_parameters + rows[i].offset);
	}
	return admin_text_query(query, texts, names, places, PARAMETERS);
}

static void refuse_parameter(struct admin_conn *conn, const struct search_problem *problem)
{
	char text[160];

	for (unsigned i = 0; i < PARAMETERS; i++)
		if (strcmp(rows[i].cli, problem->name) == 0) {
			snprintf(text, sizeof(text), "%s is %s", rows[i].name, problem->want);
			admin_answer_problem(conn, 400, text, "");
			return;
		}
}

static bool take_line(void *user, struct fw_slice line)
{
	struct admin_search *search = user;
	struct segment_line parts;

	/* The first one however long it is: a page always goes on. */
	if (search->count != 0 && buf_size(&search->lines) + line.size > LIMIT_RECORD_RING_BYTES) {
		search->more = true;
		return false;
	}
	if ((search->count != 0 && buf_append(&search->lines, &search->pool, ",", 1) != 0) ||
	    buf_append(&search->lines, &search->pool, line.data, line.size) != 0) {
		search->failed = true;
		return false;
	}
	if (segment_line(line, &parts))
		search->last = parts.sequence;
	search->more = ++search->count == search->query.limit && search->last > 1;
	return true;
}

static void run(void *user)
{
	struct admin_search *search = user;

	if (ledger_search(&search->query, take_line, search, &search->searched) != 0)
		search->failed = true;
	atomic_store(&search->finished, true);
	uv_async_send(&search->searches->done);
}

static void answer(struct admin_conn *conn, struct admin_search *search)
{
	struct json_writer w = admin_answer_json(conn);
	char cursor[ENCODE_U64];

	if (search->failed) {
		admin_answer_problem(conn, 503, "the record cannot be searched: memory is short, or it cannot be read",
				     "Retry-After: 5\r\n");
		return;
	}
	json_write_open(&w, '{');
	json_write_key(&w, "events");
	json_write_open(&w, '[');
	/* The lines are JSON already; they are not written a second time. */
	if (search->count != 0)
		json_write_raw(&w, slice(buf_data(&search->lines), buf_size(&search->lines)));
	json_write_close(&w, ']');
	json_write_key(&w, "next_cursor");
	if (search->more)
		json_write_text(&w, slice(cursor, encode_u64(search->last, cursor)));
	else
		json_write_null(&w);
	json_write_key(&w, "by_index");
	json_write_boolean(&w, search->searched.by_index && search->searched.why[0] == '\0');
	json_write_key(&w, "lines_read");
	json_write_integer(&w, (int64_t)search->searched.read);
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}

static void free_search(struct admin_search *search)
{
	buf_clear(&search->lines, &search->pool);
	pool_fini(&search->pool);
	mem_free(search);
}

/* Begins what may begin. */
static void begin(struct admin_searches *searches)
{
	struct admin_search **at = &searches->list, *search;

	while ((search = *at) != NULL && searches->running < AT_ONCE) {
		if (!search->runs) {
			search->runs = uv_thread_create(&search->thread, run, search) == 0;
			searches->running += search->runs;
		}
		if (search->runs) {
			at = &search->next;
			continue;
		}
		*at = search->next;
		admin_answer_problem(search->conn, 503, "no thread to search the record", "Retry-After: 5\r\n");
		free_search(search);
		at = &searches->list; /* an answer may have closed its connection */
	}
}

static void on_done(uv_async_t *handle)
{
	struct admin_searches *searches = handle->data;
	struct admin_search **at = &searches->list, *search;

	while ((search = *at) != NULL) {
		if (!search->runs || !atomic_load(&search->finished)) {
			at = &search->next;
			continue;
		}
		*at = search->next;
		uv_thread_join(&search->thread);
		searches->running--;
		if (search->conn != NULL)
			answer(search->conn, search);
		free_search(search);
		at = &searches->list; /* an answer may have closed connections */
	}
	begin(searches);
}

/* While the record cannot be written, operators are shown what is in memory. */
static void answer_from_memory(struct admin_conn *conn, unsigned limit)
{
	static const char end[] = "],\"next_cursor\":null,\"by_index\":false,\"lines_read\":0}\n";
	struct admin *admin = conn->admin;

	buf_clear(&conn->body, &admin->pool);
	if (buf_append(&conn->body, &admin->pool, "{\"events\":[", 11) != 0 ||
	    keeper_recorder_list(&admin->keeper->recorder, limit, &conn->body, &admin->pool) != 0 ||
	    buf_append(&conn->body, &admin->pool, end, sizeof(end) - 1) != 0)
		admin_conn_close(conn);
	else
		admin_answer(conn, 200, "application/json", "");
}

static struct admin_search *new_search(struct admin_conn *conn)
{
	struct admin_search *search = mem_zero(1, sizeof(*search) + conn->head.query.size + 2);

	if (search == NULL)
		return NULL;
	search->searches = conn->admin->searches;
	search->conn = conn;
	pool_init(&search->pool);
	return search;
}

/* False after an answer. */
static bool read_query(struct admin_conn *conn, struct admin_search *search)
{
	struct keeper_recorder *recorder = &conn->admin->keeper->recorder;
	uint64_t limit = PAGE_DEFAULT, before = UINT64_MAX, durable = atomic_load(&recorder->durable);
	struct parameters parameters;
	struct search_problem problem;
	const char *wrong = read_parameters(conn->head.query, search->texts, &parameters);

	if (wrong == NULL && !admin_text_number(parameters.limit, PAGE_MOST, &limit))
		wrong = "limit is a number from 1 to 1000";
	if (wrong == NULL && !admin_text_number(parameters.cursor, INT64_MAX, &before))
		wrong = "cursor is what a page gave as next_cursor";
	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
		return false;
	}
	problem = search_filter_read(&parameters.texts, &search->filter);
	if (problem.name != NULL) {
		refuse_parameter(conn, &problem);
		return false;
	}
	if (atomic_load(&recorder->failing) && filter_is_empty(&search->filter.filter) && parameters.cursor == NULL) {
		answer_from_memory(conn, (unsigned)limit);
		return false;
	}
	/* What is shown is on the disk, but for a disk that takes nothing. */
	if (!atomic_load(&recorder->failing) && before > durable)
		before = durable + 1;
	search->query = (struct ledger_query){ .directory = recorder->directory,
					       .filter = &search->filter.filter,
					       .before = before,
					       .limit = (size_t)limit,
					       .cancelled = &search->cancelled };
	return true;
}

void admin_events(struct admin_conn *conn)
{
	struct admin_searches *searches = conn->admin->searches;
	struct admin_search *search = new_search(conn), **end = &searches->list;

	if (search == NULL) {
		admin_conn_close(conn);
		return;
	}
	if (!read_query(conn, search)) {
		free_search(search);
		return;
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = search;
	admin_conn_wait(conn); /* it takes as long as the record is long, where there is no index */
	begin(searches);
}

int admin_events_init(struct admin *admin)
{
	struct admin_searches *searches = mem_zero(1, sizeof(*searches));

	if (searches == NULL)
		return -1;
	searches->admin = admin;
	if (uv_async_init(admin->keeper->options.loop, &searches->done, on_done) != 0) {
		mem_free(searches);
		return -1;
	}
	admin->keeper->handles++;
	admin->searches = searches;
	searches->done.data = searches;
	uv_unref((uv_handle_t *)&searches->done);
	return 0;
}

void admin_events_forget(struct admin_conn *conn)
{
	struct admin_searches *searches = conn->admin->searches;
	struct admin_search **at = searches != NULL ? &searches->list : NULL, *search;

	while (at != NULL && (search = *at) != NULL) {
		if (search->conn == conn && !search->runs) {
			*at = search->next;
			free_search(search);
			continue;
		}
		if (search->conn == conn) {
			search->conn = NULL;
			atomic_store(&search->cancelled, true);
		}
		at = &search->next;
	}
}

void admin_events_stop(struct admin *admin)
{
	struct admin_searches *searches = admin->searches;

	if (searches == NULL)
		return;
	for (struct admin_search *search = searches->list; search != NULL; search = search->next)
		atomic_store(&search->cancelled, true);
	while (searches->list != NULL) {
		struct admin_search *search = searches->list;

		searches->list = search->next;
		if (search->runs)
			uv_thread_join(&search->thread);
		free_search(search);
	}
	keeper_handle_close(admin->keeper, (uv_handle_t *)&searches->done);
}

void admin_events_free(struct admin *admin)
{
	mem_free(admin->searches);
	admin->searches = NULL;
}

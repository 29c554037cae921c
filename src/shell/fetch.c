#include "shell/fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/curl_guard.h"

/* MAX_AGE_MOST: more than any cache keeps; keeps sums of seconds small. */
enum { FAULT_ROOM = 640, WHY_ROOM = 256, CONNECT_MS = 5000, KEPT = 8, MAX_AGE_MOST = 1000000000 };

struct fetch {
	struct fetch *next, **at; /* of the fetcher's list */
	struct fetcher *fetcher;
	CURL *easy;
	struct curl_slist *headers;
	char *url, *types[2];
	uint8_t *form;
	size_t form_size;
	size_t most;
	fetch_done *done;
	void *user;
	uint8_t *body;
	size_t size, room, head_size;
	int64_t max_age_s, age_s;
	bool no_cache;
	struct curl_guard guard;
};

struct fetcher {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer;
	struct fetch *running;
	unsigned count;
	unsigned handles; /* open on the loop */
	bool stopping;
};

/* A socket of libcurl's that is watched. */
struct watched {
	uv_poll_t poll;
	struct fetcher *fetcher;
	curl_socket_t socket;
	int events;
};

static void end(struct fetch *fetch)
{
	if (fetch->at != NULL) {
		curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
		*fetch->at = fetch->next;
		if (fetch->next != NULL)
			fetch->next->at = fetch->at;
		fetch->fetcher->count--;
	}
	curl_easy_cleanup(fetch->easy);
	curl_slist_free_all(fetch->headers);
	if (fetch->form != NULL)
		mem_wipe(fetch->form, fetch->form_size);
	if (fetch->body != NULL)
		mem_wipe(fetch->body, fetch->size);
	mem_free(fetch->form);
	mem_free(fetch->body);
	mem_free(fetch->url);
	mem_free(fetch->types[0]);
	mem_free(fetch->types[1]);
	mem_free(fetch);
}

/* What of a peer, or of a library about it, gets into a record: nothing but visible ASCII. */
static void clean(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

static bool type_fits(const struct fetch *fetch)
{
	const char *type = NULL;
	struct fw_slice media;

	if (curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK || type == NULL)
		return false;
	media = slice_trim(slice(type, strcspn(type, ";")));
	return slice_is_nocase(media, fetch->types[0]) ||
	       (fetch->types[1] != NULL && slice_is_nocase(media, fetch->types[1]));
}

/* NULL: it holds. */
static const char *judge(struct fetch *fetch, CURLcode code, char ret_why[WHY_ROOM])
{
	long status = 0;
	char *type = NULL;

	if (fetch->guard.refused[0] != '\0')
		return fetch->guard.refused;
	if (code == CURLE_FILESIZE_EXCEEDED) {
		snprintf(ret_why, WHY_ROOM, "the answer has more than %zu octets", fetch->most);
		return ret_why;
	}
	if (code == CURLE_OUT_OF_MEMORY) /* libcurl keeps 100 KB of a line, and calls it so when there is more */
		return "memory is short, or a line of the head of the answer is too long";
	if (code != CURLE_OK)
		return fetch->guard.error[0] != '\0' ? fetch->guard.error : curl_easy_strerror(code);
	curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		snprintf(ret_why, WHY_ROOM, "answered %ld%s", status,
			 status >= 300 && status < 400 ? ", a redirect, which is not followed" : "");
		return ret_why;
	}
	if (type_fits(fetch))
		return NULL;
	curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_TYPE, &type);
	snprintf(ret_why, WHY_ROOM, "answered with Content-Type %.64s, not %s", type != NULL ? type : "(none)",
		 fetch->types[0]);
	return ret_why;
}

static void finish(struct fetch *fetch, CURLcode code)
{
	char why_room[WHY_ROOM], fault[FAULT_ROOM];
	const char *why = judge(fetch, code, why_room);
	struct fetch_result result = { .body = slice(fetch->body, fetch->size), .max_age_s = fetch->max_age_s };

	if (fetch->no_cache)
		result.max_age_s = 0;
	else if (result.max_age_s >= 0) /* some of it is over where a cache answered (RFC 9111 4.2.3) */
		result.max_age_s = fetch->age_s < result.max_age_s ? result.max_age_s - fetch->age_s : 0;
	if (why != NULL) {
		snprintf(fault, sizeof(fault), "%.320s: %.300s", fetch->url, why);
		clean(fault);
		result = (struct fetch_result){ .fault = fault, .max_age_s = -1 };
	}
	fetch->done(fetch->user, &result);
	end(fetch);
}

static void finish_all(struct fetcher *fetcher)
{
	struct CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
		struct fetch *fetch = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
		finish(fetch, message->data.result);
	}
}

static void act(struct fetcher *fetcher, curl_socket_t socket, int what)
{
	int running;

	curl_multi_socket_action(fetcher->multi, socket, what, &running);
	finish_all(fetcher);
}

static void on_timer(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long timeout_ms, void *user)
{
	struct fetcher *fetcher = user;

	(void)multi;
	if (fetcher->stopping || timeout_ms < 0)
		uv_timer_stop(&fetcher->timer);
	else
		uv_timer_start(&fetcher->timer, on_timer, (uint64_t)timeout_ms, 0);
	return 0;
}

static void on_readiness(uv_poll_t *poll, int status, int events)
{
	struct watched *watched = poll->data;
	int what = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);

	/* A reset behind an answer that is whole: what came before it is read first. It is libcurl that meets the
	 * error. */
	act(watched->fetcher, watched->socket, status < 0 ? CURL_CSELECT_IN | CURL_CSELECT_OUT : what);
	if (status < 0 && !uv_is_closing((uv_handle_t *)poll))
		uv_poll_start(poll, watched->events, on_readiness);
}

static void on_watched_closed(uv_handle_t *handle)
{
	struct watched *watched = handle->data;

	watched->fetcher->handles--;
	mem_free(watched);
}

static struct watched *watch(struct fetcher *fetcher, curl_socket_t socket)
{
	struct watched *watched = mem_zero(1, sizeof(*watched));

	if (watched == NULL)
		return NULL;
	if (uv_poll_init_socket(fetcher->loop, &watched->poll, socket) != 0) {
		mem_free(watched);
		return NULL;
	}
	watched->poll.data = watched;
	watched->fetcher = fetcher;
	watched->socket = socket;
	fetcher->handles++;
	curl_multi_assign(fetcher->multi, socket, watched);
	return watched;
}

/* libcurl wants a socket watched for something else from now on, or no more, in which case it closes it next. */
static int set_socket(CURL *easy, curl_socket_t socket, int what, void *user, void *socket_user)
{
	struct fetcher *fetcher = user;
	struct watched *watched = socket_user;
	int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (watched != NULL) {
			uv_poll_stop(&watched->poll);
			curl_multi_assign(fetcher->multi, socket, NULL);
			uv_close((uv_handle_t *)&watched->poll, on_watched_closed);
		}
		return 0;
	}
	if (watched == NULL)
		watched = watch(fetcher, socket);
	/* One that cannot be watched ends by its timeout. */
	if (watched != NULL) {
		watched->events = events;
		uv_poll_start(&watched->poll, events, on_readiness);
	}
	return 0;
}

static size_t take_body(char *bytes, size_t one, size_t size, void *user)
{
	struct fetch *fetch = user;
	size_t whole, room = fetch->room != 0 ? fetch->room : 4096;
	uint8_t *larger;

	(void)one; /* 1 */
	if (!size_add(fetch->size, size, &whole) || whole > fetch->most) {
		snprintf(fetch->guard.refused, sizeof(fetch->guard.refused), "the answer has more than %zu octets",
			 fetch->most);
		return 0;
	}
	while (room < whole)
		room *= 2;
	if (room != fetch->room) {
		larger = mem_resize(fetch->body, room);
		if (larger == NULL) {
			snprintf(fetch->guard.refused, sizeof(fetch->guard.refused), "memory is short");
			return 0;
		}
		fetch->body = larger;
		fetch->room = room;
	}
	memcpy(fetch->body + fetch->size, bytes, size);
	fetch->size = whole;
	return size;
}

/* "3600" or "\"3600\"" (RFC 9111 5.2); -1: neither. */
static int64_t seconds_of(struct fw_slice text)
{
	int64_t seconds = 0;

	text = slice_trim(text);
	if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"')
		text = slice(text.data + 1, text.size - 2);
	if (text.size == 0)
		return -1;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		if (seconds < MAX_AGE_MOST)
			seconds = seconds * 10 + text.data[i] - '0';
	}
	return seconds < MAX_AGE_MOST ? seconds : MAX_AGE_MOST;
}

static void read_cache_control(struct fetch *fetch, struct fw_slice list)
{
	while (list.size != 0) {
		const uint8_t *comma = memchr(list.data, ',', list.size);
		size_t size = comma != NULL ? (size_t)(comma - list.data) : list.size;
		struct fw_slice word = slice_trim(slice(list.data, size));

		if (word.size > 8 && slice_is_nocase(slice(word.data, 8), "max-age="))
			fetch->max_age_s = seconds_of(slice_from(word, 8));
		else if (slice_is_nocase(word, "no-store") || slice_is_nocase(word, "no-cache"))
			fetch->no_cache = true;
		list = slice_from(list, size + 1);
	}
}

static size_t take_header(char *bytes, size_t one, size_t size, void *user)
{
	struct fetch *fetch = user;
	struct fw_slice line = slice(bytes, size), value;
	const uint8_t *colon;

	(void)one; /* 1 */
	fetch->head_size += size;
	if (fetch->head_size > LIMIT_FETCH_HEAD) {
		snprintf(fetch->guard.refused, sizeof(fetch->guard.refused),
			 "the head of the answer has more than %d octets", LIMIT_FETCH_HEAD);
		return 0;
	}
	if (slice_starts(line, "HTTP/")) { /* another head, after one of 1xx */
		fetch->max_age_s = -1;
		fetch->age_s = 0;
		fetch->no_cache = false;
		return size;
	}
	colon = size != 0 ? memchr(line.data, ':', line.size) : NULL;
	if (colon == NULL)
		return size;
	value = slice_from(line, (size_t)(colon - line.data) + 1);
	while (value.size != 0 && (value.data[value.size - 1] == '\r' || value.data[value.size - 1] == '\n'))
		value.size--;
	line.size = (size_t)(colon - line.data);
	if (slice_is_nocase(line, "Cache-Control"))
		read_cache_control(fetch, value);
	else if (slice_is_nocase(line, "Age") && seconds_of(value) > 0)
		fetch->age_s = seconds_of(value);
	return size;
}

static bool copy_to(char **ret_copy, const char *text)
{
	*ret_copy = text != NULL ? mem_text(text, strlen(text)) : NULL;
	return text == NULL || *ret_copy != NULL;
}

static bool add_header(struct fetch *fetch, const char *line)
{
	struct curl_slist *longer = curl_slist_append(fetch->headers, line);

	if (longer == NULL)
		return false;
	fetch->headers = longer;
	return true;
}

static bool add_authorization(struct fetch *fetch, const char *value)
{
	static const char name[] = "Authorization: ";
	size_t size = strlen(value);
	char *line = value[0] != '\0' ? mem_alloc(sizeof(name) + size) : NULL;
	bool added;

	if (line == NULL)
		return false;
	memcpy(line, name, sizeof(name) - 1);
	memcpy(line + sizeof(name) - 1, value, size + 1);
	added = add_header(fetch, line);
	mem_wipe(line, sizeof(name) + size);
	mem_free(line);
	return added;
}

static bool set_up(struct fetch *fetch, const struct fetch_options *options)
{
	CURL *easy = fetch->easy = curl_easy_init();
	long timeout = (long)options->timeout_ms;
	bool holds = easy != NULL && add_header(fetch, "Accept: application/json") && add_header(fetch, "Expect:");

	if (holds && options->authorization != NULL)
		holds = add_authorization(fetch, options->authorization);
	if (!holds)
		return false;
#define SET(option, value) (holds = holds && curl_easy_setopt(easy, CURLOPT_##option, (value)) == CURLE_OK)
	SET(URL, fetch->url);
	SET(PROTOCOLS_STR, options->allow_http ? "https,http" : "https");
	SET(TIMEOUT_MS, timeout);
	SET(CONNECTTIMEOUT_MS, timeout < CONNECT_MS ? timeout : (long)CONNECT_MS);
	SET(MAXFILESIZE_LARGE, (curl_off_t)options->most);
	SET(HTTPHEADER, fetch->headers);
	SET(USERAGENT, "framewall/" FRAMEWALL_VERSION);
	SET(WRITEFUNCTION, take_body);
	SET(WRITEDATA, fetch);
	SET(HEADERFUNCTION, take_header);
	SET(HEADERDATA, fetch);
	SET(PRIVATE, fetch);
	if (fetch->form != NULL) {
		SET(POSTFIELDSIZE_LARGE, (curl_off_t)fetch->form_size);
		SET(POSTFIELDS, fetch->form);
	}
#undef SET
	return holds && curl_guard_set(easy, &fetch->guard, options->ca_file);
}

static bool copy(struct fetch *fetch, const struct fetch_options *options)
{
	if (!copy_to(&fetch->url, options->url) || !copy_to(&fetch->types[0], options->types[0]) ||
	    !copy_to(&fetch->types[1], options->types[1]))
		return false;
	if (options->form.data == NULL)
		return true;
	fetch->form_size = options->form.size;
	fetch->form = mem_alloc(options->form.size + 1);
	if (fetch->form != NULL)
		memcpy(fetch->form, options->form.data, options->form.size);
	return fetch->form != NULL;
}

struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_options *options)
{
	struct fetch *fetch = fetcher->count < LIMIT_FETCHES && !fetcher->stopping ? mem_zero(1, sizeof(*fetch)) : NULL;

	if (fetch == NULL)
		return NULL;
	fetch->fetcher = fetcher;
	fetch->guard.allow_private = options->allow_private;
	fetch->most = options->most;
	fetch->done = options->done;
	fetch->user = options->user;
	fetch->max_age_s = -1;
	if (!copy(fetch, options) || !set_up(fetch, options) ||
	    curl_multi_add_handle(fetcher->multi, fetch->easy) != CURLM_OK) {
		end(fetch);
		return NULL;
	}
	fetch->next = fetcher->running;
	fetch->at = &fetcher->running;
	if (fetch->next != NULL)
		fetch->next->at = &fetch->next;
	fetcher->running = fetch;
	fetcher->count++;
	return fetch;
}

void fetch_cancel(struct fetch *fetch)
{
	if (fetch != NULL)
		end(fetch);
}

static void start_library(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct fetcher *fetcher_new(uv_loop_t *loop)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct fetcher *fetcher = mem_zero(1, sizeof(*fetcher));

	pthread_once(&once, start_library);
	if (fetcher == NULL)
		return NULL;
	fetcher->loop = loop;
	fetcher->multi = curl_multi_init();
	if (fetcher->multi == NULL || uv_timer_init(loop, &fetcher->timer) != 0) {
		curl_multi_cleanup(fetcher->multi);
		mem_free(fetcher);
		return NULL;
	}
	fetcher->timer.data = fetcher;
	fetcher->handles = 1;
	curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
	curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
	curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)KEPT);
	return fetcher;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct fetcher *fetcher = handle->data;

	fetcher->handles--;
}

void fetcher_stop(struct fetcher *fetcher)
{
	if (fetcher == NULL || fetcher->stopping)
		return;
	fetcher->stopping = true;
	while (fetcher->running != NULL)
		end(fetcher->running);
	curl_multi_cleanup(fetcher->multi); /* closes what was kept open, and has its sockets watched no more */
	fetcher->multi = NULL;
	uv_close((uv_handle_t *)&fetcher->timer, on_timer_closed);
}

bool fetcher_closed(const struct fetcher *fetcher)
{
	return fetcher == NULL || fetcher->handles == 0;
}

struct fetcher *fetcher_free(struct fetcher *fetcher)
{
	mem_free(fetcher);
	return NULL;
}

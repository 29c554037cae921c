#include "shell/threat_fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/json.h"
#include "shell/curl_guard.h"
#include "shell/file.h"

enum { URL_ROOM = 4096, CONNECT_MS = 10000, ENVELOPE_ARENA = 256 << 20, NEXT_MOST = 1024, PAGE_OBJECTS = 1000 };

/* All pages of a collection may take so many times what one may: other lists wait meanwhile. */
enum { PAGES_TIMES = 10 };

static const char taxii_type[] = "application/taxii+json";

/* One request. */
struct request {
	const _Atomic bool *stop;
	struct curl_guard guard;
	CURL *easy;
	struct curl_slist *headers;
	uint8_t *octets;
	size_t size, room, most;
	char last[THREAT_TIME]; /* X-TAXII-Date-Added-Last */
};

static size_t take(char *octets, size_t one, size_t size, void *user)
{
	struct request *request = user;
	size_t room = request->room != 0 ? request->room : 65536;
	uint8_t *larger;

	(void)one; /* 1 */
	if (size > request->most - request->size) {
		snprintf(request->guard.refused, sizeof(request->guard.refused), "it has more than %d octets",
			 LIMIT_THREAT_BODY);
		return 0;
	}
	while (room < request->size + size + 1)
		room *= 2;
	if (room != request->room) {
		larger = mem_resize(request->octets, room);
		if (larger == NULL) {
			snprintf(request->guard.refused, sizeof(request->guard.refused), "memory is short");
			return 0;
		}
		request->octets = larger;
		request->room = room;
	}
	memcpy(request->octets + request->size, octets, size);
	request->size += size;
	return size;
}

static size_t take_header(char *octets, size_t one, size_t size, void *user)
{
	static const char name[] = "X-TAXII-Date-Added-Last:";
	struct request *request = user;
	struct fw_slice line = slice(octets, size), value;

	(void)one;			 /* 1 */
	if (slice_starts(line, "HTTP/")) /* another head, after one of 1xx */
		request->last[0] = '\0';
	if (size < sizeof(name) || !slice_is_nocase(slice(octets, sizeof(name) - 1), name))
		return size;
	value = slice_from(line, sizeof(name) - 1);
	while (value.size != 0 && (value.data[value.size - 1] == '\n' || value.data[value.size - 1] == '\r'))
		value.size--;
	value = slice_trim(value);
	if (value.size < sizeof(request->last)) {
		memcpy(request->last, value.data, value.size);
		request->last[value.size] = '\0';
	}
	return size;
}

static int look_up_stop(void *user, curl_off_t all, curl_off_t now, curl_off_t up, curl_off_t up_now)
{
	const struct request *request = user;

	(void)all;
	(void)now;
	(void)up;
	(void)up_now;
	return atomic_load(request->stop) ? 1 : 0;
}

static bool add_header(struct request *request, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 1;
	char *line = mem_alloc(size);
	struct curl_slist *longer = NULL;

	if (line == NULL)
		return false;
	snprintf(line, size, "%s%s", name, value);
	longer = curl_slist_append(request->headers, line);
	mem_wipe(line, size);
	mem_free(line);
	if (longer != NULL)
		request->headers = longer;
	return longer != NULL;
}

static bool set_up(struct request *request, const struct threat_list *list, const char *url)
{
	bool holds = add_header(request,
				"Accept: ", list->collection != NULL ? "application/taxii+json;version=2.1" : "*/*");

	request->easy = curl_easy_init();
	request->guard.allow_private = list->allow_private;
	if (list->authorization != NULL)
		holds = holds && add_header(request, "Authorization: ", list->authorization);
	if (list->header != NULL)
		holds = holds && add_header(request, list->header, "");
	if (!holds || request->easy == NULL)
		return false;
#define SET(option, value) (holds = holds && curl_easy_setopt(request->easy, CURLOPT_##option, (value)) == CURLE_OK)
	SET(URL, url);
	SET(PROTOCOLS_STR, list->allow_http ? "https,http" : "https");
	SET(TIMEOUT_MS, (long)list->timeout * 1000);
	SET(CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	SET(HTTPHEADER, request->headers);
	SET(ACCEPT_ENCODING, ""); /* what it becomes is bounded all the same */
	SET(USERAGENT, "framewall/" FRAMEWALL_VERSION);
	SET(WRITEFUNCTION, take);
	SET(WRITEDATA, request);
	SET(HEADERFUNCTION, take_header);
	SET(HEADERDATA, request);
	SET(NOPROGRESS, 0L);
	SET(XFERINFOFUNCTION, look_up_stop);
	SET(XFERINFODATA, request);
#undef SET
	return holds && curl_guard_set(request->easy, &request->guard, list->ca_file);
}

static const char *meaning(long status)
{
	switch (status) {
	case 401:
	case 403:
		return ": it wants another \"authorization\", or this one may not read it";
	case 406:
		return ": it has no TAXII 2.1";
	case 429:
		return ": it was asked too often";
	default:
		return status / 100 == 3 ? ": it is elsewhere, and no redirect is followed" : "";
	}
}

static bool answers(const struct request *request, bool taxii, struct threat_text *text)
{
	const char *type = NULL;
	curl_off_t retry_s = 0;
	long status = 0;

	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(request->easy, CURLINFO_CONTENT_TYPE, &type);
	if (status != 200)
		snprintf(text->why, sizeof(text->why), "the server answers %ld%s", status, meaning(status));
	else if (taxii && (type == NULL || strncmp(type, taxii_type, sizeof(taxii_type) - 1) != 0))
		snprintf(text->why, sizeof(text->why), "the answer is no %s", taxii_type);
	else
		return true;
	if (curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &retry_s) == CURLE_OK && retry_s > 0)
		text->retry_s = (uint64_t)retry_s;
	return false;
}

/* The answer is in request->octets. */
static bool ask(struct request *request, const struct threat_list *list, const char *url, struct threat_text *text)
{
	bool holds = false;
	CURLcode code;

	if (!set_up(request, list, url)) {
		snprintf(text->why, sizeof(text->why), "memory is short");
	} else if ((code = curl_easy_perform(request->easy)) != CURLE_OK || request->guard.refused[0] != '\0') {
		snprintf(text->why, sizeof(text->why), "%s",
			 request->guard.refused[0] != '\0' ? request->guard.refused
			 : request->guard.error[0] != '\0' ? request->guard.error
							   : curl_easy_strerror(code));
	} else {
		holds = answers(request, list->collection != NULL, text);
	}
	curl_easy_cleanup(request->easy);
	curl_slist_free_all(request->headers);
	request->easy = NULL;
	request->headers = NULL;
	return holds;
}

static void fetch_one(const struct threat_list *list, const _Atomic bool *stop, struct threat_text *text)
{
	struct request request = { .stop = stop, .most = LIMIT_THREAT_BODY };

	if (ask(&request, list, list->url, text)) {
		text->octets = request.octets != NULL ? request.octets : mem_zero(1, 1);
		text->size = request.size;
		if (text->octets == NULL)
			snprintf(text->why, sizeof(text->why), "memory is short");
	} else {
		mem_free(request.octets);
	}
}

static void read_file(const struct threat_list *list, struct threat_text *text)
{
	if (file_read(list->path, LIMIT_THREAT_BODY, &text->octets, &text->size) == 0)
		return;
	text->octets = NULL;
	if (errno == EFBIG)
		snprintf(text->why, sizeof(text->why), "it has more than %d octets", LIMIT_THREAT_BODY);
	else
		snprintf(text->why, sizeof(text->why), "cannot read %.120s: %m", list->path);
}

/* Pages of a collection, as they came. */
struct pages {
	struct fw_slice *texts; /* the first is what there was before */
	size_t count, room;
	size_t octets;
	char next[NEXT_MOST + 1];
	bool more;
};

static bool keep_page(struct pages *pages, struct fw_slice text)
{
	struct fw_slice *larger;

	if (pages->count == pages->room) {
		pages->room = pages->room != 0 ? pages->room * 2 : 16;
		larger = mem_resize(pages->texts, pages->room * sizeof(*larger));
		if (larger == NULL)
			return false;
		pages->texts = larger;
	}
	pages->texts[pages->count++] = text;
	return true;
}

/* TAXII 2.1, 5.4: which objects. */
static bool write_url(const struct threat_list *list, const char *since, const char *next, char ret_url[URL_ROOM])
{
	char *shown = next[0] != '\0' ? curl_easy_escape(NULL, next, 0) : NULL;
	size_t root = strlen(list->url);
	bool after = shown == NULL && since[0] != '\0';
	int size;

	while (root != 0 && list->url[root - 1] == '/')
		root--;
	size = snprintf(ret_url, URL_ROOM, "%.*s/collections/%s/objects/?limit=%d&match%%5Btype%%5D=indicator%s%s%s%s",
			(int)root, list->url, list->collection, (int)PAGE_OBJECTS, after ? "&added_after=" : "",
			after ? since : "", shown != NULL ? "&next=" : "", shown != NULL ? shown : "");
	if (shown != NULL)
		curl_free(shown);
	return size > 0 && size < URL_ROOM && (next[0] == '\0' || shown != NULL);
}

/* 3.7: is there more, and by what is it asked for? NULL, or what is wrong. */
static const char *read_envelope(struct fw_slice text, struct pages *pages)
{
	const char *wrong = NULL;
	uint32_t more, next;
	struct arena arena;
	struct json json;

	pages->more = false;
	pages->next[0] = '\0';
	arena_init(&arena, ENVELOPE_ARENA);
	if (json_parse(&arena, text, 0, &json, NULL) != JSON_OK || json.nodes[0].kind != JSON_OBJECT) {
		wrong = "a page of it is no JSON object";
	} else {
		more = json_member(&json, 0, "more", 4);
		next = json_member(&json, 0, "next", 4);
		pages->more = more != 0 && json.nodes[more].kind == JSON_TRUE;
		if (next != 0 && json.nodes[next].kind == JSON_STRING) {
			struct fw_slice value = json_text(&json, next, &arena);

			if (value.size > NEXT_MOST || memchr(value.data, '\0', value.size) != NULL) {
				wrong = "its \"next\" is longer than any";
			} else {
				memcpy(pages->next, value.data, value.size);
				pages->next[value.size] = '\0';
			}
		}
	}
	arena_fini(&arena);
	return wrong;
}

/* A time that is sent back is one, and nothing else. */
static bool is_time(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789-:.TZ")] == '\0';
}

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static bool fetch_pages(const struct threat_list *list, const _Atomic bool *stop, struct threat_text *text,
			struct pages *pages)
{
	char url[URL_ROOM], since[THREAT_TIME], asked[NEXT_MOST + 1] = "";
	time_t until = now_s() + (time_t)list->timeout * PAGES_TIMES;

	snprintf(since, sizeof(since), "%s", text->since);
	do {
		struct request request = { .stop = stop, .most = LIMIT_THREAT_BODY - pages->octets };
		const char *wrong;

		if (!write_url(list, since, pages->next, url)) {
			snprintf(text->why, sizeof(text->why), "its address is too long");
			return false;
		}
		if (!ask(&request, list, url, text)) {
			mem_free(request.octets);
			return false;
		}
		snprintf(asked, sizeof(asked), "%s", pages->next);
		wrong = read_envelope(slice(request.octets, request.size), pages);
		if (wrong == NULL && !keep_page(pages, slice(request.octets, request.size)))
			wrong = "memory is short";
		if (wrong == NULL && pages->count > LIMIT_THREAT_PAGES)
			wrong = "it has too many pages";
		if (wrong == NULL && pages->more && now_s() >= until)
			wrong = "all pages together take too long";
		/* Without "next" it goes on behind the last one that came. */
		if (wrong == NULL && pages->more && pages->next[0] == '\0' &&
		    (!is_time(request.last) || strcmp(request.last, since) == 0))
			wrong = "it says that there is more, and not where";
		if (wrong == NULL && pages->more && pages->next[0] != '\0' && strcmp(pages->next, asked) == 0)
			wrong = "it goes on with the same page";
		if (wrong != NULL) {
			if (pages->count == 0 || pages->texts[pages->count - 1].data != request.octets)
				mem_free(request.octets);
			snprintf(text->why, sizeof(text->why), "%s", wrong);
			return false;
		}
		pages->octets += request.size;
		if (is_time(request.last))
			snprintf(since, sizeof(since), "%s", request.last);
	} while (pages->more);
	snprintf(text->since, sizeof(text->since), "%s", since);
	return true;
}

static void fetch_collection(const struct threat_list *list, const _Atomic bool *stop, struct threat_text *text)
{
	struct pages pages = { .octets = text->since[0] != '\0' ? text->before.size : 0 };
	bool had = text->since[0] != '\0', holds;
	struct buf out = { 0 };
	struct pool pool;

	pool_init(&pool);
	holds = (!had || keep_page(&pages, text->before)) && fetch_pages(list, stop, text, &pages) &&
		threat_stix_merge(pages.texts, pages.count, &out, &pool, text->why);
	if (holds) {
		text->size = buf_size(&out);
		text->octets = mem_alloc(text->size + 1);
		if (text->octets != NULL)
			memcpy(text->octets, buf_data(&out), text->size);
		else
			snprintf(text->why, sizeof(text->why), "memory is short");
	}
	buf_clear(&out, &pool);
	pool_fini(&pool);
	for (size_t i = had ? 1 : 0; i < pages.count; i++)
		mem_free((void *)(uintptr_t)pages.texts[i].data);
	mem_free(pages.texts);
}

void threat_fetch(const struct threat_list *list, const _Atomic bool *stop, struct threat_text *text)
{
	text->octets = NULL;
	text->size = 0;
	text->why[0] = '\0';
	text->retry_s = 0;
	if (list->path != NULL)
		read_file(list, text);
	else if (list->collection != NULL)
		fetch_collection(list, stop, text);
	else
		fetch_one(list, stop, text);
}

/* Webhooks as Standard Webhooks (standardwebhooks.com) has them: webhook-id, webhook-timestamp and webhook-signature,
 * "v1," and the base64 of HMAC-SHA-256 over "id.timestamp.body". */
#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "shell/clock.h"
#include "shell/sender_parts.h"

enum { HEADER = 256, ID = 96, ANSWER_MOST = 65536, RETRY_MOST_S = 3600 };

struct sender_web {
	CURLM *multi;	 /* keeps connections */
	struct buf body; /* for an Alertmanager */
};

struct request {
	struct sender *sender;
	struct sender_curl curl;
	struct curl_slist *headers;
	const struct buf *lines; /* the body */
	size_t answer;
	long retry_after_s;
};

static bool add_header(struct request *request, const char *line)
{
	struct curl_slist *longer = curl_slist_append(request->headers, line);

	if (longer == NULL)
		return false;
	request->headers = longer;
	return true;
}

/* The same batch has the same name whenever it is sent: the name of its first record, or the
 * root of its checkpoint, which no other record and no other ledger has. */
static void name_batch(const struct sender_batch *batch, char ret_id[ID])
{
	snprintf(ret_id, ID, "fw_%s_%" PRIu64 "_%" PRIu64 "_%" PRIu64,
		 batch->first_id[0] != '\0' ? batch->first_id : "0", batch->first, batch->last.sequence,
		 batch->checkpoint);
}

static bool sign(struct request *request, const struct sender_batch *batch)
{
	const struct receiver *receiver = request->sender->receiver;
	char id[ID], line[HEADER], mac_text[64];
	uint64_t now_s = clock_wall_us() / 1000000;
	size_t body = buf_size(request->lines), room;
	uint8_t mac[32], *signed_text;
	bool holds;
	int size;

	name_batch(batch, id);
	snprintf(line, sizeof(line), "webhook-id: %s", id);
	holds = add_header(request, line);
	snprintf(line, sizeof(line), "webhook-timestamp: %" PRIu64, now_s);
	holds = holds && add_header(request, line);
	if (!holds || receiver->secret_size == 0)
		return holds;
	size = snprintf(line, sizeof(line), "%s.%" PRIu64 ".", id, now_s);
	signed_text = size_add(body, (size_t)size, &room) ? mem_alloc(room) : NULL;
	if (signed_text == NULL)
		return false;
	memcpy(signed_text, line, (size_t)size);
	memcpy(signed_text + size, buf_data(request->lines), body);
	holds = digest_hmac_sha256(slice(receiver->secret_octets, receiver->secret_size), slice(signed_text, room),
				   mac);
	mem_free(signed_text);
	mac_text[encode_base64(mac, sizeof(mac), 0, mac_text)] = '\0';
	snprintf(line, sizeof(line), "webhook-signature: v1,%s", mac_text);
	return holds && add_header(request, line);
}

static bool authorize(struct request *request)
{
	static const char name[] = "Authorization: ";
	const char *value = request->sender->receiver->authorization;
	char *line;
	bool holds;

	if (value == NULL)
		return true;
	line = mem_alloc(sizeof(name) + strlen(value));
	if (line == NULL)
		return false;
	memcpy(line, name, sizeof(name) - 1);
	memcpy(line + sizeof(name) - 1, value, strlen(value) + 1);
	holds = add_header(request, line);
	mem_wipe(line, strlen(line));
	mem_free(line);
	return holds;
}

/* What it answers is of no use but its status; too much of it is a fault. */
static size_t take_answer(char *octets, size_t one, size_t size, void *user)
{
	struct request *request = user;

	(void)octets;
	(void)one; /* 1 */
	request->answer += size;
	return request->answer <= ANSWER_MOST ? size : 0;
}

static size_t take_header(char *octets, size_t one, size_t size, void *user)
{
	static const char name[] = "retry-after:";
	struct request *request = user;
	struct fw_slice line = slice(octets, size);
	char digits[8] = "";

	(void)one; /* 1 */
	request->answer += size;
	if (line.size > sizeof(name) && slice_is_nocase(slice(line.data, sizeof(name) - 1), name)) {
		line = slice_trim(slice_from(line, sizeof(name) - 1));
		snprintf(digits, sizeof(digits), "%.*s", (int)(line.size < 7 ? line.size : 7), (const char *)line.data);
		request->retry_after_s = strtol(digits, NULL, 10); /* a date: 0 */
	}
	return request->answer <= ANSWER_MOST ? size : 0;
}

static bool prepare(struct request *request, const struct sender_batch *batch)
{
	const struct receiver *receiver = request->sender->receiver;
	bool json = request->sender->exporter.format <= EXPORT_ecs;
	CURL *easy;

	request->curl.guard.allow_private = receiver->allow_private;
	snprintf(request->sender->why, sizeof(request->sender->why), "memory is short");
	if (!add_header(request, receiver->alertmanager ? "Content-Type: application/json"
				 : json			? "Content-Type: application/x-ndjson"
							: "Content-Type: text/plain; charset=utf-8") ||
	    !add_header(request, "Expect:") || !sign(request, batch) || !authorize(request))
		return false;
	if (!sender_curl_open(request->sender, &request->curl, receiver->url))
		return false;
	easy = request->curl.easy;
	return curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)receiver->timeout * 1000) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, "framewall/" FRAMEWALL_VERSION) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)buf_size(request->lines)) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDS, (const char *)buf_data(request->lines)) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, request) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERDATA, request) == CURLE_OK;
}

/* It is the body that he does not like; all else may be otherwise tomorrow. */
static bool is_of_the_body(long status)
{
	return status == 400 || status == 411 || status == 413 || status == 415 || status == 422;
}

static enum sender_result judge(struct request *request)
{
	struct sender *sender = request->sender;
	long status = 0;

	curl_easy_getinfo(request->curl.easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return SENDER_SENT;
	snprintf(sender->why, sizeof(sender->why), "answered %ld%s", status,
		 status >= 300 && status < 400 ? ", a redirect, which is not followed" : "");
	if (request->retry_after_s > 0)
		sender->not_before_ns =
			uv_hrtime() +
			(uint64_t)(request->retry_after_s < RETRY_MOST_S ? request->retry_after_s : RETRY_MOST_S) *
				1000 * SENDER_MS;
	return is_of_the_body(status) ? SENDER_REFUSED : SENDER_FAILED;
}

static enum sender_result post(struct sender *sender, const struct sender_batch *batch)
{
	struct request request = { .sender = sender, .lines = &batch->lines };
	enum sender_result result = SENDER_FAILED;

	if (sender->receiver->alertmanager) {
		request.lines = &sender->web->body;
		switch (sender_lines_alertmanager(sender, batch, &sender->web->body)) {
		case SENDER_LINES_NONE:
			return SENDER_SENT;
		case SENDER_LINES_MEMORY:
			snprintf(sender->why, sizeof(sender->why), "memory is short");
			return SENDER_FAILED;
		case SENDER_LINES_MADE:
			break;
		}
	}

	if (prepare(&request, batch))
		result = sender_curl_perform(sender, sender->web->multi, &request.curl);
	if (result == SENDER_SENT)
		result = judge(&request);
	sender_curl_close(sender->web->multi, &request.curl);
	curl_slist_free_all(request.headers);
	return result;
}

static bool close_web(struct sender *sender, bool in_order)
{
	if (sender->web != NULL) {
		curl_multi_cleanup(sender->web->multi);
		buf_clear(&sender->web->body, &sender->pool);
		mem_free(sender->web);
	}
	sender->web = NULL;
	return in_order;
}

static enum sender_result send_web(struct sender *sender, struct sender_batch *batch)
{
	if (sender->web == NULL) {
		sender->web = mem_zero(1, sizeof(*sender->web));
		if (sender->web != NULL)
			sender->web->multi = curl_multi_init();
	}
	if (sender->web == NULL || sender->web->multi == NULL) {
		snprintf(sender->why, sizeof(sender->why), "memory is short");
		return SENDER_FAILED;
	}
	return post(sender, batch);
}

const struct sender_transport sender_web = { send_web, NULL, close_web };

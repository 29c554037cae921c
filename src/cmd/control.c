#include "cmd/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/offline.h"
#include "cmd/options.h"
#include "codec/http1.h"
#include "codec/json.h"
#include "shell/keeper.h"

enum { ANSWER = 64 << 20, HEAD = 512, PATIENCE_S = 10, STEP_MS = 20, TIMES = 5, ARENA = 1 << 20 };

static bool no_server(int error)
{
	return error == ENOENT || error == ECONNREFUSED || error == ENOTDIR;
}

/* A server that begins, or whose keeper begins anew, answers soon; one that ends is gone soon. */
static int connect_to(const char *data)
{
	const struct timespec step = { 0, STEP_MS * 1000000 };
	int fd = keeper_control_connect(data);

	for (unsigned i = 0; fd < 0 && no_server(errno) && i < PATIENCE_S * 1000 / STEP_MS; i++) {
		if (!keeper_is_locked(data)) {
			errno = ENOENT;
			break;
		}
		nanosleep(&step, NULL);
		fd = keeper_control_connect(data);
	}
	return fd;
}

static int open_socket(const struct control_request *request, struct offline **ret_offline)
{
	int fd = connect_to(request->data);

	*ret_offline = NULL;
	if (fd < 0 && no_server(errno) && request->offline) {
		*ret_offline = offline_start(request);
		if (*ret_offline == NULL)
			return -1;
		fd = keeper_control_connect(request->data);
	}
	if (fd >= 0)
		return fd;
	if (no_server(errno))
		options_could_not(request->verb,
				  "no server runs on \"%s\"; start one with \"framewall run --data %s\", or name its "
				  "folder with --data DIR",
				  request->data, request->data);
	else
		options_could_not(request->verb,
				  "cannot reach the server of \"%s\": %s; run this as the user that runs the server",
				  request->data, strerror(errno));
	return -1;
}

static bool send_all(int fd, const void *octets, size_t size)
{
	const uint8_t *at = octets;

	while (size != 0) {
		ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		at += sent;
		size -= (size_t)sent;
	}
	return true;
}

static bool send_request(int fd, const struct control_request *request)
{
	char head[HEAD];
	int size = snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
			    request->method, request->path);

	if (request->body.size != 0 && size > 0 && size < HEAD)
		size += snprintf(head + size, sizeof(head) - (size_t)size,
				 "Content-Type: application/json\r\nContent-Length: %zu\r\n", request->body.size);
	if (size <= 0 || size >= HEAD) {
		errno = EMSGSIZE;
		return false;
	}
	return send_all(fd, head, (size_t)size) && send_all(fd, "\r\n", 2) &&
	       send_all(fd, request->body.data, request->body.size);
}

/* Until the other side closes. The number of octets, or -1 with errno. */
static ssize_t receive(int fd, uint8_t *ret_octets, size_t room)
{
	size_t size = 0;

	while (size < room) {
		ssize_t got = recv(fd, ret_octets + size, room - size, 0);

		if (got == 0)
			return (ssize_t)size;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		size += (size_t)got;
	}
	errno = EMSGSIZE;
	return -1;
}

static bool read_answer(struct fw_slice octets, struct control_answer *ret_answer)
{
	struct http1_head head;

	if (http1_response(octets, &head, NULL) != HTTP1_OK)
		return false;
	ret_answer->status = head.status;
	ret_answer->body = slice_from(octets, head.size);
	return head.status == 204 || (head.has_content_length && head.content_length == ret_answer->body.size);
}

/* The number of octets of the answer, or -1 with errno. */
static ssize_t exchange(int fd, const struct control_request *request, uint8_t *ret_octets)
{
	struct timeval patience = { PATIENCE_S, 0 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return send_request(fd, request) ? receive(fd, ret_octets, ANSWER) : -1;
}

/* Who only asks may ask another keeper where the first one fell before it said anything. */
static bool ask_again(const struct control_request *request, ssize_t size)
{
	return strcmp(request->method, "GET") == 0 &&
	       (size == 0 || (size < 0 && (errno == ECONNRESET || errno == EPIPE)));
}

int control_ask(const struct control_request *request, struct control_answer *ret_answer)
{
	struct offline *offline;
	int fd = open_socket(request, &offline), result = COMMAND_DONE;
	ssize_t size = -1;

	*ret_answer = (struct control_answer){ 0 };
	if (fd < 0) {
		offline_stop(offline);
		return COMMAND_COULD_NOT;
	}
	errno = ENOMEM;
	ret_answer->memory = mem_alloc(ANSWER);
	if (ret_answer->memory != NULL)
		size = exchange(fd, request, ret_answer->memory);
	for (unsigned i = 0; i < TIMES && offline == NULL && ask_again(request, size); i++) {
		int next = connect_to(request->data);

		if (next < 0)
			break;
		close(fd);
		fd = next;
		size = exchange(fd, request, ret_answer->memory);
	}
	if (size < 0)
		result = options_could_not(request->verb,
					   "no answer from the server of \"%s\": %s; is it busy? try again",
					   request->data, strerror(errno));
	else if (!read_answer(slice(ret_answer->memory, (size_t)size), ret_answer))
		result = options_could_not(
			request->verb, "the answer of the server of \"%s\" is not understood; are both of one version?",
			request->data);
	close(fd);
	offline_stop(offline);
	if (result != COMMAND_DONE)
		control_free(ret_answer);
	return result;
}

void control_free(struct control_answer *answer)
{
	mem_free(answer->memory);
	*answer = (struct control_answer){ 0 };
}

/* "detail" of a problem document (RFC 9457). */
static int say_problem(const struct control_request *request, const struct control_answer *answer)
{
	struct fw_slice detail = slice_text("no reason given");
	struct arena arena;
	struct json json;
	uint32_t node;

	arena_init(&arena, ARENA);
	if (json_parse(&arena, slice_trim(answer->body), 0, &json, NULL) == JSON_OK &&
	    json.nodes[0].kind == JSON_OBJECT && (node = json_member(&json, 0, "detail", 6)) != 0 &&
	    json.nodes[node].kind == JSON_STRING)
		detail = json_text(&json, node, &arena);
	options_could_not(request->verb, "the server says %u: %.*s", answer->status, (int)detail.size,
			  (const char *)detail.data);
	arena_fini(&arena);
	return COMMAND_COULD_NOT;
}

static int ask_ok(const struct control_request *request, struct control_answer *ret_answer)
{
	int result = control_ask(request, ret_answer);

	if (result != COMMAND_DONE || ret_answer->status / 100 == 2)
		return result;
	result = say_problem(request, ret_answer);
	control_free(ret_answer);
	return result;
}

int control_show(const struct control_request *request, int (*print)(struct fw_slice body))
{
	struct control_answer answer;
	int result = ask_ok(request, &answer);

	if (result != COMMAND_DONE)
		return result;
	if (print != NULL)
		result = print(answer.body);
	else if (fwrite(answer.body.data, 1, answer.body.size, stdout) != answer.body.size || fflush(stdout) != 0)
		result = options_could_not(request->verb, "cannot write: %s", strerror(errno));
	control_free(&answer);
	return result;
}

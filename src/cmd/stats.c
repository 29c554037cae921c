#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "codec/http1.h"
#include "codec/json.h"
#include "shell/keeper.h"

enum { ANSWER = 1 << 20, PATIENCE_S = 10, ARENA = 4 << 20, COLUMN = 26 };

static const char default_data[] = "./framewall-data";
static const char request[] = "GET /api/v1/stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/* Sends the request and reads until the other side closes. The number of octets, or -1 with errno. */
static ssize_t exchange(int fd, uint8_t *ret_answer, size_t room)
{
	struct timeval patience = { PATIENCE_S, 0 };
	size_t size = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
		return -1;
	while (size < room) {
		ssize_t got = recv(fd, ret_answer + size, room - size, 0);

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

/* The body of a 200 answer that came whole; otherwise false. */
static bool body_of(struct fw_slice answer, struct fw_slice *ret_body)
{
	struct http1_head head;

	if (http1_response(answer, &head, NULL) != HTTP1_OK || head.status != 200 || !head.has_content_length ||
	    head.content_length != answer.size - head.size)
		return false;
	*ret_body = slice_from(answer, head.size);
	return true;
}

/* One line a figure, the name's underscores as blanks; what is within an object stands to the right below its name. */
static void print_members(const struct json *json, uint32_t object, int indent)
{
	for (uint32_t key = object + 1; key < json->nodes[object].next; key = json->nodes[key + 1].next) {
		struct fw_slice name = slice(json->text + json->nodes[key].offset, json->nodes[key].size);
		struct fw_slice value = json_raw(json, key + 1);
		char text[64];
		size_t size = name.size < sizeof(text) - 1 ? name.size : sizeof(text) - 1;

		for (size_t i = 0; i < size; i++)
			text[i] = name.data[i] == '_' ? ' ' : (char)name.data[i];
		text[size] = '\0';
		if (json->nodes[key + 1].kind == JSON_OBJECT) {
			printf("%*s%s\n", indent, "", text);
			print_members(json, key + 1, indent + 2);
			continue;
		}
		if (json->nodes[key + 1].kind == JSON_STRING)
			value = slice(value.data + 1, value.size - 2);
		printf("%*s%-*s %.*s\n", indent, "", COLUMN - indent, text, (int)value.size, (const char *)value.data);
	}
}

static int print_people(struct fw_slice body)
{
	struct arena arena;
	struct json json;
	enum json_result result;

	arena_init(&arena, ARENA);
	result = json_parse(&arena, slice_trim(body), 0, &json, NULL);
	if (result == JSON_OK && json.nodes[0].kind == JSON_OBJECT)
		print_members(&json, 0, 0);
	arena_fini(&arena);
	return result == JSON_OK
		       ? COMMAND_DONE
		       : options_could_not("stats", "the server's answer is not understood; are both of one version?");
}

static int show(const char *data, int fd, bool json)
{
	uint8_t *answer = mem_alloc(ANSWER);
	ssize_t size = answer != NULL ? exchange(fd, answer, ANSWER) : -1;
	struct fw_slice body;
	int result;

	if (size < 0)
		result = options_could_not("stats", "no answer from the server of \"%s\": %s; is it busy? try again",
					   data, strerror(errno));
	else if (!body_of(slice(answer, (size_t)size), &body))
		result = options_could_not(
			"stats", "the server of \"%s\" did not give its figures; are both of one version?", data);
	else if (json)
		result = fwrite(body.data, 1, body.size, stdout) == body.size && fflush(stdout) == 0
				 ? COMMAND_DONE
				 : COMMAND_COULD_NOT;
	else
		result = print_people(body);
	mem_free(answer);
	return result;
}

int command_stats(int argc, char **argv)
{
	const char *data = default_data;
	bool json = false;
	const struct option_row rows[] = {
		{ "--data", "DIR", &data, NULL, "the state of the server; default ./framewall-data" },
		{ "--json", NULL, NULL, &json, "as one JSON object" },
	};
	struct options options = { "stats", rows, sizeof(rows) / sizeof(*rows), NULL, 0, 0 };
	int result = options_read(&options, argc, argv), fd;

	if (result != OPTIONS_GO_ON)
		return result;
	fd = keeper_control_connect(data);
	if (fd < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
			return options_could_not("stats",
						 "no server runs on \"%s\"; start one with \"framewall run --data "
						 "%s\", or name its folder with --data DIR",
						 data, data);
		return options_could_not(
			"stats", "cannot reach the server of \"%s\": %s; run this as the user that runs the server",
			data, strerror(errno));
	}
	result = show(data, fd, json);
	close(fd);
	return result;
}

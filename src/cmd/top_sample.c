#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/top.h"

enum { ARENA = 8 << 20 };

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int ask(struct top_sample *sample, unsigned which, const char *data, const char *path, struct json *ret_json)
{
	struct control_request request = { .verb = "top", .data = data, .method = "GET", .path = path };
	int result = control_ask(&request, &sample->answers[which]);

	if (result != COMMAND_DONE)
		return result;
	if (sample->answers[which].status != 200 ||
	    json_parse(&sample->arena, slice_trim(sample->answers[which].body), 0, ret_json, NULL) != JSON_OK ||
	    ret_json->nodes[0].kind != JSON_OBJECT)
		return options_could_not("top", "the server's answer is not understood; are both of one version?");
	return COMMAND_DONE;
}

int top_sample_take(struct top_sample *sample, const char *data)
{
	int result;

	*sample = (struct top_sample){ .at_ns = now_ns() };
	arena_init(&sample->arena, ARENA);
	result = ask(sample, 0, data, "/api/v1/stats", &sample->stats);
	if (result == COMMAND_DONE)
		result = ask(sample, 1, data, "/api/v1/top?limit=64", &sample->most);
	if (result != COMMAND_DONE)
		top_sample_free(sample);
	return result;
}

void top_sample_free(struct top_sample *sample)
{
	if (sample->at_ns == 0)
		return;
	arena_fini(&sample->arena);
	control_free(&sample->answers[0]);
	control_free(&sample->answers[1]);
	sample->at_ns = 0;
}

uint64_t top_sample_number(const struct top_sample *sample, const char *path)
{
	uint32_t node = 0;
	int64_t value;

	for (const char *at = path;; at++) {
		size_t size = strcspn(at, ".");

		if (sample->stats.nodes[node].kind != JSON_OBJECT)
			return 0;
		node = json_member(&sample->stats, node, at, size);
		if (node == 0)
			return 0;
		at += size;
		if (*at == '\0')
			break;
	}
	return json_integer(&sample->stats, node, &value) && value > 0 ? (uint64_t)value : 0;
}

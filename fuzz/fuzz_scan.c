/* What a hostile server answers to the scanner: a head, frames, and texts that a profile is matched with. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "scan/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct client *client_on(struct scan_trial *trial, const uint8_t *data, size_t size)
{
	struct client *client = client_new(trial, "fuzz", NULL);
	int pair[2];

	if (client == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
		abort();
	if (write(pair[1], data, size) < 0)
		size = 0;
	shutdown(pair[1], SHUT_WR);
	close(pair[1]);
	client->link.fd = pair[0];
	client->link.budget = &trial->budget;
	return client;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scan_work work;
	struct scan_trial trial;
	struct scan_result result;
	struct arena arena;
	struct client *client;
	struct profile_match match = { .members = { { "data/code", "x" }, { "/0/1", "2" } }, .count = 2 };

	if (size == 0 || size > 65536)
		return 0;
	arena_init(&arena, 1 << 20);
	trial_begin(&trial, &work, NULL, 0, &result);
	client = client_on(&trial, data + 1, size - 1);
	if ((data[0] & 1) != 0) {
		(void)client_open(client, NULL);
	} else {
		client->open = true;
		client->reader.deflate = (data[0] & 2) != 0;
		for (unsigned i = 0; i < 100 && client->open; i++) {
			struct client_item item = client_next(client, 1);

			if (item.event == CLIENT_MESSAGE) {
				(void)profile_matches(&match, item.text);
				(void)profile_text_with(item.text, "a", &trial.arena);
				(void)profile_value(item.text, "data/code", &trial.arena);
			}
			if (item.event == CLIENT_TIMEOUT || item.event == CLIENT_STOPPED)
				break;
		}
	}
	trial_pass(&trial, "done");
	if (trial_end(&trial, &arena) != FW_OK || result.evidence == NULL)
		abort();
	arena_fini(&arena);
	return 0;
}

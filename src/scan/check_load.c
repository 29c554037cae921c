/* check_load.c: clients that cost a server much: each with an honest client beside, and within the check's budget. */
#include "base/mem.h"
#include "base/slice.h"
#include "codec/deflater.h"
#include "scan/check.h"

/* Does an honest client's round trip still work while it lasts, and is the other one ended? */
static void flood(struct scan_trial *trial, unsigned count, const struct client_frame *first,
		  const struct client_frame *each, const char *what)
{
	struct client *client = check_client(trial, 0, "attacker", NULL),
		      *honest = client != NULL ? check_client(trial, 1, "honest", NULL) : NULL;
	uint8_t batch[6 * 256 + 256];
	unsigned sent = 0;
	bool sending = true;

	if (honest == NULL)
		return;
	if (!client_answers(client, TRIAL_PATIENCE_MS) || !client_answers(honest, TRIAL_PATIENCE_MS)) {
		trial_error(trial, "the server does not answer pings, which would tell whether it goes on");
		return;
	}
	if (first != NULL)
		(void)client_send_frame(client, first);
	for (; sent < count && sending && client->open; sent += 256) {
		size_t size = 0;

		for (unsigned i = 0; i < 256; i++) {
			const uint8_t head[6] = { each->first, (uint8_t)(0x80 | each->payload.size), 0, 0, 0, 0 };

			memcpy(batch + size, head, 6);
			size += 6;
			if (each->payload.size != 0)
				batch[size++] = each->payload.data[0];
		}
		sending = link_send(&client->link, batch, size, 1000) == LINK_OK;
	}
	trial_say(trial, "%u frames sent: %s", sent, what);
	if (!client_answers(honest, TRIAL_PATIENCE_MS * 2))
		trial_finding(trial, "beside %s an honest client is not served any more", what);
	else if (client_answers(client, TRIAL_PATIENCE_MS * 6))
		trial_finding(trial, "%u %s were taken, and the connection goes on", sent, what);
	else if (client->closed || !sending)
		trial_pass(trial, "%s ended the connection, and an honest client was served beside", what);
	else
		trial_error(trial, "behind %s there was no answer, and no end", what);
}

void check_fragment_flood(struct scan_trial *trial)
{
	flood(trial, 20480, &(struct client_frame){ .first = 0x01, .payload = slice_text("\"") },
	      &(struct client_frame){ .first = 0x00, .payload = slice_text("a") }, "fragments of one octet");
}

void check_empty_fragments(struct scan_trial *trial)
{
	flood(trial, 20480, &(struct client_frame){ .first = 0x01, .payload = slice_text("\"") },
	      &(struct client_frame){ .first = 0x00 }, "empty fragments");
}

/* Octets that inflate to so many. The caller frees them. */
static uint8_t *bomb(size_t plain, size_t *ret_size)
{
	struct deflater deflater = { 0 };
	uint8_t *zeros = mem_alloc(plain), *octets = mem_alloc(plain / 64 + 4096);

	*ret_size = 0;
	if (zeros != NULL && octets != NULL) {
		memset(zeros, 'a', plain);
		zeros[0] = zeros[plain - 1] = '"';
		*ret_size = deflater_message(&deflater, 15, slice(zeros, plain), octets, plain / 64 + 4096);
	}
	deflater_fini(&deflater);
	mem_free(zeros);
	return octets;
}

void check_deflate_bomb(struct scan_trial *trial)
{
	static const struct client_hello deflating = { .deflate = true };
	struct client *client, *honest;
	size_t plain = (size_t)trial->work->profile.inflated_bytes, size;
	uint8_t *octets;

	if (!trial->work->compresses) {
		trial_skip(trial, "the server does not negotiate permessage-deflate");
		return;
	}
	if ((client = check_client(trial, 0, "attacker", &deflating)) == NULL ||
	    (honest = check_client(trial, 1, "honest", NULL)) == NULL)
		return;
	octets = bomb(plain, &size);
	if (size == 0) {
		trial_error(trial, "out of memory");
	} else {
		trial_say(trial, "sent: a text of %zu octets that inflates to %zu", size, plain);
		(void)client_send_frame(client,
					&(struct client_frame){ .first = 0xc1, .payload = slice(octets, size) });
		if (!client_answers(honest, TRIAL_PATIENCE_MS * 4))
			trial_finding(trial,
				      "beside a message that inflates %d times an honest client is not served any more",
				      (int)(plain / size));
		else if (client_answers(client, TRIAL_PATIENCE_MS * 6) ||
			 client->faulted) /* its echo is more than we read */
			trial_finding(trial, "a message of %zu octets that inflates to %zu was taken", size, plain);
		else if (client->closed)
			trial_pass(trial, "a message of %zu octets that inflates to %zu ended the connection", size,
				   plain);
		else
			trial_error(trial, "there was no answer, and no end");
	}
	mem_free(octets);
}

enum { PINGS = 20000, PINGS_LEAST = 1000, BATCH = 250, HELD = 400 };
void check_ping_flood(struct scan_trial *trial)
{
	struct client *client = check_client(trial, 0, "attacker", NULL),
		      *honest = client != NULL ? check_client(trial, 1, "honest", NULL) : NULL;
	static const uint8_t ping[6] = { 0x89, 0x80, 0, 0, 0, 0 };
	uint8_t batch[BATCH * sizeof(ping)];
	unsigned sent = 0;
	enum link_result result = LINK_OK;

	if (honest == NULL)
		return;
	for (unsigned i = 0; i < BATCH; i++)
		memcpy(batch + i * sizeof(ping), ping, sizeof(ping));
	for (; sent < PINGS && result == LINK_OK; sent += result == LINK_OK ? BATCH : 0)
		result = link_send(&client->link, batch, sizeof(batch), TRIAL_PATIENCE_MS * 2);
	trial_say(trial, "%u pings sent: %s", sent, link_result_text(result));
	if (!client_answers(honest, TRIAL_PATIENCE_MS))
		trial_finding(trial,
			      "beside %u pings whose answers nobody reads an honest client is not served any more",
			      sent);
	else if (sent < PINGS_LEAST && result == LINK_TIMEOUT)
		trial_error(trial, "only %u pings could be sent", sent);
	else
		trial_pass(trial, "beside %u pings whose answers nobody reads an honest client is served", sent);
}

/* Connections that are half open, unauthenticated and slow; an honest one that comes after them is the verdict. */
void check_exhaustion(struct scan_trial *trial)
{
	struct client *honest;
	unsigned held = 0;
	struct speak_as as = speak_identity(trial, 1);

	trial->quiet = true;
	for (unsigned i = 0; i < HELD; i++) {
		struct client *client = client_new(trial, "holder", NULL);

		if (client == NULL || client_connect(client) != CLIENT_OPEN)
			break;
		held++;
		if (i % 3 == 1)
			(void)client_send_raw(client, slice_text("GET / HTTP/1.1\r\n"));
		if (i % 3 == 2)
			(void)client_send_raw(client, slice_text("\x16\x03\x01\x02"));
	}
	trial->quiet = false;
	trial_say(trial, "%u connections are held that finish no handshake", held);
	if (held < 10) {
		trial_error(trial, "only %u connections could be made", held);
		return;
	}
	as.name = "honest";
	if (speak_login(trial, &as, &honest) == SPEAK_IN && client_answers(honest, TRIAL_PATIENCE_MS))
		trial_pass(trial, "beside %u connections that finish no handshake an honest client is served", held);
	else
		trial_finding(trial, "beside %u connections that finish no handshake an honest client is not served",
			      held);
}

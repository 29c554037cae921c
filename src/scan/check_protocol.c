/* check_protocol.c: frames that RFC 6455 forbids. Refused is what ends the connection; a finding is a server that goes
 * on to serve who sent one. */
#include "base/slice.h"
#include "scan/check.h"

/* The bad frames are sent; then a ping must not be answered. */
static void verdict(struct scan_trial *trial, struct client *client, const char *what)
{
	const char *mark = trial_mark(trial);
	const struct client_frame ping = { .first = 0x89, .payload = slice_text(mark) };
	uint64_t end = link_now() + TRIAL_PATIENCE_MS;

	(void)client_send_frame(client, &ping);
	while (link_now() < end) {
		struct client_item item = client_next(client, (unsigned)(end - link_now()));

		if (item.event == CLIENT_PONG && slice_is(item.text, mark)) {
			trial_finding(trial, "after %s the server goes on: a ping behind it was answered", what);
			return;
		}
		if (item.event == CLIENT_CLOSED || item.event == CLIENT_ENDED) {
			trial_pass(trial, "%s ended the connection%s", what,
				   item.event == CLIENT_CLOSED ? trial_text(trial, " with %u", item.code) : "");
			return;
		}
		if (item.event == CLIENT_FAULT) {
			trial_error(trial, "the server's own frames cannot be read: %s", item.rule);
			return;
		}
		if (item.event == CLIENT_TIMEOUT || item.event == CLIENT_STOPPED)
			break;
	}
	trial_error(trial, "after %s there was no answer, and no end", what);
}

/* An honest client whose pings are answered. NULL: it was said why not. */
static struct client *served(struct scan_trial *trial)
{
	struct client *client = check_client(trial, 0, "client", NULL);

	if (client == NULL || client_answers(client, TRIAL_PATIENCE_MS))
		return client;
	trial_error(trial, "the server does not answer pings, which would tell whether it goes on");
	return NULL;
}

/* A message that is served when its frame is right: what is found then is of the frame. */
static char *message(struct scan_trial *trial, struct client *client)
{
	return speak_message(trial, client, slice_text(trial_mark(trial)));
}

static bool right_is_served(struct scan_trial *trial, struct client *client, struct fw_slice text)
{
	(void)client_send_frame(client, &(struct client_frame){ .first = 0x81, .payload = text });
	if (client_answers(client, TRIAL_PATIENCE_MS))
		return true;
	trial_error(trial, "the same message in a right frame is not served either");
	return false;
}

static void frame(struct scan_trial *trial, const struct client_frame *bad, const char *what)
{
	struct client *client = served(trial);

	if (client == NULL)
		return;
	trial_say(trial, "sent: %s", what);
	(void)client_send_frame(client, bad);
	verdict(trial, client, what);
}

static void data_frame(struct scan_trial *trial, const struct client_frame *bad, const char *what)
{
	struct client_frame frame = *bad;
	struct client *client = served(trial);
	char *text;

	if (client == NULL)
		return;
	text = message(trial, client);
	if (!right_is_served(trial, client, slice_text(text)))
		return;
	frame.payload = slice_text(message(trial, client));
	trial_say(trial, "sent: %s", what);
	(void)client_send_frame(client, &frame);
	verdict(trial, client, what);
}

void check_unmasked(struct scan_trial *trial)
{
	data_frame(trial, &(struct client_frame){ .first = 0x81, .unmasked = true }, "a frame without a mask");
}

void check_reserved_bits(struct scan_trial *trial)
{
	data_frame(trial, &(struct client_frame){ .first = 0xa1 }, "a frame with a reserved bit (RSV2)");
}

void check_reserved_opcode(struct scan_trial *trial)
{
	frame(trial, &(struct client_frame){ .first = 0x83, .payload = slice_text("x") },
	      "a frame of the reserved type 3");
}

void check_reserved_control(struct scan_trial *trial)
{
	frame(trial, &(struct client_frame){ .first = 0x8b, .payload = slice_text("x") },
	      "a frame of the reserved control type 11");
}

void check_control_fragmented(struct scan_trial *trial)
{
	frame(trial, &(struct client_frame){ .first = 0x09, .payload = slice_text("x") }, "a ping that is not final");
}

void check_control_long(struct scan_trial *trial)
{
	static uint8_t octets[126];

	frame(trial, &(struct client_frame){ .first = 0x89, .payload = { octets, sizeof(octets) } },
	      "a ping of 126 octets");
}

void check_length_minimal(struct scan_trial *trial)
{
	data_frame(trial, &(struct client_frame){ .first = 0x81, .length_octets = 8 },
		   "a frame whose length is written in more octets than it needs");
}

void check_length_huge(struct scan_trial *trial)
{
	frame(trial,
	      &(struct client_frame){ .first = 0x82, .length_octets = 8, .claimed = UINT64_C(0x8000000000000001) },
	      "a length with its highest bit set");
}

void check_continuation_alone(struct scan_trial *trial)
{
	frame(trial, &(struct client_frame){ .first = 0x80, .payload = slice_text("x") }, "a continuation of nothing");
}

void check_interleaved(struct scan_trial *trial)
{
	struct client *client = served(trial);
	char *text;

	if (client == NULL)
		return;
	text = message(trial, client);
	if (!right_is_served(trial, client, slice_text(text)))
		return;
	text = message(trial, client);
	trial_say(trial, "sent: half of a message, and then another message");
	(void)client_send_frame(client,
				&(struct client_frame){ .first = 0x01, .payload = slice(text, strlen(text) / 2) });
	(void)client_send_frame(client, &(struct client_frame){ .first = 0x81, .payload = slice_text(text) });
	verdict(trial, client, "a message in the middle of another");
}

void check_bad_utf8(struct scan_trial *trial)
{
	struct client *client = served(trial);
	char *text;

	if (client == NULL)
		return;
	text = speak_message(trial, client, slice_text(trial_text(trial, "%s ae", trial_mark(trial))));
	if (!right_is_served(trial, client, slice_text(text)))
		return;
	text = speak_message(trial, client, slice_text(trial_text(trial, "%s \xed\xa0\x80 \xc3(", trial_mark(trial))));
	trial_note(trial, "client>", slice_text(text));
	(void)client_send_frame(client, &(struct client_frame){ .first = 0x81, .payload = slice_text(text) });
	verdict(trial, client, "a text that is no UTF-8");
}

/* What the server answers to a close frame with this payload. */
static void closing(struct scan_trial *trial, struct fw_slice payload, uint16_t code, const char *what)
{
	struct client *client = served(trial);
	uint64_t end = link_now() + TRIAL_PATIENCE_MS;

	if (client == NULL)
		return;
	trial_say(trial, "sent: %s", what);
	(void)client_send_frame(client, &(struct client_frame){ .first = 0x88, .payload = payload });
	while (link_now() < end) {
		struct client_item item = client_next(client, (unsigned)(end - link_now()));

		if (item.event == CLIENT_FAULT || (item.event == CLIENT_CLOSED && code != 0 && item.code == code)) {
			trial_finding(trial, "%s was answered with what must not be sent either", what);
			return;
		}
		if (item.event == CLIENT_CLOSED && item.code != 1002 && item.code != 1007 && item.code != 1008 &&
		    item.code != 1003) {
			trial_finding(trial, "%s was taken for an orderly end (close code %u)", what, item.code);
			return;
		}
		if (item.event == CLIENT_CLOSED || item.event == CLIENT_ENDED) {
			trial_pass(trial, "%s was answered with %s", what,
				   item.event == CLIENT_CLOSED ? trial_text(trial, "close code %u", item.code)
							       : "the connection's end");
			return;
		}
		if (item.event == CLIENT_TIMEOUT || item.event == CLIENT_STOPPED)
			break;
	}
	trial_error(trial, "%s had no answer", what);
}

void check_close_code(struct scan_trial *trial)
{
	static const uint8_t octets[2] = { 0x03, 0xed }; /* 1005 */

	closing(trial, slice(octets, 2), 1005, "a close frame with the code 1005, which must not be sent");
}

void check_close_short(struct scan_trial *trial)
{
	static const uint8_t octets[1] = { 0x03 };

	closing(trial, slice(octets, 1), 0, "a close frame with half a code");
}

void check_close_utf8(struct scan_trial *trial)
{
	static const uint8_t octets[5] = { 0x03, 0xe8, 0xc3, 0x28, 0xff };

	closing(trial, slice(octets, 5), 0, "a close frame whose reason is no UTF-8");
}

/* check_compliance.c: what the OWASP cheat sheet and ASVS ask of the connection itself. */
#include <openssl/ssl.h>

#include "base/slice.h"
#include "scan/check.h"

void check_plain(struct scan_trial *trial)
{
	const struct link_target *target = &trial->work->target;

	if (target->tls)
		trial_pass(trial, "the connection is wss, and its certificate is %s",
			   trial->work->options->unverified ? "not looked at (--insecure)" : "trusted");
	else if (trial->work->local)
		trial_skip(trial, "the target is on this machine: whether what stands in front of it speaks TLS is not "
				  "seen from here");
	else
		trial_finding(trial, "the server is reached by ws, without TLS");
}

void check_old_tls(struct scan_trial *trial)
{
	struct link_target target = trial->work->target;
	struct fw_addr source = trial_address(trial);
	struct link link;
	enum link_result result;

	if (!target.tls) {
		trial_skip(trial, "the target is reached without TLS");
		return;
	}
	target.context = SSL_CTX_new(TLS_client_method());
	if (target.context == NULL || SSL_CTX_set_cipher_list(target.context, "DEFAULT@SECLEVEL=0") != 1 ||
	    SSL_CTX_set_max_proto_version(target.context, TLS1_1_VERSION) != 1) {
		SSL_CTX_free(target.context);
		trial_error(trial, "this OpenSSL does not speak TLS 1.1, so that it cannot be tried");
		return;
	}
	SSL_CTX_set_min_proto_version(target.context, TLS1_VERSION);
	result = link_open(&link, &target, &source, &trial->budget, TRIAL_PATIENCE_MS);
	trial_say(trial, "a handshake of TLS 1.0 or 1.1: %s",
		  result == LINK_OK ? SSL_get_version(link.tls) : "refused");
	if (result == LINK_OK)
		trial_finding(trial, "%s is spoken", SSL_get_version(link.tls));
	else if (result == LINK_TLS)
		trial_pass(trial, "TLS 1.0 and 1.1 are not spoken");
	else
		trial_error(trial, "%s", link_result_text(result));
	link_close(&link);
	SSL_CTX_free(target.context);
}

void check_banner(struct scan_trial *trial)
{
	const char *server = trial->work->server;
	bool version = false;

	for (const char *at = server; at != NULL && *at != '\0'; at++)
		version = version || (*at == '/' && ascii_is_digit((uint8_t)at[1]));
	trial_say(trial, "Server: %s", server != NULL ? server : "(none)");
	if (version)
		trial_finding(trial, "the handshake's answer names the server's version: %s", server);
	else
		trial_pass(trial, "the handshake's answer names no version");
}

/* RFC 6455 4.2.2 and 5.1, of what was seen all along: the answer to the key, frames that are well formed. */
void check_server_frames(struct scan_trial *trial)
{
	struct client *client = check_client(trial, 0, "client", NULL);
	const char *mark = trial_mark(trial);
	struct client_item item = { .event = CLIENT_TIMEOUT };

	if (client == NULL)
		return;
	if (trial->work->speaks)
		(void)client_send_text(client, slice_text(speak_message(trial, client, slice_text(mark))));
	(void)client_send_frame(client, &(struct client_frame){ .first = 0x89, .payload = slice_text("scan") });
	for (unsigned i = 0; i < 8; i++) {
		item = client_next(client, 400);
		if (item.event != CLIENT_MESSAGE && item.event != CLIENT_PONG)
			break;
	}
	if (item.event == CLIENT_FAULT)
		trial_finding(trial, "the server sends what RFC 6455 forbids: %s", item.rule);
	else if (item.event == CLIENT_TIMEOUT)
		trial_pass(trial, "what the server sends is well formed");
	else
		trial_error(trial, "the connection ended");
}

/* Does the server look whether an idle client is still there? */
void check_heartbeat(struct scan_trial *trial)
{
	long seconds = trial->work->profile.idle_seconds;
	struct client *client;
	uint64_t end;

	if (seconds == 0) {
		trial_skip(trial, "the profile names no time (limits.idle_seconds) within which the server pings, or "
				  "ends, an idle connection");
		return;
	}
	client = check_client(trial, 0, "idle", NULL);
	if (client == NULL)
		return;
	end = link_now() + (uint64_t)seconds * 1000;
	while (link_now() < end && client->open && !client->pinged)
		(void)client_next(client, 250);
	if (client->pinged || client->closed)
		trial_pass(trial, "an idle connection %s within %ld seconds",
			   client->pinged ? "is pinged" : "is closed", seconds);
	else
		trial_finding(trial, "an idle connection is neither pinged nor closed within %ld seconds", seconds);
}

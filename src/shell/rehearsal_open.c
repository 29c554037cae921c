/* rehearsal_open.c: the handshake of a rehearsal: what a client would send, for the route that is meant. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/rehearsal_parts.h"

enum { HEAD_ROOM = 16384 };

/* A Host that the route takes. */
static const char *default_host(const struct fw_policy *policy, const struct policy_route *route)
{
	const struct texts *hosts = route != NULL && route->hosts.count != 0 ? &route->hosts : &policy->settings.hosts;

	return hosts->count != 0 ? hosts->items[0] : "localhost";
}

/* Of one that must be there the first that is listed, which may be a name of this machine. */
static const char *default_origin(const struct fw_policy *policy, const struct policy_route *route)
{
	const struct texts *origins =
		route != NULL && route->origins.count != 0 ? &route->origins : &policy->settings.origins;

	if (!policy->settings.origin_required)
		return NULL;
	return origins->count != 0 ? origins->items[0] : "http://localhost";
}

static bool write_request(struct rehearsal *r, const struct rehearsal_opening *opening, char *ret_head, int *ret_size)
{
	const char *asked = opening->path != NULL ? opening->path : r->policy->routes[0].path;
	const struct policy_route *route = policy_route_find(r->policy, slice(asked, strcspn(asked, "?")));
	const char *origin = opening->origin != NULL ? opening->origin : default_origin(r->policy, route);

	*ret_size = snprintf(
		ret_head, HEAD_ROOM,
		"GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s%s%s%s%s\r\n",
		asked, opening->host != NULL ? opening->host : default_host(r->policy, route),
		origin != NULL ? "Origin: " : "", origin != NULL ? origin : "", origin != NULL ? "\r\n" : "",
		opening->subprotocol != NULL ? "Sec-WebSocket-Protocol: " : "",
		opening->subprotocol != NULL ? opening->subprotocol : "", opening->subprotocol != NULL ? "\r\n" : "",
		opening->headers != NULL ? opening->headers : "");
	return *ret_size > 0 && *ret_size < HEAD_ROOM;
}

static bool take_role(struct rehearsal *r, const struct rehearsal_opening *opening)
{
	struct engine_trial *trial = &r->trial;

	trial->any_csrf = opening->alone;
	trial->begun = opening->alone && !opening->first;
	trial->nowhere = opening->alone && opening->from.family == 0;
	trial->is_somebody = opening->role != NULL;
	if (opening->role == NULL)
		return true;
	trial->role = policy_role_find(r->policy, slice_text(opening->role));
	trial->user_id = slice_text(opening->user != NULL ? opening->user : "somebody");
	snprintf(r->permissions, sizeof(r->permissions), "%s",
		 opening->permissions != NULL ? opening->permissions : "");
	trial->scopes = slice_text(r->permissions);
	return trial->role != POLICY_NONE;
}

static void secure(struct rehearsal *r, const struct rehearsal_opening *opening)
{
	static const uint8_t certificate[32] = { 1 };
	static const struct fw_certificate names = { .until_wall_us = UINT64_MAX };

	if (opening->tls || opening->certificate)
		fw_conn_secured(r->seat->conn,
				&(struct fw_security){ .version = "TLSv1.3",
						       .cipher = "TLS_AES_256_GCM_SHA384",
						       .certificate = opening->certificate ? certificate : NULL,
						       .names = opening->certificate ? &names : NULL });
}

int rehearsal_open(struct rehearsal *r, const struct rehearsal_opening *opening, struct rehearsal_result *ret)
{
	struct fw_conn_options options = { .peer = opening->from, .peer_port = 40000, .user = r };
	char *head;
	int size, result;

	rehearsal_leave(r);
	r->seat->proxied = r->seat->admitted = r->seat->upgraded = r->seat->open = r->seat->over = r->seat->held =
		false;
	memset(&r->seat->client, 0, sizeof(r->seat->client));
	memset(&r->seat->server, 0, sizeof(r->seat->server));
	rehearsal_begin(r, false);
	if (!take_role(r, opening))
		return FW_ERR_INVALID;
	if (options.peer.family == 0)
		options.peer = (struct fw_addr){ .family = 4, .bytes = { 127, 0, 0, 1 } };
	head = mem_alloc(HEAD_ROOM);
	r->seat->conn = head != NULL ? fw_conn_new(r->engine, &options) : NULL;
	if (r->seat->conn == NULL) {
		mem_free(head);
		return FW_ERR_MEMORY;
	}
	ws_reader_init(&r->seat->client.reader, WS_CLIENT);
	ws_reader_init(&r->seat->server.reader, WS_SERVER);
	secure(r, opening);
	if (write_request(r, opening, head, &size)) {
		rehearsal_give(r, FW_CLIENT, slice(head, (size_t)size), slice(NULL, 0), NULL);
		rehearsal_settle(r);
	}
	mem_free(head);
	result = rehearsal_end(r, r->status == 401 ? "login" : "handshake", ret);
	if (result == FW_OK && !r->seat->upgraded)
		ret->verdict = REHEARSAL_REFUSE;
	return result;
}

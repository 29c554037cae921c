/* login_ticket.c: a login ticket for a page: it can send no header with a WebSocket, but with a request before it. POST
 * /framewall/ticket with a credential gives {ticket, expires_in}; /?ticket=… in the handshake is then the login, once.
 * What a browser sends by itself, a cookie, is no credential here: a foreign page could ask in somebody's name. */
#include "base/encode.h"
#include "base/slice.h"
#include "codec/http1.h"
#include "codec/json.h"
#include "engine/conn_state.h"

#include <string.h>

bool login_ticket_asked(const struct fw_conn *conn, const struct http1_head *head)
{
	return conn->policy->settings.tickets && !conn_monitors(conn) && slice_is(head->path, "/framewall/ticket") &&
	       !http1_has_token(head, "Upgrade", "websocket");
}

static void refuse(struct fw_conn *conn, unsigned status, const char *cause)
{
	http_answer_refuse(
		conn, &(struct http_refusal){
			      .status = status, .cause = cause, .detail = cause, .event = EVENT_handshake_refused });
}

bool login_ticket_form(struct fw_conn *conn, const struct http1_head *head)
{
	unsigned hosts;

	http1_find(head, "Host", &hosts);
	if (!slice_is(head->method, "POST") && !slice_is(head->method, "OPTIONS"))
		refuse(conn, 405, "a ticket is asked for by POST");
	else if (hosts != 1)
		refuse(conn, 400, "RFC 9112 3.2: one Host field is needed");
	else if (head->content_length != 0 || head->chunked)
		refuse(conn, 413, "a request for a ticket has no body");
	else
		return true;
	return false;
}

/* A page of another origin asks whether it may ask (fetch, CORS). It was looked at whether it may. */
bool login_ticket_preflight(struct fw_conn *conn, const struct http1_head *head)
{
	if (!slice_is(head->method, "OPTIONS"))
		return false;
	http_answer_last(conn, "204 No Content",
			 "Access-Control-Allow-Methods: POST\r\n"
			 "Access-Control-Allow-Headers: Authorization, X-API-Key\r\n"
			 "Access-Control-Max-Age: 600\r\n",
			 slice(NULL, 0));
	return true;
}

enum credential_kind login_ticket_find(const struct fw_conn *conn, const struct http1_head *head,
				       struct fw_slice *ret_credential, const char **ret_place)
{
	enum credential_kind kind = authn_find(conn, head, ret_credential, ret_place);

	if (kind != CREDENTIAL_NONE && strcmp(*ret_place, "authorization") != 0 && strcmp(*ret_place, "x-api-key") != 0)
		kind = CREDENTIAL_NONE;
	return kind;
}

const char *login_ticket_refusal(const struct identity *identity)
{
	/* With a ticket whoever has it would come in: that is what the key is to prevent. */
	return (identity->binding.kinds & BOUND_KEY) != 0 ? "no ticket for a token that is bound to a key" : NULL;
}

size_t login_ticket_make(const struct identity *identity, const uint8_t random[32], char ret_token[48])
{
	memcpy(ret_token, "fwt_", 4);
	ret_token[4] = identity->method == METHOD_API_KEY ? 'k' : 'j';
	return 5 + encode_base64(random, 32, 1, ret_token + 5);
}

uint8_t login_ticket_method(struct fw_slice ticket)
{
	return ticket.size > 4 && ticket.data[4] == 'k' ? METHOD_API_KEY : METHOD_JWT;
}

void login_ticket_answer(struct fw_conn *conn)
{
	struct login *login = conn->login;
	struct json_writer w = engine_writer(conn->engine);
	struct event_node *node = event_record(conn, EVENT_auth_success);

	event_text(node, "method", login->kind == CREDENTIAL_API_KEY ? "api_key" : "jwt");
	event_text(node, "place", login->place);
	event_detail(node, "user", slice(login->made->user_id, login->made->user_id_size));
	event_text(node, "role", conn->policy->roles[login->made->role].name);
	event_text(node, "for", "ticket");
	json_write_open(&w, '{');
	json_write_key(&w, "ticket");
	json_write_text(&w, slice(login->token, login->token_size));
	json_write_key(&w, "expires_in");
	json_write_integer(&w, conn->policy->settings.ticket_lifetime);
	json_write_close(&w, '}');
	if (w.failed)
		conn->broken = true;
	else
		http_answer_last(conn, "200 OK", "Content-Type: application/json\r\n", engine_written(conn->engine));
}

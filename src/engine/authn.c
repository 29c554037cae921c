/* authn.c: from a credential to an identity. One text for every refused credential; the cause stands in the record. */
#include "base/slice.h"
#include "codec/http1.h"
#include "engine/conn_state.h"

enum credential_kind authn_kind(struct fw_slice credential)
{
	if (slice_starts(credential, "fws_"))
		return CREDENTIAL_SESSION;
	if (slice_starts(credential, "fw_"))
		return CREDENTIAL_API_KEY;
	return CREDENTIAL_JWT;
}

const char *authn_refusal_text(enum credential_kind kind)
{
	switch (kind) {
	case CREDENTIAL_API_KEY:
		return "Invalid or expired API key";
	case CREDENTIAL_SESSION:
		return "Invalid session token";
	case CREDENTIAL_CERTIFICATE:
		return "Invalid client certificate";
	case CREDENTIAL_TICKET:
		return "Invalid or expired ticket";
	case CREDENTIAL_OAUTH:
		return "Invalid or expired access token";
	case CREDENTIAL_PASSWORD:
		return "Invalid user or password";
	default:
		return "Invalid or expired JWT token";
	}
}

/* "framewall.bearer, TOKEN": for browsers, which can set no header. */
static bool in_subprotocols(const struct http1_head *head, struct fw_slice *ret_token)
{
	bool found = false, here = false;

	for (unsigned i = 0; i < head->count; i++) {
		struct fw_slice list = head->fields[i].value, element;

		if (!slice_is_nocase(head->fields[i].name, "Sec-WebSocket-Protocol"))
			continue;
		while (http1_next_element(&list, &element)) {
			if (here && !found) {
				*ret_token = element;
				found = true;
			}
			here = slice_is(element, "framewall.bearer");
		}
	}
	return found;
}

enum credential_kind authn_find(const struct fw_conn *conn, const struct http1_head *head,
				struct fw_slice *ret_credential, const char **ret_place)
{
	const struct settings *settings = &conn->policy->settings;
	unsigned bearers, keys;
	const struct http1_field *bearer = http1_find(head, "Authorization", &bearers);
	const struct http1_field *key = http1_find(head, "X-API-Key", &keys);

	*ret_credential = slice(NULL, 0);
	if (bearers > 1 || keys > 1) {
		/* Two of them: which one would the backend read? No credential at all is refused as such. */
		*ret_place = bearers > 1 ? "authorization" : "x-api-key";
		return CREDENTIAL_JWT;
	}
	if (bearer != NULL && bearer->value.size > 7 && slice_is_nocase(slice(bearer->value.data, 7), "Bearer ")) {
		*ret_credential = slice_trim(slice_from(bearer->value, 7));
		*ret_place = "authorization";
	} else if (bearer != NULL && bearer->value.size > 5 && slice_is_nocase(slice(bearer->value.data, 5), "DPoP ")) {
		*ret_credential = slice_trim(slice_from(bearer->value, 5));
		*ret_place = "authorization";
	} else if (key != NULL) {
		*ret_credential = key->value;
		*ret_place = "x-api-key";
		return CREDENTIAL_API_KEY;
	} else if (in_subprotocols(head, ret_credential)) {
		*ret_place = "subprotocol";
	} else if (settings->cookie[0] != '\0' && http1_cookie(head, settings->cookie, ret_credential) &&
		   ret_credential->size != 0) {
		*ret_place = "cookie";
	} else if (settings->query_parameter && http1_query(head->query, "token", ret_credential)) {
		*ret_place = "query";
	} else if (settings->tickets && http1_query(head->query, "ticket", ret_credential)) {
		*ret_place = "ticket";
		return CREDENTIAL_TICKET;
	} else {
		return CREDENTIAL_NONE;
	}
	return authn_kind(*ret_credential);
}

static const char *verify_token(struct fw_conn *conn, struct fw_slice token, struct identity *ret_identity)
{
	const char *cause;

	if (verified_find(conn, token, ret_identity))
		return NULL;
	cause = authn_jwt(conn, token, ret_identity);
	if (cause == NULL)
		verified_keep(conn, token, ret_identity);
	return cause;
}

const char *authn_verify(struct fw_conn *conn, enum credential_kind kind, struct fw_slice credential,
			 struct identity *ret_identity)
{
	*ret_identity = (struct identity){ 0 };
	if (kind == CREDENTIAL_CERTIFICATE)
		return authn_certificate(conn, ret_identity);
	if (credential.size == 0)
		return "empty";
	if (credential.size > (size_t)conn->policy->settings.max_token_size)
		return "too large";
	if (kind == CREDENTIAL_JWT)
		return conn->policy->methods >> METHOD_JWT & 1 ? verify_token(conn, credential, ret_identity)
							       : "method not listed";
	if (kind == CREDENTIAL_API_KEY)
		return conn->policy->methods >> METHOD_API_KEY & 1 ? authn_key(conn, credential, ret_identity)
								   : "method not listed";
	if (kind == CREDENTIAL_OAUTH) {
		const char *cause = verify_token(conn, credential, ret_identity);

		ret_identity->method = METHOD_OAUTH;
		return cause;
	}
	return "no credential";
}

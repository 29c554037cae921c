/* profile.h: how a server is logged in to and spoken to: a YAML file (docs/guide/scan.md), or the built-in one, which
 * is Framewall's own contract. Texts are of the arena. No state. */
#ifndef SCAN_PROFILE_H
#define SCAN_PROFILE_H
#include <framewall/policy.h>

#include "base/arena.h"

enum { PROFILE_IDENTITIES = 8, PROFILE_TEMPLATES = 16, PROFILE_MEMBERS = 8 };

/* How a message looks: all members have these values, or the text is somewhere in it. None of both: no message does. */
struct profile_match {
	struct {
		const char *pointer, *value;
	} members[PROFILE_MEMBERS];
	unsigned count;
	const char *contains;
};

struct profile_identity {
	const char *name, *role, *token, *user, *password, *cookie;
};

enum profile_kind { PROFILE_VERTICAL, PROFILE_HORIZONTAL, PROFILE_FIELD };
/* What an identity may not do. */
struct profile_forbidden {
	enum profile_kind kind;
	unsigned as; /* identity */
	int control; /* an identity that may, or -1 */
	const char *send;
	struct profile_match done;
};

struct profile {
	const char *origin, *subprotocol;
	/* Login. NULL: not in this way. */
	const char *header, *query, *cookie, *login_subprotocol, *message, *password, *session, *session_at, *preset,
		*logout;
	struct profile_match answer, refused, limited;
	const char *send;   /* the ordinary message, with ${text} */
	const char *direct; /* a message for ${to} alone */
	bool binary_only;
	struct profile_identity identities[PROFILE_IDENTITIES];
	unsigned identity_count;
	const char *inputs[PROFILE_TEMPLATES];
	unsigned input_count;
	struct profile_forbidden forbidden[PROFILE_TEMPLATES];
	unsigned forbidden_count;
	/* Keys that the server takes. */
	const char *secret, *private_pem, *public_pem, *audience, *issuer, *user_claim, *role_claim;
	const char *party, *type; /* azp; typ, NULL: JWT */
	size_t secret_size;
	const char *revoke; /* a command, with ${user} */
	bool inspects, html, is_public, once;
	long messages_per_minute, messages_per_minute_user, messages_per_minute_address, unread_bytes,
		connections_per_address, connections_per_user, guesses_per_minute, message_bytes, inflated_bytes,
		handshake_seconds, login_seconds, idle_seconds;
};

/* FW_OK, FW_ERR_INVALID: reported, FW_ERR_MEMORY. text.data NULL: the built-in one. Files that it names are read. */
int profile_read(const char *name, struct fw_slice text, struct arena *arena, fw_report_function *report, void *user,
		 struct profile *ret_profile);
bool profile_matches(const struct profile_match *match, struct fw_slice message);
bool profile_match_set(const struct profile_match *match);
/* The text at a JSON Pointer of a message, in memory of the arena; NULL: there is none. Numbers as they stand. */
char *profile_value(struct fw_slice message, const char *pointer, struct arena *arena);
/* The string of a message that has this mark, decoded; of one that is no JSON all of it. data NULL: no mark. */
struct fw_slice profile_text_with(struct fw_slice message, const char *mark, struct arena *arena);
#endif

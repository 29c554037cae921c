/* speak.h: what clients of the server do, as the profile says: log in, send a message; and who sees it. */
#ifndef SCAN_SPEAK_H
#define SCAN_SPEAK_H
#include "scan/client.h"

/* What somebody logs in with. All NULL: with nothing. */
struct speak_as {
	const char *token, *user, *password, *session, *cookie;
	const struct client_hello *hello; /* NULL: an honest one */
	const struct fw_addr *source;	  /* NULL: an address of its own */
	const char *name;		  /* in evidence; NULL: "client" */
};

enum speak_login {
	SPEAK_IN,	 /* it says so, or, where it says nothing, the handshake was accepted */
	SPEAK_OUT,	 /* refused: an answer that says so, or closed */
	SPEAK_LIMITED,	 /* it did not judge: too many of them */
	SPEAK_UNANSWERED /* nothing that decides it */
};
/* *ret_client: NULL when there is no connection. */
enum speak_login speak_login(struct scan_trial *trial, const struct speak_as *as, struct client **ret_client);
const char *speak_login_text(enum speak_login login);

/* Identity number `at` of the profile, with a token made for this check where the profile has a key. One that the
 * profile does not have: nothing. */
struct speak_as speak_identity(struct scan_trial *trial, unsigned at);
bool speak_has_credentials(const struct speak_as *as);

/* A template with its ${…}: token, user, password, session, text (as part of a JSON string), to, answer:POINTER. */
struct speak_values {
	const char *token, *user, *password, *session, *to;
	struct fw_slice text;
	const char *answer;
	bool raw_text; /* text is part of JSON already */
};
char *speak_fill(struct scan_trial *trial, const char *pattern, const struct speak_values *values);
/* The ordinary message with this text. Who would see it is logged in before it can be sent. */
char *speak_message(struct scan_trial *trial, const struct client *client, struct fw_slice text);

/* Two that are logged in, as far as the server has logins: who speaks honestly, and who sees what others send. False:
 * it was said why not, and the check is decided. */
bool speak_parties(struct scan_trial *trial);

enum speak_seen {
	SPEAK_SEEN,    /* a client received it */
	SPEAK_REFUSED, /* the sender was told so */
	SPEAK_CLOSED,  /* the sender's connection was closed for it */
	SPEAK_UNSEEN,  /* it did not arrive, though an honest client's later message did */
	SPEAK_UNKNOWN  /* nothing arrives any more: nothing can be said */
};
/* After the sender has sent something with the mark in it; speak_parties, or speak_message, was called before that.
 * ret_text: how it was received, in the trial's arena. */
enum speak_seen speak_seen(struct scan_trial *trial, struct client *sender, const char *mark,
			   struct fw_slice *ret_text);
const char *speak_seen_text(enum speak_seen seen);
/* The last message that the sender got since it was asked, in the trial's arena; "" for none. */
extern const char speak_nothing[];
/* Does a fresh connection of this identity have its message delivered? The control of a check. */
bool speak_served(struct scan_trial *trial, const struct speak_as *as);
/* Messages to this client until nothing comes for so long: those in which text stands are counted. */
bool speak_hears(struct client *client, const char *text, unsigned ms, struct fw_slice *ret_message);
#endif

/* framewall/stage.h: a stage of your own among those that judge a message, beside them or in place of one. Their names
 * and their order: `framewall explain`, docs/reference/messages.md.
 *
 * Stages are one list of the process, for every engine and manager in it: register them before the first is made, from
 * one thread. The function is called by each engine in its own thread, so by several at once; it may keep what it likes
 * behind its user pointer, with its own locks. While it works no connection of that thread is served.
 *
 * Fail closed: an answer that is none of enum fw_stage_verdict, and a code that the contract does not have, count as
 * our own fault: VALIDATION_ERROR and close 1011. In monitor mode nothing is refused, only recorded. */
#ifndef FRAMEWALL_STAGE_H
#define FRAMEWALL_STAGE_H

#include <framewall/conn.h>
#include <framewall/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum fw_stage_place {
	FW_STAGE_BEFORE = 1,
	FW_STAGE_AFTER,
	/* What later stages would have found is then missing. In place of "json": they see a message without fields and
	 * without a type, as on an opaque route. In place of "route": see fw_stage_word.type. */
	FW_STAGE_INSTEAD
};
/* OUT: messages to a client: of the hub, of fw_conn_send, and of an upstream. Broadcasts are judged once a client. */
enum fw_stage_direction { FW_STAGE_IN = 1, FW_STAGE_OUT = 2, FW_STAGE_BOTH = 3 };

struct fw_stage_position {
	enum fw_stage_place place;
	const char *stage; /* "json", "schema", …, or one that was registered before */
	enum fw_stage_direction direction;
};

/* What is judged. All of it is borrowed for the call. */
struct fw_stage_message {
	bool outbound;
	bool binary;
	const char *type;	 /* NULL: not known (yet), opaque, or from an upstream */
	struct fw_slice text;	 /* the octets of the whole message, as they came */
	struct fw_principal who; /* who sends it, or would see it; user_id empty: nobody is logged in, or explain */
	struct fw_addr source;	 /* address of the client; family 0 in explain */
	void *inside;		 /* of the functions below */
};

enum fw_stage_verdict {
	FW_STAGE_PASS = 0,
	FW_STAGE_FLAG,	 /* goes on; a message_flagged record says what was seen */
	FW_STAGE_REFUSE, /* answered with an error (outbound: kept back); the connection stays */
	FW_STAGE_CLOSE	 /* the error, then close 1008; outbound: kept back */
};

/* Why. Zeroed before the call. */
enum { FW_STAGE_CAUSE = 128 };
struct fw_stage_word {
	const char *code; /* of the contract ("PERMISSION_DENIED"); NULL: INVALID_MESSAGE */
	const char *rule; /* what the client may quote ("ACME-7"), in the answer and the record; NULL: none. Static */
	char cause[FW_STAGE_CAUSE]; /* for the record only: UTF-8, ends with a NUL, nothing of the message itself */
	const char *type;	    /* in place of "route": the name of the message type; NULL: as on an opaque route */
};

typedef enum fw_stage_verdict fw_stage_function(void *user, const struct fw_stage_message *message,
						struct fw_stage_word *ret_word);

/* name: letters, digits and "-", at most 32, not taken yet; copied. FW_OK, FW_ERR_INVALID (name, position, or no
 * function), FW_ERR_MEMORY (LIMIT_STAGES are there), FW_ERR_STATE (an engine or a manager was made already). */
FW_API int fw_stage_register(const struct fw_stage_position *position, const char *name, fw_stage_function *function,
			     void *user);

/* Within the function: a value of a message that is JSON, by names and indexes with "/" between ("text",
 * "attachments/0/url"). data is NULL when there is none. fw_stage_field: as it is written, strings with their quotes.
 * fw_stage_text: a string, decoded; also NULL when it is not a string. */
FW_API struct fw_slice fw_stage_field(const struct fw_stage_message *message, const char *path);
FW_API struct fw_slice fw_stage_text(const struct fw_stage_message *message, const char *path);

#ifdef __cplusplus
}
#endif
#endif

/* message.h: one message on its way through the stages. Lives on the stack of pipeline's caller and in the engine's
 * arena. */
#ifndef ENGINE_MESSAGE_H
#define ENGINE_MESSAGE_H
#include <framewall/stage.h>

#include "codec/dialect.h"
#include "codec/json.h"
#include "base/error_code.h"
#include "policy/policy.h"

enum verdict {
	VERDICT_PASS,	 /* go on */
	VERDICT_REWRITE, /* go on; what is forwarded was changed */
	VERDICT_FLAG,	 /* go on; the record says what was seen */
	VERDICT_REFUSE,	 /* stop: answer with error, the connection stays */
	VERDICT_CLOSE	 /* stop: end the connection with close */
};

/* What the secrets stage found. */
struct secrets_seen {
	const char *rule; /* id; NULL: nothing */
	struct fw_slice path;
	uint64_t count;
	bool masked;
};

struct outbound_part;

/* A binary message that another announced. */
enum attachment { ATTACHMENT_NONE, ATTACHMENT_PASSES, ATTACHMENT_DROPPED };

struct message {
	/* Given. */
	struct fw_engine *engine;
	const struct fw_policy *policy;
	const struct policy_route *route; /* NULL in explain */
	struct fw_conn *conn;		  /* NULL in explain: stages that need one skip */
	const struct policy_role *role;	  /* NULL: nobody is logged in (monitor) */
	struct fw_slice text; /* the client's octets; of the engine's own: the secrets stage masks in place */
	size_t received;      /* octets of the frame that it came with; of several in one, the first has them */
	bool outbound;
	bool binary;
	bool compressed; /* text is what permessage-deflate made of it, until the inflate stage */

	const struct dialect *dialect; /* NULL: plain JSON */
	enum attachment attachment;

	/* Found by the stages. */
	struct dialect_message *said; /* in its dialect; json then holds its fields alone */
	bool unread, unlisted;	      /* it is none of the dialect; of a type that the route does not list */
	struct json json;
	uint16_t type;			   /* index, or FW_TYPE_OPAQUE */
	uint32_t type_node;		   /* of json: the value that says it; 0: none */
	const struct policy_message *rule; /* NULL until the route stage found it */
	struct outbound_part *parts;	   /* of a server's message that is judged by type: see outbound.c */
	bool judged, hid;		   /* it is; a role may not see fields of it */
	struct problems *problems;	   /* of the schema stage */
	struct fw_slice *rewritten;	   /* by node: the text that goes on in its place, where data is not NULL. NULL:
					    * of none */

	/* The word of the stage that stopped, or of the last that flagged. */
	enum error_code error;
	unsigned close;		 /* enum close_reason for VERDICT_CLOSE */
	uint16_t event;		 /* enum event_type to record */
	const char *cause;	 /* for operators; static, or kept by the engine */
	const char *public_rule; /* id of the rule, which the client may know; NULL: none. Static */
	struct fw_slice detail;	 /* what it was about: a field, a path; may be empty */
	uint64_t number;	 /* offset, limit or count, by cause */
	bool has_number;
	const char *content_class; /* of what inspection found, with its points; NULL: nothing */
	unsigned points;
	const char *findings;		      /* for explain: every rule that was found */
	const struct fw_trace_finding *found; /* the same one by one */
	unsigned found_count;
	uint32_t retry_after_ms;
	uint32_t violations; /* of the connection before it, in a row */
	bool blameless;	     /* it is refused for what others did: no violation of its sender's */
	const struct policy_field_rule *
		*hidden; /* by node of a key: the rule by which it is not shown; NULL: none is */
	struct secrets_seen secrets;
	uint32_t csrf_node; /* value node of csrf_token, 0: none */
};

typedef enum verdict stage_function(struct message *message);
#define STAGE(name, directions, keys, help) stage_function stage_##name;
#include "tables/stages.def"
#undef STAGE

struct stage {
	const char *name;
	stage_function *judge;
	uint8_t directions; /* bit 1: in, bit 2: out */
	const char *keys;   /* of the configuration, what it goes by, with a blank between */
	const char *help;
	/* Of an embedding program: */
	fw_stage_function *function; /* NULL: one of ours */
	void *user;
	bool routes; /* stands in place of the route stage: it may say which type a message is */
};
extern const struct stage *const pipeline_stages;
extern unsigned pipeline_count;

/* stage_limit.c: too many: when one may come again, and the end of who goes on, unless he is blameless. */
enum verdict limit_refuse(struct message *message, uint64_t wait_ns, const char *cause);

/* stage_route.c: the value that says the type of an object of plain JSON, where the route has it, or 0. There is a
 * tape. */
uint32_t stage_route_type(const struct message *message, uint32_t root);
/* Is it a name? A string; where the route says where it stands, a number that is written as an integer, too ("op": 2).
 */
bool stage_route_names(const struct message *message, uint32_t node);

/* stage_rbac.c: the permission, else the role, that is missing; NULL: none is, or there is nobody to ask about (monitor
 * without a login). */
const char *stage_rbac_missing(const struct message *message, uint16_t permission, uint16_t role);

/* traffic.c: mode monitor lets pass what enforce would have refused. */
void traffic_note_would(struct fw_conn *conn, const struct message *message, unsigned stage);

/* condition.c: NULL, or what of it is not so: static, for the record. */
const char *condition_fault(const struct policy_condition *condition, const struct message *message);

enum verdict pipeline_ask(unsigned stage, struct message *message); /* the word of one stage */
void pipeline_seal(void);					    /* no stage is added from now on; any thread */
/* Is there a stage of the embedding program for messages to clients? */
bool pipeline_looks_out(void);

struct event_node;
/* inspect_weigh.c: class and points of what it found, if it found anything. */
void inspect_note(struct event_node *node, const struct message *message);
/* Those, and where it was. */
void inspect_note_all(struct event_node *node, const struct message *message);

/* stage_fields.c: what a client is shown where fields are hidden: text, or the message without them. False: memory is
 * short. */
bool fields_shown(struct message *message, struct fw_slice *ret_text);

/* message->hidden has room for the tape. False: memory is short. */
bool fields_hide_begin(struct message *message);

/* explain.c: tells the trial of the engine what a stage said; skipped: it was not asked. */
void explain_stage(const struct message *message, unsigned stage, enum verdict verdict, bool skipped);

/* Runs the stages in order until one stops. ret_stage: the one that stopped (index), or pipeline_count. */
enum verdict pipeline_judge(struct message *message, unsigned *ret_stage);
/* Does any of it go on as another text, or not at all, besides a token that is removed? A verdict does not say so: of a
 * message that was flagged, too, it says that. */
bool pipeline_rewrites(const struct message *message);
/* What goes on: the client's own octets, or the canonical form when something was rewritten, a token is removed, or the
 * route asks for it. FW_OK or FW_ERR_MEMORY. */
int pipeline_forward(struct message *message, bool remove_csrf, struct fw_slice *ret_text, bool *ret_changed);
#endif

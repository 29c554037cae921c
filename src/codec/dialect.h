/* dialect.h: the ways in which applications say their messages: from the octets of a message to a type and fields, and
 * back. A dialect knows nothing of policies: what is allowed is the stages' business.
 *
 * Read as strictly as JSON: what two readers could read differently is refused, with the offset. Memory is of the
 * caller's arena; texts and tapes point into the message or the arena. One thread. */
#ifndef CODEC_DIALECT_H
#define CODEC_DIALECT_H
#include "codec/json.h"

enum dialect_id {
#define DIALECT(id, name, subprotocol, type, fields, help) DIALECT_##id,
#include "tables/dialects.def"
#undef DIALECT
	DIALECTS
};

/* What one direction of a connection remembers between two messages. Zero at the start. */
struct dialect_link {
	bool begun;	     /* the dialect's own opening was seen */
	bool dropping;	     /* the message that announced attachments was refused: they go with it */
	uint8_t attachments; /* binary messages that were announced and are due */
};

enum { DIALECT_UNITS = 64, DIALECT_ATTACHMENTS = 10, DIALECT_NAME = 256 };

struct dialect_message {
	/* Given. */
	struct arena *arena;
	struct fw_slice text; /* of the frame; what is read is its first message, and this becomes that alone */
	bool utf8_known, outbound;
	struct dialect_link *link;

	/* Found. */
	struct fw_slice rest;  /* what stands behind it in the same frame: other messages, not read yet */
	bool own;	       /* keep-alive, opening, farewell: it has no type and asks for no permission */
	struct fw_slice type;  /* decoded */
	struct json fields;    /* nodes[0] is an object */
	struct fw_slice place; /* what of the text the fields are; data NULL: they cannot be written anew */
	bool listed;	       /* they are a list there: "0", "1", … here */
	uint8_t attachments;   /* binary messages that it announces */
	bool fatal;	       /* not read, and after that nothing else can be */
	unsigned unit, units;  /* it holds so many, each with a type of its own; which one this is */

	/* Of a dialect itself: the message as JSON, and nodes of it by which it is answered. 0: there is none. */
	struct json json;
	uint32_t at, id, ref, topic;
	uint32_t whole;		       /* of json: what this unit is */
	uint32_t document;	       /* of json: a text that holds others, which stand in beside; 0: none */
	const struct fw_slice *beside; /* texts that are neither in json nor fields */
	unsigned beside_count;
	struct fw_slice space, number;
	struct fw_slice length; /* digits in the text that count the octets of the body; empty: there are none */
	size_t body_size;	/* what they say */
	void *operation;

	/* Not read: */
	size_t offset;
	const char *what; /* static */
};

/* What is said of a message that does not pass. */
struct dialect_refusal {
	const struct dialect_message *message; /* NULL: of none. Where it was not read, of what was found of it */
	bool unread;			       /* it was not */
	bool unlisted;			       /* the policy has no such type */
	const char *code, *text;	       /* of the contract */
	struct fw_slice data;		       /* the contract's: a JSON object */
};

struct dialect {
	const char *name, *subprotocol;
	/* JSON_OK; JSON_MEMORY; else it is none of this dialect. NULL: plain JSON, which needs no dialect. */
	enum json_result (*read)(struct dialect_message *message);
	/* The next unit of a message that was read. False: memory is short. */
	bool (*next)(struct dialect_message *message);
	/* Writes what a client is told instead; false: there is nothing that could be said. */
	bool (*refuse)(const struct dialect_refusal *refusal, struct json_writer *w);
};
extern const struct dialect dialects[DIALECTS];
#define DIALECT(id, name, subprotocol, type, fields, help)                                                             \
	enum json_result dialect_##id##_read(struct dialect_message *message);                                         \
	bool dialect_##id##_next(struct dialect_message *message);                                                     \
	bool dialect_##id##_refuse(const struct dialect_refusal *refusal, struct json_writer *w);
#include "tables/dialects.def"
#undef DIALECT

/* DIALECTS: there is none of that name. */
unsigned dialect_find(struct fw_slice name);
/* The one that a subprotocol means; DIALECT_json: none. */
unsigned dialect_of_subprotocol(struct fw_slice subprotocol);

/* Reads the first message of a frame. */
enum json_result dialect_read(const struct dialect *dialect, struct dialect_message *message);
/* The message with other fields: as the writer of the canonical form wrote the object. data NULL: memory is short. */
struct fw_slice dialect_write(const struct dialect_message *message, struct fw_slice fields);

/* For the dialects. */
enum json_result dialect_bad(struct dialect_message *message, const uint8_t *at, const char *what);
enum json_result dialect_parse(struct dialect_message *message, struct fw_slice text, struct json *ret_json);
/* The fields are an object of the tape json; a list: the elements from node at; nothing. */
enum json_result dialect_object(struct dialect_message *message, const struct json *json, uint32_t node);
enum json_result dialect_list(struct dialect_message *message, const struct json *json, uint32_t at, uint32_t end);
enum json_result dialect_nothing(struct dialect_message *message);
/* Arguments: one object is the fields, other ones are a list. */
enum json_result dialect_arguments(struct dialect_message *message, const struct json *json, uint32_t at, uint32_t end);
/* The type is a name that a client chose: not empty, not too long, and none of the dialect's own, which begin with ":".
 */
enum json_result dialect_name(struct dialect_message *message, const struct json *json, uint32_t node);
/* "first second". Of first the caller knows that it has no space. */
bool dialect_type(struct dialect_message *message, struct fw_slice first, struct fw_slice second);
/* A member that is not one of names; 0: there is none. */
uint32_t dialect_unknown(const struct json *json, uint32_t object, const char *const *names, unsigned count);
static inline uint32_t dialect_member(const struct json *json, uint32_t object, const char *name)
{
	return json_member(json, object, name, __builtin_strlen(name));
}
static inline const uint8_t *dialect_at(const struct json *json, uint32_t node)
{
	return json_raw(json, node).data;
}
void dialect_put(struct json_writer *w, struct fw_slice octets); /* as they are */
#endif

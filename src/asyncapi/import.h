/* import.h: inside of the import: what was read of a document until it is written as a configuration. All of it is in
 * one arena and goes with the import. For this folder only. */
#ifndef ASYNCAPI_IMPORT_H
#define ASYNCAPI_IMPORT_H
#include <stdio.h>

#include "asyncapi/asyncapi.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/slice.h"
#include "policy/document.h"

struct loaded {
	const char *path;
	struct document_node *root; /* NULL: it does not hold, which was said */
	struct loaded *next;
};

struct remark {
	const struct document_node *place; /* NULL: the document as a whole */
	bool error;
	unsigned number;
	const char *text;
};

/* What a message may say at a place: any, or one of these. */
enum { VALUES_MOST = 64 };
struct values {
	bool any;
	unsigned count;
	const struct document_node *list[VALUES_MOST];
};

struct message {
	struct fw_slice name;
	const struct document_node *place;   /* where the channel names it */
	const struct document_node *node;    /* with payload */
	const struct document_node *payload; /* NULL: it has none */
	bool draft7;
	struct fw_slice schema; /* as JSON, when it is written */
	struct message *next;
};

/* A type of message of the configuration: what clients send, what the server sends, or both. */
struct type {
	struct fw_slice name;
	const struct use *in, *out; /* NULL: they do not */
	struct type *next;
};

/* A message on a route, in one direction. */
struct use {
	struct message *message;
	const struct document_node *operation;
	struct fw_slice permission; /* "any" */
	struct fw_slice role;	    /* size 0: none */
	struct fw_slice rate;	    /* the same */
	struct values values;	    /* of the discriminator of the route */
	struct fw_slice type;	    /* its name where no message says it */
	struct use *next;
};

struct uses {
	struct use *first, **last;
	unsigned count;
};

struct route {
	const char *path;
	const struct document_node *place;
	struct uses in, out; /* what clients send, and what they are sent */
	const char *discriminator;
	bool untyped;
	bool untyped_out; /* the one that the server sends says none */
	bool judges_out;  /* what the server sends can be told apart, too */
	struct route *next;
};

struct server {
	const struct document_node *node; /* NULL: the document names none */
	struct fw_slice name, scheme, host, path;
};

struct import {
	const struct asyncapi_options *options;
	struct arena arena;
	unsigned errors;
	bool short_of_memory;
	bool three; /* AsyncAPI 3, else 2 */
	struct document_node *root;
	struct loaded *files;
	unsigned file_count;
	struct remark *remarks;
	unsigned remark_count, remark_room;
	struct server server;
	struct fw_slice server_permission; /* "any" */
	struct message *messages;
	struct route *routes, **last_route;
	unsigned route_count, use_count, type_count;
	struct type *types, **last_type;
	struct values *values; /* room for those of a route's messages */
	bool methods[2];       /* jwt, api_key */
	bool secured;	       /* the document names a way to log in */
};

/* remark.c */
void import_error(struct import *import, const struct document_node *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void import_note(struct import *import, const struct document_node *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void import_give(struct import *import);		     /* all of them, by place */
void import_remarks(const struct import *import, FILE *out); /* the notes as comments */
/* A file as it is seen from the document. */
const char *import_beside(const struct import *import, const char *file);
/* "file:12:5", seen from there */
const char *import_place(struct import *import, const struct document_node *place);
/* Cleared. NULL: memory is short, which is noted. */
void *import_alloc(struct import *import, size_t size);
const char *import_text(struct import *import, struct fw_slice text);
/* For messages: printable, shortened. */
const char *import_shown(struct import *import, struct fw_slice text);
/* Members that are not read are listed. object: of tables/asyncapi.def */
enum import_object {
#define OBJECT(id) OBJECT_##id,
#define MEMBER(object, name, reason)
#include "tables/asyncapi.def"
#undef OBJECT
#undef MEMBER
	OBJECTS
};
void import_list(struct import *import, enum import_object object, const struct document_node *map);

/* reference.c */
const struct document_node *import_read(struct import *import);
/* One step; node unless it is a map with $ref. NULL: it leads nowhere, which was said. */
const struct document_node *import_step(struct import *import, const struct document_node *node);
/* To the end. NULL as well where node is NULL. */
const struct document_node *import_follow(struct import *import, const struct document_node *node);
/* The last name of a pointer to a value: its key, or "item". */
struct fw_slice import_name(const struct document_node *node);
/* The member of an object that has traits: followed. */
const struct document_node *import_member(struct import *import, const struct document_node *object, const char *name);
/* The text of a member; size 0: it has none. What is no text is an error. */
struct fw_slice import_member_text(struct import *import, const struct document_node *object, const char *name);

/* server.c */
void import_server(struct import *import);
bool import_is_of_server(struct import *import, const struct document_node *channel, const struct document_node *named);
/* "/ws/room/{id}" or NULL, reported. */
const char *import_path(struct import *import, const struct document_node *place, struct fw_slice address);

/* security.c */
struct fw_slice import_permission(struct import *import, const struct document_node *list, struct fw_slice operation);
struct fw_slice import_permissions_both(struct import *import, const struct document_node *place, struct fw_slice one,
					struct fw_slice two, struct fw_slice operation);

/* channel.c, operation.c: channels, operations and messages to routes */
void import_operations_2(struct import *import);
void import_operations_3(struct import *import);
struct route *import_route(struct import *import, const struct document_node *channel, struct fw_slice name);
void import_use(struct import *import, struct route *route, const struct document_node *operation,
		struct fw_slice operation_name, const struct document_node *message, struct fw_slice name,
		bool from_client);

/* discriminator.c */
void import_discriminators(struct import *import);
bool import_values(struct import *import, const struct document_node *schema, struct fw_slice pointer,
		   struct values *ret_values);

/* payload.c: the payload of a message as JSON Schema 2020-12, all of it in one text of JSON. data NULL: reported. */
struct fw_slice import_schema(struct import *import, const struct message *message);
/* Can a value of it be an object? */
bool import_is_object(struct import *import, const struct document_node *schema);

/* type.c: what the configuration calls types of message, each with its schema */
void import_types(struct import *import);

/* write.c */
bool import_write(struct import *import, FILE *out); /* false: memory is short */
/* yaml.c */
void import_yaml_text(FILE *out, struct fw_slice text); /* quoted where it must be */
bool import_yaml_json(FILE *out, struct fw_slice json, unsigned indent);
#endif

/* watch.h: who behaves unlike himself, or unlike anyone who means no harm: profiles of users, what is known of
 * networks, and connections that are open, all in tables of a fixed size. Every event costs the same, whatever came
 * before. */
#ifndef FRAMEWALL_WATCH_WATCH_H
#define FRAMEWALL_WATCH_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WATCH_TYPES = 16 };

enum watch_what {
	WATCH_OPEN,
	WATCH_CLOSE,
	WATCH_LOGIN,
	WATCH_LOGIN_FAILED,
	WATCH_MESSAGE,
	WATCH_DELIVERED,
	WATCH_REFUSED,
	WATCH_WHATS
};

/* Names are hashes; 0 is none. */
struct watch_event {
	uint64_t at_ms; /* wall clock */
	uint64_t connection, user, session, network;
	uint64_t bytes;
	uint32_t count, type; /* messages of that type; below WATCH_TYPES, else some share a place */
	enum watch_what what;
	bool expired; /* of a failed login: what was shown was good once, so that it is no guess */
};

/* What an alert is about, and what made it. src/tables/watch.def */
enum watch_kind {
#define WATCH(name, help) WATCH_##name,
#include "tables/watch.def"
#undef WATCH
	WATCH_KINDS
};
enum watch_feature {
#define FEATURE(name, help) WATCH_FEATURE_##name,
#include "tables/watch_features.def"
#undef FEATURE
	WATCH_FEATURES
};
extern const char *const watch_kind_names[WATCH_KINDS];
extern const char *const watch_feature_names[WATCH_FEATURES];

enum { WATCH_ALERT_FEATURES = 4 };

struct watch_alert {
	enum watch_kind kind;
	uint64_t at_ms, user, network, connection; /* user or network 0: it is not about one */
	double score;				   /* in the unit of `sensitivity` */
	struct {
		enum watch_feature feature;
		double found, usual;
	} features[WATCH_ALERT_FEATURES]; /* the strongest first */
	size_t feature_count;
};

struct watch_options {
	size_t users, connections; /* room for so many; rounded up to a power of two */
	double sensitivity;	   /* a factor on what must be passed; 1 unless said */
	uint32_t cooldown_s;	   /* the same is not told again of the same for so long */
	uint32_t learning_s;	   /* a user without so much history is not measured by his own habits */
};

struct watch;
struct watch *watch_new(const struct watch_options *options);		  /* NULL: memory is short */
struct watch *watch_free(struct watch *watch);				  /* NULL-safe */
void watch_set(struct watch *watch, const struct watch_options *options); /* all but the room */
/* True: *ret_alert is one. */
bool watch_take(struct watch *watch, const struct watch_event *event, struct watch_alert *ret_alert);
void watch_freeze(struct watch *watch, bool frozen);   /* judges, and learns nothing of anybody */
void watch_forget(struct watch *watch, uint64_t user); /* his profile; 0: all of them, and of the networks */
size_t watch_memory(const struct watch *watch);	       /* octets */

/* Profiles and networks as octets, to be kept over a restart. */
size_t watch_export_size(const struct watch *watch);
size_t watch_export(const struct watch *watch, void *memory, size_t size); /* octets written; 0: too small */
bool watch_import(struct watch *watch, const void *memory, size_t size); /* false: not of this kind; nothing is taken */

#endif

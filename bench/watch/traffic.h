/* traffic.h: a made-up day of a chat, trading and office service behind the firewall, with attacks whose begin and end
 * are known. The same options give the same events, octet by octet. Nothing here knows what looks at them. */
#ifndef BENCH_WATCH_TRAFFIC_H
#define BENCH_WATCH_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum traffic_what {
	TRAFFIC_OPEN,
	TRAFFIC_CLOSE,
	TRAFFIC_LOGIN,
	TRAFFIC_LOGIN_FAILED,
	TRAFFIC_MESSAGE,
	TRAFFIC_DELIVERED,
	TRAFFIC_REFUSED
};

enum traffic_cause { TRAFFIC_CAUSE_NONE, TRAFFIC_PERMISSION, TRAFFIC_RATE, TRAFFIC_INVALID };

/* What clients send. History, search, fetch, export and admin_list are answered with content. */
enum traffic_type {
	TYPE_PING,
	TYPE_CHAT,
	TYPE_JOIN,
	TYPE_LEAVE,
	TYPE_TYPING,
	TYPE_HISTORY,
	TYPE_SEARCH,
	TYPE_FETCH,
	TYPE_UPLOAD,
	TYPE_EDIT,
	TYPE_DELETE,
	TYPE_PROFILE,
	TYPE_SUBSCRIBE,
	TYPE_EXPORT,
	TYPE_ADMIN_LIST,
	TYPE_ADMIN_CHANGE,
	TYPES
};

enum { TRAFFIC_NOBODY = 0xffffffff };

/* As the program sees it: who is known from the login on (before, the name that was tried); session is which token or
 * password login it was, by its digest. Written as it is (32 octets, little endian) by `traffic`. */
struct traffic_event {
	uint64_t at; /* milliseconds since a Monday, 00:00 UTC */
	uint32_t connection;
	uint32_t user;
	uint32_t address; /* IPv4 */
	uint32_t session;
	uint32_t size; /* octets of a message, of what was delivered */
	uint8_t what, type, cause, spare;
};

enum traffic_kind {
	KIND_SPRAY,
	KIND_STUFFING,
	KIND_SLOW_BRUTE,
	KIND_STOLEN_SESSION,
	KIND_SCRIPTED,
	KIND_EXFILTRATION,
	KIND_PROBING,
	KIND_RECONNECT,
	KIND_TYPE_SHIFT,
	KIND_TOKEN_SHARING,
	KIND_INSIDER,
	KIND_LOW_SLOW,
	KINDS
};
extern const char *const traffic_kind_names[KINDS];
extern const char *const traffic_type_names[TYPES];

enum { TRAFFIC_STRENGTHS = 3, TRAFFIC_USERS_OF_LABEL = 128 };

/* What is true of one attack: written to a file of its own, never into the events. */
struct traffic_label {
	uint8_t kind, strength; /* 1 to 3: 3 is the coarsest */
	uint64_t first, last;	/* of its own events; 0 when it found no chance to begin */
	uint32_t events;
	uint32_t users[TRAFFIC_USERS_OF_LABEL]; /* whose accounts it uses or tries; the first ones */
	size_t user_count;
	uint32_t addresses[TRAFFIC_USERS_OF_LABEL];
	size_t address_count;
};

struct traffic_options {
	uint64_t seed;
	unsigned users;	    /* 10,000 */
	unsigned history;   /* days before the one with attacks */
	unsigned instances; /* of each kind; strengths take turns */
};

struct traffic;
struct traffic *traffic_new(const struct traffic_options *options);
struct traffic *traffic_free(struct traffic *traffic);
/* The next event in the order of time; *ret_label: the attack it belongs to, or -1. False at the end. */
bool traffic_next(struct traffic *traffic, struct traffic_event *ret_event, int *ret_label);
size_t traffic_labels(const struct traffic *traffic, const struct traffic_label **ret_labels); /* complete at the end */

#endif

/* policy.h: the inside of fw_policy: what the configuration says, compiled and immutable.
 * Everything it points to is in one arena and lives as long as the policy. Any thread may read it. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H
#include <stdatomic.h>

#include <framewall/conn.h>
#include <framewall/policy.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/event_type.h"
#include "base/gcra.h"
#include "base/limit_kind.h"
#include "base/limits.h"
#include "crypto/jwt.h"
#include "policy/alert_rule.h"
#include "policy/response_rule.h"
#include "policy/inspect.h"
#include "policy/provider.h"
#include "policy/receiver.h"
#include "policy/scenario_rule.h"
#include "policy/threat_list.h"
#include "policy/secret_kind.h"
#include "base/texts.h"
#include "schema/jsonschema.h"

/* One member a row of config.def. CHOICE members hold the index of the word. */
struct settings {
#define CONFIG_INTEGER(path, member, value, min, max, unit, help) int64_t member;
#define CONFIG_BOOLEAN(path, member, value, help) bool member;
#define CONFIG_TEXT(path, member, value, help) const char *member;
#define CONFIG_CHOICE(path, member, value, words, help) uint8_t member;
#define CONFIG_TEXTS(path, member, value, help) struct texts member;
#include "tables/config.def"
#undef CONFIG_INTEGER
#undef CONFIG_BOOLEAN
#undef CONFIG_TEXT
#undef CONFIG_CHOICE
#undef CONFIG_TEXTS
};
enum { MODE_ENFORCE = 0, MODE_MONITOR = 1 };
enum { COMPRESSION_OFF = 0, COMPRESSION_STRIP = 1, COMPRESSION_ON = 2 };
enum { OVER_LIMIT_EVICT = 0, OVER_LIMIT_REFUSE = 1 }; /* authentication.sessions_over_limit */
enum { REFUSE_IN_BAND = 0, REFUSE_HTTP = 1 };
enum { UNRECORDED_REFUSED = 0, UNRECORDED_GOES_ON = 1 }; /* audit_logging.on_failure */
enum { CLIENT_X_FORWARDED_FOR = 0, CLIENT_FORWARDED = 1, CLIENT_PEER = 2 };
enum {
	PROXY_OFF = 0,
	PROXY_V1 = 1,
	PROXY_V2 = 2,
	PROXY_ANY = 3
};						    /* but for OFF a set of versions, as codec/proxyproto.h has it */
enum { WATCHDOG_RESTART = 0, WATCHDOG_RECORD = 1 }; /* overload.watchdog_action */
enum { SCHEMA_CLOSED = 0, SCHEMA_OPEN = 1 };	    /* validation.schema_objects */
enum { UNKNOWN_REJECT = 0, UNKNOWN_STRIP = 1, UNKNOWN_WARN = 2 };
enum { TLS_1_2 = 0, TLS_1_3 = 1 };
enum policy_required_bound { REQUIRE_NONE, REQUIRE_CERTIFICATE, REQUIRE_DPOP, REQUIRE_EITHER }; /* require_bound */
enum { CLIENT_CERTIFICATE_NONE = 0, CLIENT_CERTIFICATE_REQUEST = 1, CLIENT_CERTIFICATE_REQUIRE = 2 };
enum { VERIFY_ON = 0, VERIFY_OFF = 1 };

/* Permissions are numbered; a role or a principal has a bit set of them. */
struct bits {
	uint64_t word[LIMIT_PERMISSIONS / 64];
};
static inline bool bits_has(const struct bits *bits, unsigned bit)
{
	return (bits->word[bit / 64] >> (bit % 64)) & 1;
}
static inline void bits_add(struct bits *bits, unsigned bit)
{
	bits->word[bit / 64] |= (uint64_t)1 << (bit % 64);
}

struct policy_role {
	const char *name;
	size_t name_size;
	struct bits permissions; /* with those inherited, wildcards expanded over the closed list */
	struct texts patterns;	 /* as written, with those inherited: for auth_success and fw_policy_allows */
	bool narrowed;		 /* of one API key: what asks for no permission but for a role is not for it */
	uint32_t is;		 /* bit set of role indexes that this role is or inherits: admin is a moderator */
};

/* KIND_ANY: number or string. KIND_OPEN: whatever it is, nobody looks into it. */
enum field_kind { KIND_STRING, KIND_BOOLEAN, KIND_INTEGER, KIND_NUMBER, KIND_ANY, KIND_ARRAY, KIND_OBJECT, KIND_OPEN };
enum field_class {
#define FIELD_CLASS(name, word, expected, help) CLASS_##name,
#include "tables/field_classes.def"
#undef FIELD_CLASS
	FIELD_CLASSES
};

struct policy_field {
	const char *name;
	uint16_t name_size;
	uint8_t kind;  /* enum field_kind */
	uint8_t class; /* enum field_class */
	bool required;
	int64_t min, max; /* characters, value, or elements, by kind; of KIND_NUMBER: when bounded */
	bool bounded;
	struct texts choices;		    /* CLASS_ENUMERATED */
	const struct policy_field *item;    /* KIND_ARRAY: what each element is; NULL: anything */
	const struct policy_field *members; /* KIND_OBJECT */
	uint16_t member_count;
};

enum { POLICY_NONE = 0xffff };

/* What a message must come with, besides a permission. */
struct policy_condition {
	struct texts networks;
	const struct addr_net *nets; /* of networks; none: from anywhere */
	bool certificate;	     /* of the client is needed */
};

/* Who may set a field of a message, and who may see it. */
struct policy_field_rule {
	const char *name;	      /* a path: names with dots between them; arrays on the way are entered */
	bool sets, sees;	      /* there is a rule for that */
	uint32_t set, see;	      /* bit sets of roles: who is one of them may */
	struct texts set_by, seen_by; /* the same as written */
	const char *mask;	      /* what is shown instead; NULL: it is left out */
};
struct policy_guard {
	const char *name; /* of the message type */
	uint16_t name_size, count;
	const struct policy_field_rule *rules;
};

/* Who sends messages of a type. */
enum policy_direction { DIRECTION_CLIENT, DIRECTION_SERVER, DIRECTION_BOTH };
/* What becomes of a server's message that the policy did not expect, in the order of their weight. */
enum policy_unexpected { UNEXPECTED_PASS, UNEXPECTED_FLAG, UNEXPECTED_STOP, UNEXPECTED_ACTIONS };

/* A JSON Schema, owned by the policy. */
struct policy_schema {
	struct jsonschema *schema;
	struct fw_slice text;
	const char *path; /* of its file; NULL: it stands in the configuration */
	struct policy_schema *next;
};

/* A JSON Schema that others refer to. */
struct policy_schema_document {
	const char *uri, *path;
	struct fw_slice text;
};

struct policy_message {
	const char *name;
	uint16_t name_size;
	uint16_t permission; /* number, or POLICY_NONE */
	uint16_t role;	     /* index of a role that the sender must be, or POLICY_NONE */
	bool csrf;
	bool answered_here;
	bool reads;	   /* who is isolated may send it */
	bool own;	   /* defined in the configuration, not of the contract */
	uint8_t direction; /* enum policy_direction */
	bool open;	   /* of a type whose fields nobody lists: any pass */
	bool has_schema;
	bool has_html;	    /* a field of class HTML: the sanitize stage has work */
	uint16_t rate_cell; /* of a connection, where rate is */
	uint32_t max_bytes;
	const struct gcra *rate;	     /* of messages of this type; NULL: none of its own */
	int64_t messages_per_minute;	     /* the same as written */
	const struct policy_condition *when; /* NULL: none */
	const struct policy_guard *guard;    /* fields that not everybody may set; NULL: none */
	const struct policy_field *fields;
	uint16_t field_count;
	const struct policy_schema *schema; /* in place of fields; NULL: none */
};

struct policy_outbound {
	const char *name;
	uint16_t name_size;
	uint16_t permission;
	uint16_t role;
	const struct policy_message *message; /* its definition in the configuration; NULL: of the contract */
	bool pattern;			      /* "*" in its name stands for any octets but blanks, in a dialect */
};

/* A type of message that a route takes, as the dialect of the route names it. */
struct policy_route_type {
	const char *name; /* as written; with "*" a pattern */
	uint16_t name_size;
	uint16_t message; /* index of messages */
	bool pattern;
};

enum route_require { ROUTE_CERTIFICATE = 1, ROUTE_JWT = 2, ROUTE_DPOP = 4 };
struct policy_route {
	const char *path; /* "/" or "/chat"; a trailing "*" matches any rest */
	size_t path_size;
	bool prefix;
	bool templated;		 /* a segment "{name}" of it is any one segment */
	bool opaque;		 /* messages are not JSON: only frames, UTF-8, size and rate are judged */
	bool binary;		 /* binary messages pass (never judged beyond size) */
	bool canonical;		 /* forward: canonical */
	uint8_t require;	 /* of who logs in here: bit set of enum route_require */
	uint16_t anonymous_role; /* role of a client that does not log in, or POLICY_NONE: login required */
	bool has_upstream;
	const char *upstream_host;
	uint16_t upstream_port;
	bool upstream_tls;
	const char *upstream_authority; /* for Host */
	const char *upstream_path;	/* NULL: the client's own target is forwarded */
	const char *login_message;	/* template or NULL */
	struct texts origins;
	struct texts hosts;
	struct texts subprotocols;
	const char *discriminator; /* JSON Pointer to the type; NULL: /type */
	bool untyped;		   /* nothing in a message says its type: all are of types[0] */
	uint8_t dialect;	   /* enum dialect_id */
	bool dialect_by_subprotocol;
	const struct policy_route_type *types;
	uint16_t type_count;
	bool lists_types; /* else every type that the policy has */
	struct policy_route_inspect inspect;
	struct policy_secrets secrets_in, secrets_out; /* in messages of clients, and to them */
	const char *type_out;  /* of every message of the server, where nothing in it says its type; NULL: it does */
	int64_t per_minute[2]; /* messages and bytes of all its clients; 0: no limit */
	struct gcra rates[2];  /* the same */
	uint8_t held;	       /* which of them are limits, as in fw_policy.held */
	uint8_t unknown_out, invalid_out; /* enum policy_unexpected: types that nobody defined; not as defined */
};

struct policy_api_key {
	char id[9];
	uint8_t hash[32];
	const char *name;
	uint16_t role;
};

/* What a role is called in the tokens of an issuer, and which role of ours that is. */
struct policy_issuer_role {
	const char *name;
	uint16_t role;
};

/* Who is asked about tokens that say nothing themselves (RFC 7662). */
struct policy_introspection {
	const char *url; /* NULL: nobody */
	const char *client_id, *client_secret;
	int64_t cache; /* seconds that an answer counts */
	uint64_t mark; /* of the issuer, as a credential: see policy_credential.c */
};

/* Whose tokens are taken besides those that the own keys signed: a provider of identities. */
struct policy_issuer {
	struct jwt_rules rules;	  /* issuer and audience are never NULL here */
	struct jwt_key *keys;	  /* of rules; public ones, owned */
	uint64_t *marks;	  /* of each key: see policy_credential.c */
	uint8_t digest[32];	  /* of what else decides who comes by a token of it */
	struct provider provider; /* how its keys are fetched, if they are: then they come with policy_with_keys */
	enum jose_algorithm rsa;  /* of an RSA key that names no algorithm */
	struct policy_introspection introspection;
	const char *user_prefix;
	const char *user_claim;	 /* a member of the claims, or a JSON Pointer (RFC 6901) */
	const char *roles_claim; /* the same; NULL: "role" and "roles" */
	const struct policy_issuer_role *roles;
	size_t role_count;
	uint16_t default_role; /* of who has none of the roles; POLICY_NONE: is refused */
	uint8_t require_bound; /* enum policy_required_bound */
};

/* Who a client is whose certificate has such names. */
struct policy_certificate_rule {
	const char *patterns[FW_NAMES]; /* NULL: any */
	const char *user;		/* a template */
	uint16_t role;
	uint64_t mark; /* see policy_credential.c */
};

/* A certificate for clients: PEM files, not read here. */
struct policy_certificate {
	const char *certificate;
	const char *key;   /* may be the same file */
	const char *place; /* "framewall.yaml:12:5", for messages about the files */
};

/* An attribute that stays in HTML fields, and what its values must be. */
enum html_value { HTML_TEXT, HTML_URL, HTML_WORDS };
struct policy_html_attribute {
	const char *tag, *name;
	uint8_t value; /* enum html_value */
};

/* Lookup of message types by name: open addressing, power of two, index + 1. */
struct policy_index {
	const uint16_t *slots;
	uint32_t mask;
};

struct fw_policy {
	_Atomic unsigned references;
	struct arena arena;
	struct fw_policy *root; /* see policy_with_keys; NULL: it is one itself */
	struct settings settings;

	const char *permissions[LIMIT_PERMISSIONS];
	unsigned permission_count;
	struct policy_role roles[LIMIT_ROLES];
	unsigned role_count;
	uint16_t role_default; /* "guest", else the first */

	const struct policy_message *messages;
	unsigned message_count;
	unsigned rate_cells; /* that a connection has: of types with a rate of their own */
	struct policy_index message_index;
	struct policy_guard guards[LIMIT_GUARDED_TYPES];
	unsigned guard_count;
	bool hides; /* there is a field that not everybody may see */
	struct policy_schema *schemas;
	const struct policy_schema_document *schema_documents;
	unsigned schema_document_count;
	const struct policy_outbound *outbound;
	unsigned outbound_count;
	struct policy_index outbound_index;
	unsigned served_first;		  /* of outbound: those of the configuration begin there */
	struct policy_index served_index; /* of those; slots NULL: there are none */

	const struct policy_route *routes;
	unsigned route_count;

	struct jwt_key *jwt_keys;
	uint64_t *jwt_marks; /* of each: see policy_credential.c */
	size_t jwt_key_count;
	struct jwt_rules jwt; /* made of the settings */
	struct policy_issuer *issuers;
	size_t issuer_count;
	size_t introspector; /* of issuers: who is asked about tokens; POLICY_NONE: nobody */
	struct jwt_key assertion_keys[LIMIT_ASSERTION_KEYS]; /* pairs: the first signs, all are published */
	size_t assertion_key_count;
	struct policy_certificate_rule *certificate_rules;
	size_t certificate_rule_count;
	struct receiver *receivers;
	size_t receiver_count;
	struct threat_list *threat_lists;
	size_t threat_list_count;
	struct scenario_rule *scenarios;
	size_t scenario_count;
	struct alert_rule *alert_rules; /* those of the configuration, then those that its thresholds make */
	unsigned alert_rule_count, alert_rules_own;
	struct response_rule *responses;
	unsigned response_count;
	struct alert_inhibition *alert_inhibitions;
	unsigned alert_inhibition_count;
	const struct policy_api_key *api_keys;
	size_t api_key_count;
	const struct policy_certificate *certificates; /* the first is shown to who asks for no known name */
	unsigned certificate_count;		       /* 0: clients connect without TLS */
	const char *source;			       /* file name, for messages about files that the settings name */

	const struct policy_html_attribute *html_attributes;
	unsigned html_attribute_count;	   /* at most LIMIT_HTML_ATTRIBUTES */
	uint8_t event_levels[EVENT_TYPES]; /* of records: enum fw_level */
	struct texts idle;		   /* keys that are given and have no effect in this version */

	struct policy_inspect inspect;
	uint64_t blocking_events; /* bit set of enum event_type */
	uint32_t event_points[EVENT_TYPES];
	struct addr_net *exempt_nets; /* of settings.block_exempt; what is no network there is user:NAME */
	size_t exempt_net_count;
	struct addr_net *blocked_nets;
	size_t blocked_net_count;
	struct addr_net *trusted_nets; /* of trusted_proxies */
	size_t trusted_net_count;

	struct gcra message_rate, control_rate, frame_rate, auth_rate;
	/* An interval of 0: no limit. */
	struct gcra byte_rate, handshake_rate, account_rate, session_rate, answer_rate;
	struct gcra held_rates[LIMIT_HELD]; /* but of routes, which have their own */
	uint8_t held;			    /* bit set of those that are limits */
	uint32_t methods;		    /* bit set of enum policy_method */
	uint32_t auth_message_bytes;	    /* what the message type auth may have */
	struct fw_slice security_headers;   /* see security_headers.h */
	struct fw_slice cors_preflight;	    /* see cors.h */
	const struct policy_shown *shown;   /* see config.h; NULL: it was not kept */
};

/* Would a name of our own users be taken for one of an issuer's: does it begin with the user_prefix of one? */
bool policy_name_is_of_issuer(const struct fw_policy *policy, struct fw_slice name);
/* password_rules.c: a password that is to be set. False: ret_text says what it lacks. */
enum { POLICY_PASSWORD_MOST = 500, POLICY_PASSWORD_TEXT = 128 };
bool policy_password_holds(const struct fw_policy *policy, struct fw_slice password,
			   char ret_text[POLICY_PASSWORD_TEXT]);
bool policy_name_can_log_in(struct fw_slice name); /* has it the form of user_id in an auth message? */

enum policy_method { METHOD_JWT, METHOD_API_KEY, METHOD_SESSION, METHOD_OAUTH, METHOD_PASSWORD, METHOD_CERTIFICATE };

/* rbac.c */
/* Does a pattern ("chat.*", "*", "chat.send") grant a permission? "*" only as a whole segment; "chat.*" grants
 * chat.x.y, not chat. */
bool rbac_pattern_grants(struct fw_slice pattern, struct fw_slice permission);
uint16_t policy_role_find(const struct fw_policy *policy, struct fw_slice name);       /* or POLICY_NONE */
uint16_t policy_permission_find(const struct fw_policy *policy, struct fw_slice name); /* or POLICY_NONE */

/* Before the policy is shared: takes over the pair, copies the kid. FW_OK, FW_ERR_MEMORY, or FW_ERR_INVALID: too many,
 * or one of this kid is there. */
int policy_add_assertion_key(struct fw_policy *policy, const struct jwt_key *key);
/* Another one, of which one reference is the caller's, that has all of it but its issuers, whose keys are its own, and
 * keeps it as its root. NULL: memory is short. */
struct fw_policy *policy_over(struct fw_policy *below);
/* Is this one of the trusted proxies? */
bool policy_trusts(const struct fw_policy *policy, const struct fw_addr *address);

/* policy_keys.c */
struct policy_fetched {
	const char *issuer;
	struct fw_slice jwks; /* as it was fetched */
};
/* The same policy, but that the issuers whose keys are fetched have those keys, and no others. It refers to the policy
 * that was compiled from the configuration, which is never changed. NULL: memory is short. */
struct fw_policy *policy_with_keys(struct fw_policy *policy, const struct policy_fetched *sets, size_t count);
/* policy_enforced.c: the same in mode enforce, for who asks what it would do; no issuer's tokens are taken. NULL:
 * memory is short. */
struct fw_policy *policy_enforced(struct fw_policy *policy);
/* As it was compiled: policies of one root differ in nothing else. */
static inline const struct fw_policy *policy_root(const struct fw_policy *policy)
{
	return policy->root != NULL ? policy->root : policy;
}
/* Can its signed tokens be verified, now or as soon as its keys are fetched? */
static inline bool policy_issuer_has_keys(const struct policy_issuer *issuer)
{
	return issuer->rules.key_count != 0 || provider_is_asked(&issuer->provider);
}
/* The issuer of that name; NULL: there is none. */
const struct policy_issuer *policy_issuer_find(const struct fw_policy *policy, struct fw_slice name);

/* policy_credential.c */
bool policy_credential_mark(struct fw_policy *policy, struct policy_issuer *issuer); /* false: memory is short */
int policy_credential_build(struct fw_policy *policy);				     /* FW_OK or FW_ERR_MEMORY */
uint64_t policy_credential_api_key(const struct policy_api_key *key);
/* Is it the mark of an issuer that was asked about a token? */
bool policy_credential_is_asked(const struct fw_policy *policy, uint64_t mark);
/* Does the key of that mark count, and a method that it is for? ret_role: what an API key gives, else POLICY_NONE. */
bool policy_credential_counts(const struct fw_policy *policy, uint64_t mark, uint16_t *ret_role);

bool policy_credential_is_token(const struct fw_policy *policy, uint64_t mark); /* the mark of a key of tokens? */

/* certificate_rule.c */
const char *policy_certificate_kind(unsigned kind); /* "san_uri" */
bool policy_certificate_matches(unsigned kind, const char *pattern, struct fw_slice name);
/* An entry of admin.tls.roles, "KIND:PATTERN ROLE": the name of the role; NULL: it is none. */
enum { POLICY_OPERATOR_NAME = 256 };
const char *policy_operator_read(const char *entry, unsigned *ret_kind, char ret_pattern[POLICY_OPERATOR_NAME]);
/* Which placeholder the text begins with, "${san_uri}"; FW_NAMES: none. */
unsigned policy_certificate_placeholder(struct fw_slice text);
size_t policy_certificate_placeholder_size(unsigned kind);

/* What a token of the key of that mark must be bound to: enum policy_required_bound. */
uint8_t policy_credential_required(const struct fw_policy *policy, uint64_t mark);

/* contract.c */
/* Fills messages and outbound from contract.def and outbound.def; permissions and roles are there already. */
int contract_build(struct fw_policy *policy);
uint16_t policy_message_find(const struct fw_policy *policy, struct fw_slice name);  /* or POLICY_NONE */
uint16_t policy_outbound_find(const struct fw_policy *policy, struct fw_slice name); /* or POLICY_NONE */
uint16_t policy_served_find(const struct fw_policy *policy,
			    struct fw_slice name); /* those of the configuration alone */
/* May a type of message be called so? contract.c */
enum { POLICY_TYPE_NAME = 128 };
bool policy_type_is_name(struct fw_slice name);
/* "*" in a pattern stands for any octets but blanks. route.c */
bool policy_type_matches(struct fw_slice pattern, struct fw_slice type);

/* How messages of the route are looked through: enum inspect_mode. route: NULL: as for all. */
static inline unsigned policy_inspect_mode(const struct fw_policy *policy, const struct policy_route *route)
{
	return route != NULL && route->inspect.has_mode ? route->inspect.mode : policy->settings.inspect_mode;
}

/* route.c */
const struct policy_route *policy_route_find(const struct fw_policy *policy, struct fw_slice path); /* or NULL: 404 */
bool policy_origin_allowed(const struct fw_policy *policy, const struct policy_route *route, struct fw_slice origin);
/* secure: it came through TLS, so that no port means 443. */
bool policy_host_allowed(const struct fw_policy *policy, const struct policy_route *route, struct fw_slice host,
			 bool secure);

/* schema.c */
struct problem {
	char field[96];	  /* JSON Pointer without the leading "/", e.g. "attachments/0/url" */
	const char *rule; /* "required", "type", "max_length", "min_length", "format", "enum", "unknown", "max_items",
			     "min_items", "maximum", "minimum", "nul" */
	int64_t limit;	  /* meaningful when has_limit */
	bool has_limit;
	const char *expected;	      /* for "type" and "format": "string", "user_id", "url", …; or NULL */
	const char *schema, *keyword; /* of a JSON Schema: where it says so, and by which keyword; else NULL */
};
struct problems {
	struct problem list[LIMIT_PROBLEMS];
	unsigned count; /* at most LIMIT_PROBLEMS; total may be more */
	unsigned total;
	unsigned unknown;  /* fields that the type does not list and that were let pass (strip, warn) */
	uint8_t *stripped; /* by node of a key: that it goes no further (strip); NULL: none. Of the arena */
	uint8_t *classes;  /* by node: enum field_class of a text as a JSON Schema has it, else FIELD_CLASSES; NULL: of
			      none. Of the arena */
};
static inline void problems_clear(struct problems *problems)
{
	problems->count = problems->total = problems->unknown = 0;
	problems->stripped = problems->classes = NULL;
}
/* Judges an object of a tape against a message type. type: node of the value that says which, wherever it is: it
 * was judged; 0: nowhere. Returns FW_OK (see ret_problems->total) or FW_ERR_MEMORY. */
int schema_check(const struct fw_policy *policy, const struct policy_message *message, const struct json *json,
		 uint32_t root, uint32_t type, struct arena *arena, struct problems *ret_problems);
/* schema_json.c: the same against the JSON Schema of the type. */
int schema_check_json(const struct fw_policy *policy, const struct policy_message *message, const struct json *json,
		      uint32_t root, uint32_t type, struct arena *arena, struct problems *ret_problems);
/* The classes that a JSON Schema may name. */
extern const struct jsonschema_classes schema_json_classes;
/* Is what holds the form of the class nothing but that, so that there is nothing to look for in it? */
bool schema_class_is_strict(enum field_class class);
/* Is the text a safe http(s) URL by a WHATWG-like reading: no userinfo, no private, local or numeric-trick host (row
 * 28)? */
bool schema_url_safe(const struct fw_policy *policy, struct fw_slice url);
/* Has a text this "format" of JSON Schema, and what the policy asks of such texts besides? Unknown formats have none.
 */
bool schema_json_format_holds(const struct fw_policy *policy, const char *format, struct fw_slice text);
const struct policy_field *schema_field(const struct policy_message *message, struct fw_slice name); /* or NULL */
#endif

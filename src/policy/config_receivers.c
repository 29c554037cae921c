/* audit_logging.receivers: who is sent the record while it is written. */
#include "policy/config_build.h"
#include "policy/config_digest.h"

#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "policy/config_event.h"
#include "policy/route.h"

enum {
#define RECEIVER_TEXT(name, help) ROW_##name,
#define RECEIVER_TEXTS(name, help) ROW_##name,
#define RECEIVER_BOOLEAN(name, value, help) ROW_##name,
#define RECEIVER_INTEGER(name, value, min, max, unit, help) ROW_##name,
#include "tables/receivers.def"
#undef RECEIVER_TEXT
#undef RECEIVER_TEXTS
#undef RECEIVER_BOOLEAN
#undef RECEIVER_INTEGER
	ROWS
};

static const char *const names[ROWS] = {
#define RECEIVER_TEXT(name, help) #name,
#define RECEIVER_TEXTS(name, help) #name,
#define RECEIVER_BOOLEAN(name, value, help) #name,
#define RECEIVER_INTEGER(name, value, min, max, unit, help) #name,
#include "tables/receivers.def"
#undef RECEIVER_TEXT
#undef RECEIVER_TEXTS
#undef RECEIVER_BOOLEAN
#undef RECEIVER_INTEGER
};

static const char *const formats[] = {
#define EXPORT_FORMAT(name, help) #name,
#include "tables/export_formats.def"
#undef EXPORT_FORMAT
};

static const char *const levels[] = { "info", "warning", "critical", "emergency" };

/* By number (RFC 5424 6.2.1), as syslog(3) has their names. */
static const char *const facilities[] = { "kern",   "user",   "mail",	"daemon", "auth",     "syslog",
					  "lpr",    "news",   "uucp",	"cron",	  "authpriv", "ftp",
					  "ntp",    "audit",  "alert",	"clock",  "local0",   "local1",
					  "local2", "local3", "local4", "local5", "local6",   "local7" };

enum { WHY = 96, SECRET_LEAST = 24, SECRET_TEXT = 6 + 88 };

static unsigned find(const char *const *words, unsigned count, const char *word)
{
	unsigned found = 0;

	while (found < count && strcmp(words[found], word) != 0)
		found++;
	return found;
}
#define FIND(words, word) find(words, sizeof(words) / sizeof(*(words)), word)
#define HAS(words, word) (FIND(words, word) < sizeof(words) / sizeof(*(words)))

static bool check_event(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	char shown[64];

	if (config_event_find(text) != EVENT_TYPES)
		return true;
	config_report_error(config, place, "\"%s\": there is no event \"%s\"", path,
			    config_report_quote(config, text, shown));
	return false;
}

static void set_text(struct config *config, const char *name, struct config_place place, struct fy_node *value,
		     const char **ret_text)
{
	struct fw_slice text;

	if (!config_yaml_is_text(config, place, name, value, &text))
		return;
	if (text.size == 0 || memchr(text.data, '\n', text.size) != NULL || memchr(text.data, '\t', text.size) != NULL)
		config_report_error(config, place, "\"%s\" is one line, and not empty", name);
	else
		*ret_text = config_value_text(config, text);
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place place,
		       struct fy_node *value)
{
	struct receiver *receiver = user;
	struct fw_slice text;

	switch (index) {
#define RECEIVER_TEXT(name, help)                                                                                      \
	case ROW_##name:                                                                                               \
		set_text(config, #name, place, value, &receiver->name);                                                \
		break;
#define RECEIVER_TEXTS(name, help)                                                                                     \
	case ROW_##name:                                                                                               \
		config_value_texts(config, place, #name, value, index == ROW_events ? check_event : NULL,              \
				   &receiver->name);                                                                   \
		break;
#define RECEIVER_BOOLEAN(name, value_, help)                                                                           \
	case ROW_##name:                                                                                               \
		if (config_yaml_is_text(config, place, #name, value, &text))                                           \
			config_value_boolean(config, place, #name, text, &receiver->name);                             \
		break;
#define RECEIVER_INTEGER(name, value_, min, max, unit, help)                                                           \
	case ROW_##name:                                                                                               \
		if (config_yaml_is_text(config, place, #name, value, &text))                                           \
			config_value_integer(config, place, #name, text, min, max, unit, &receiver->name);             \
		break;
#include "tables/receivers.def"
#undef RECEIVER_TEXT
#undef RECEIVER_TEXTS
#undef RECEIVER_BOOLEAN
#undef RECEIVER_INTEGER
	default:
		break;
	}
}

/* HOST:PORT behind the scheme. */
static void read_place(struct config *config, struct config_place place, struct receiver *receiver,
		       struct fw_slice text)
{
	struct fw_slice host;
	char digits[ENCODE_U64];
	long port;

	if (!route_place(text, &host, &port) || port < 1) {
		config_report_error(config, place, "\"url\" has no HOST:PORT, as in tls://siem.example.com:6514");
		return;
	}
	if (host.size > 2 && host.data[0] == '[')
		host = slice(host.data + 1, host.size - 2);
	receiver->host = config_value_text(config, host);
	receiver->port = config_value_text(config, slice(digits, encode_u64((uint64_t)port, digits)));
}

static void read_url(struct config *config, struct config_place place, struct receiver *receiver)
{
	static const struct {
		const char *scheme;
		enum receiver_kind kind;
	} schemes[] = {
		{ "udp://", RECEIVER_UDP },	  { "tcp://", RECEIVER_TCP },	 { "tls://", RECEIVER_TLS },
		{ "https://", RECEIVER_HTTPS },	  { "http://", RECEIVER_HTTPS }, { "file:", RECEIVER_FILE },
		{ "program:", RECEIVER_PROGRAM }, { "smtp://", RECEIVER_SMTP },	 { "smtps://", RECEIVER_SMTP }
	};
	struct fw_slice url = slice_text(receiver->url);
	const char *fault;
	unsigned i = 0;

	while (i < sizeof(schemes) / sizeof(*schemes) && !slice_starts(url, schemes[i].scheme))
		i++;
	if (i == sizeof(schemes) / sizeof(*schemes)) {
		config_report_error(
			config, place,
			"\"url\" begins with udp://, tcp://, tls://, https://, smtp://, smtps://, file: or program:");
		return;
	}
	receiver->kind = schemes[i].kind;
	url = slice_from(url, strlen(schemes[i].scheme));
	if (receiver->kind == RECEIVER_HTTPS) {
		fault = provider_url_fault(slice_text(receiver->url), receiver->allow_http);
		if (fault != NULL)
			config_report_error(config, place, "\"url\" of a receiver is %s", fault);
	} else if (receiver->kind < RECEIVER_FILE || receiver->kind == RECEIVER_SMTP) {
		read_place(config, place, receiver, url);
	} else if (url.size == 0) {
		config_report_error(
			config, place,
			"\"url\" names no file, as in file:/var/log/framewall.json or program:/usr/local/bin/handler");
	} else {
		receiver->path = config_value_beside(config, url);
	}
}

/* What can end no line of a mail, and is one address. */
static bool is_mail_address(const char *text)
{
	const char *at = strchr(text, '@');

	if (at == NULL || at == text || at[1] == '\0' || strlen(text) > RECEIVER_ADDRESS)
		return false;
	for (; *text != '\0'; text++)
		if ((uint8_t)*text <= 0x20 || (uint8_t)*text > 0x7e || strchr("<>(),;:\\\"[]", *text) != NULL)
			return false;
	return true;
}

static void check_mail(struct config *config, struct config_place place, const struct receiver *receiver)
{
	bool mail = receiver->kind == RECEIVER_SMTP;

	if (!mail &&
	    (receiver->from != NULL || receiver->to.count != 0 || receiver->user != NULL || receiver->password != NULL))
		config_report_error(config, place,
				    "\"from\", \"to\", \"user\" and \"password\" have no meaning with this \"url\"");
	if (!mail)
		return;
	if (receiver->from == NULL || receiver->to.count == 0 || receiver->to.count > RECEIVER_TO)
		config_report_error(config, place, "smtp needs \"from\", and \"to\" with 1 to %d addresses",
				    (int)RECEIVER_TO);
	if (receiver->from != NULL && !is_mail_address(receiver->from))
		config_report_error(config, place, "\"from\" is an address such as framewall@example.com");
	for (size_t i = 0; i < receiver->to.count; i++)
		if (!is_mail_address(receiver->to.items[i]))
			config_report_error(config, place,
					    "\"to\" has an entry that is no address such as ops@example.com");
	if ((receiver->user != NULL) != (receiver->password != NULL))
		config_report_error(config, place, "\"user\" and \"password\" need one another");
}

/* Standard Webhooks: "whsec_" and base64. */
static void read_secret(struct config *config, struct config_place place, struct receiver *receiver)
{
	struct fw_slice text = slice_text(receiver->secret);
	uint8_t octets[SECRET_TEXT / 4 * 3 + 3];
	ptrdiff_t size = -1;

	if (slice_starts(text, "whsec_") && text.size <= SECRET_TEXT)
		size = decode_base64((const char *)text.data + 6, text.size - 6, 0, octets);
	if (size < SECRET_LEAST || size > RECEIVER_SECRET) {
		config_report_error(config, place, "\"secret\" is whsec_ and the base64 of %d to %d octets",
				    (int)SECRET_LEAST, (int)RECEIVER_SECRET);
		return;
	}
	memcpy(receiver->secret_octets, octets, (size_t)size);
	receiver->secret_size = (size_t)size;
	memset(octets, 0, sizeof(octets));
}

static void read_words(struct config *config, struct config_place place, struct receiver *receiver)
{
	bool syslog = receiver->kind <= RECEIVER_TLS;

	if (receiver->format == NULL)
		receiver->format = syslog ? "syslog" : "jsonl";
	if (receiver->level == NULL)
		receiver->level = levels[0];
	if (syslog && receiver->facility == NULL)
		receiver->facility = facilities[RECEIVER_FACILITY];
	if (syslog && receiver->app == NULL)
		receiver->app = "framewall";
	receiver->alertmanager = receiver->kind == RECEIVER_HTTPS && strcmp(receiver->format, "alertmanager") == 0;
	if (!receiver->alertmanager && !HAS(formats, receiver->format))
		config_report_error(config, place, "\"format\" is jsonl, ocsf, ecs, cef, leef or syslog");
	if (!HAS(levels, receiver->level))
		config_report_error(config, place, "\"level\" is info, warning, critical or emergency");
	if (receiver->facility != NULL && !HAS(facilities, receiver->facility))
		config_report_error(config, place, "\"facility\" is one of syslog, such as audit, auth or local0");
	receiver->least_level = (uint8_t)FIND(levels, receiver->level);
	receiver->facility_number =
		receiver->facility != NULL ? (uint8_t)FIND(facilities, receiver->facility) : RECEIVER_FACILITY;
}

static void read_events(struct config *config, struct config_place place, struct receiver *receiver)
{
	if (receiver->events.count > LIMIT_RECEIVER_EVENTS)
		config_report_error(config, place, "\"events\" has more than %d names", (int)LIMIT_RECEIVER_EVENTS);
	memset(receiver->unwanted, receiver->events.count != 0, sizeof(receiver->unwanted));
	for (size_t i = 0; i < receiver->events.count; i++) {
		unsigned type = config_event_find(slice_text(receiver->events.items[i]));

		if (type < EVENT_TYPES)
			receiver->unwanted[type] = 0;
	}
	for (unsigned type = 0; receiver->alertmanager && type < EVENT_TYPES; type++)
		receiver->unwanted[type] |= type != EVENT_alert_raised && type != EVENT_alert_resolved;
}

static bool visible(const char *text, uint8_t least)
{
	for (; *text != '\0'; text++)
		if ((uint8_t)*text < least || (uint8_t)*text > 0x7e)
			return false;
	return true;
}

/* A member that would do nothing is a mistake: most often the scheme is another one than was meant. */
static void check_kind(struct config *config, struct config_place place, const struct receiver *receiver)
{
	const struct {
		const char *name, *value;
		unsigned kinds; /* bit set */
	} only[] = {
		{ "facility", receiver->facility, 1 << RECEIVER_UDP | 1 << RECEIVER_TCP | 1 << RECEIVER_TLS },
		{ "app", receiver->app, 1 << RECEIVER_UDP | 1 << RECEIVER_TCP | 1 << RECEIVER_TLS },
		{ "ca_file", receiver->ca_file, 1 << RECEIVER_TLS | 1 << RECEIVER_HTTPS | 1 << RECEIVER_SMTP },
		{ "server_name", receiver->server_name, 1 << RECEIVER_TLS | 1 << RECEIVER_HTTPS },
		{ "certificate", receiver->certificate, 1 << RECEIVER_TLS | 1 << RECEIVER_HTTPS | 1 << RECEIVER_SMTP },
		{ "key", receiver->key, 1 << RECEIVER_TLS | 1 << RECEIVER_HTTPS | 1 << RECEIVER_SMTP },
		{ "secret", receiver->secret, 1 << RECEIVER_HTTPS },
		{ "authorization", receiver->authorization, 1 << RECEIVER_HTTPS },
		{ "dead_letters", receiver->dead_letters, 1 << RECEIVER_HTTPS | 1 << RECEIVER_SMTP },
	};
	struct fw_slice host;
	long port;

	if (receiver->kind != RECEIVER_PROGRAM && receiver->arguments.count != 0)
		config_report_error(config, place, "\"arguments\" has no meaning with this \"url\"");
	if (receiver->arguments.count > RECEIVER_ARGUMENTS)
		config_report_error(config, place, "\"arguments\" has more than %d", (int)RECEIVER_ARGUMENTS);
	for (unsigned i = 0; i < sizeof(only) / sizeof(*only); i++)
		if (only[i].value != NULL && (only[i].kinds >> receiver->kind & 1) == 0)
			config_report_error(config, place, "\"%s\" has no meaning with this \"url\"", only[i].name);
	if (receiver->app != NULL && (strlen(receiver->app) > RECEIVER_APP || !visible(receiver->app, 0x21)))
		config_report_error(config, place, "\"app\" is 1 to %d visible ASCII characters", (int)RECEIVER_APP);
	if (receiver->authorization != NULL && !visible(receiver->authorization, 0x20))
		config_report_error(config, place, "\"authorization\" is visible ASCII, as a header has it");
	if (receiver->key != NULL && receiver->certificate == NULL)
		config_report_error(config, place, "\"key\" needs a \"certificate\"");
	if (receiver->server_name != NULL &&
	    (!route_place(slice_text(receiver->server_name), &host, &port) || port >= 0))
		config_report_error(config, place, "\"server_name\" is the name of a host");
}

static void read_files(struct config *config, struct receiver *receiver)
{
	const char **files[] = { &receiver->ca_file, &receiver->certificate, &receiver->key, &receiver->dead_letters };

	for (unsigned i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (*files[i] != NULL)
			*files[i] = config_value_beside(config, slice_text(*files[i]));
}

/* SHA-256 of the digest so far and a value: never shown, only compared. */
static void digest_receiver(struct receiver *receiver)
{
	uint8_t *digest = receiver->digest;

#define RECEIVER_TEXT(name, help) config_digest_text(digest, receiver->name);
#define RECEIVER_TEXTS(name, help)                                                                                     \
	for (size_t i = 0; i < receiver->name.count; i++)                                                              \
		config_digest(digest, slice_text(receiver->name.items[i]));                                            \
	config_digest(digest, slice("", 1));
#define RECEIVER_BOOLEAN(name, value, help) config_digest(digest, slice(&receiver->name, sizeof(receiver->name)));
#define RECEIVER_INTEGER(name, value, min, max, unit, help)                                                            \
	config_digest(digest, slice(&receiver->name, sizeof(receiver->name)));
#include "tables/receivers.def"
#undef RECEIVER_TEXT
#undef RECEIVER_TEXTS
#undef RECEIVER_BOOLEAN
#undef RECEIVER_INTEGER
}

static void check_names(struct config *config, struct config_place place, const struct receiver *receiver)
{
	const struct receiver *other = config->policy->receivers;

	if (!config_check_id(slice_text(receiver->name), RECEIVER_NAME) || receiver->name[0] == '.')
		config_report_error(config, place,
				    "\"name\" of a receiver is 1 to %d letters, digits, \"_\", \"-\" and \".\", the "
				    "last not in front",
				    (int)RECEIVER_NAME);
	for (; other < receiver; other++)
		if (other->name != NULL && slice_equal_nocase(slice_text(other->name), slice_text(receiver->name)))
			config_report_error(config, place, "two receivers are named \"%s\"", receiver->name);
}

static void read_receiver(struct config *config, struct config_place place, struct fy_node *node)
{
	struct receiver *receiver = &config->policy->receivers[config->policy->receiver_count++];
	unsigned before = config->errors;

	*receiver = (struct receiver){
#define RECEIVER_TEXT(member, help)
#define RECEIVER_TEXTS(member, help)
#define RECEIVER_BOOLEAN(member, value, help) .member = (value),
#define RECEIVER_INTEGER(member, value, min, max, unit, help) .member = (value),
#include "tables/receivers.def"
#undef RECEIVER_TEXT
#undef RECEIVER_TEXTS
#undef RECEIVER_BOOLEAN
#undef RECEIVER_INTEGER
	};
	config_walk_map(config, node, "a receiver", names, ROWS, set_member, receiver);
	if (config->errors != before || config->short_of_memory)
		return;
	if (receiver->name == NULL || receiver->url == NULL) {
		config_report_error(config, place, "a receiver needs \"name\" and \"url\"");
		return;
	}
	check_names(config, place, receiver);
	read_url(config, place, receiver);
	check_kind(config, place, receiver);
	check_mail(config, place, receiver);
	read_words(config, place, receiver);
	read_events(config, place, receiver);
	receiver->checkpoints = receiver->checkpoints && !receiver->alertmanager && receiver->kind != RECEIVER_SMTP;
	if (receiver->secret != NULL)
		read_secret(config, place, receiver);
	read_files(config, receiver);
	digest_receiver(receiver);
}

void config_receivers(struct config *config)
{
	const struct config_section *section = config_topmost(config->receivers);
	struct config_place place = { .node = section->key };
	struct fy_node *item;
	void *at = NULL;
	int count;

	if (section->key == NULL || !config_yaml_is_list(config, place, "\"audit_logging.receivers\"", section->value))
		return;
	count = fy_node_sequence_item_count(section->value);
	if (count > LIMIT_RECEIVERS) {
		config_report_error(config, place, "there are more than %d receivers", (int)LIMIT_RECEIVERS);
		return;
	}
	config->hiding = true; /* what stands beside a mistake may be a secret */
	config->policy->receivers = config_value_zero(config, (size_t)count, sizeof(*config->policy->receivers));
	while (config->policy->receivers != NULL && (item = fy_node_sequence_iterate(section->value, &at)) != NULL) {
		struct config_place here = config_yaml_place(item, place);

		if (config_yaml_kind(config, place, item) == CONFIG_MAP)
			read_receiver(config, here, item);
		else
			config_report_error(config, here, "each receiver is a mapping with name and url");
	}
	config->hiding = false;
}

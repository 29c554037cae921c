/* Behaviour that is odd, where all events of all workers come by once: in the recorder's thread, before any is summed
 * up. What src/watch finds becomes a record of its own. */
#include "shell/keeper_watch.h"

#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "policy/policy.h"
#include "shell/keeper_parts.h"

enum { OFF, ON, FROZEN, SENSITIVITY = 2, COOLDOWN = 16, LEARNING = 34, TEXT = 64 };

void keeper_watch_set(struct keeper_watch *watching, const struct fw_policy *policy)
{
	const struct settings *settings = &policy->settings;

	atomic_store(&watching->wanted, (uint64_t)settings->anomaly_mode |
						(uint64_t)settings->anomaly_sensitivity << SENSITIVITY |
						(uint64_t)settings->anomaly_cooldown << COOLDOWN |
						(uint64_t)settings->anomaly_learning << LEARNING);
}

static uint64_t bits(uint64_t value, unsigned from, unsigned to)
{
	return value >> from & ((UINT64_C(1) << (to - from)) - 1);
}

/* Takes what is wanted now. False: nobody is watched. */
static bool use(struct keeper_recorder *recorder)
{
	struct keeper_watch *watching = &recorder->watching;
	const struct keeper_options *options = recorder->options;
	uint64_t wanted = atomic_load(&watching->wanted), mode = bits(wanted, 0, SENSITIVITY);
	const struct watch_options watch = { .users = LIMIT_WATCH_USERS,
					     .connections = LIMIT_WATCH_CONNECTIONS,
					     .sensitivity = (double)bits(wanted, SENSITIVITY, COOLDOWN) / 100,
					     .cooldown_s = (uint32_t)bits(wanted, COOLDOWN, LEARNING),
					     .learning_s = (uint32_t)bits(wanted, LEARNING, 63) * 3600 };

	if (wanted == watching->used)
		return watching->watch != NULL;
	watching->used = wanted;
	if (mode == OFF) {
		watching->watch = watch_free(watching->watch);
		memset(watching->types, 0, sizeof(watching->types));
		keeper_watch_forget(recorder);
		return false;
	}
	if (watching->watch == NULL) {
		options->random.fill(options->random.user, (uint8_t *)&watching->key, sizeof(watching->key));
		watching->watch = watch_new(&watch); /* NULL: tried again with the next configuration */
		if (watching->watch != NULL)
			keeper_watch_load(recorder);
	}
	if (watching->watch == NULL)
		return false;
	watch_set(watching->watch, &watch);
	watch_freeze(watching->watch, mode == FROZEN);
	return true;
}

static uint64_t name_of(const struct keeper_watch *watching, struct fw_slice text)
{
	uint64_t name = text.size == 0 ? 0 : hash_bytes(&watching->key, text.data, text.size);

	return name == 0 && text.size != 0 ? 1 : name;
}

/* As coarse as providers are: 16 bits of IPv4, 32 of IPv6. */
static uint64_t network_of(const struct fw_addr *address)
{
	uint64_t network = 0;
	unsigned octets = address->family == 4 ? 2 : 4;

	for (unsigned i = 0; i < octets; i++)
		network = network << 8 | address->bytes[i];
	return network | (uint64_t)address->family << 32;
}

static const struct fw_detail *detail_of(const struct fw_record *record, const char *key)
{
	for (unsigned i = 0; i < record->detail_count; i++)
		if (strcmp(record->details[i].key, key) == 0)
			return &record->details[i];
	return NULL;
}

/* In the order in which they came, so that no two of them are one by chance. */
static uint32_t type_of(struct keeper_watch *watching, const struct fw_record *record)
{
	const struct fw_detail *detail = detail_of(record, "type");
	uint64_t name = detail == NULL || detail->kind != FW_DETAIL_TEXT ? 1 : name_of(watching, detail->text);
	uint32_t type = 0;

	while (type < KEEPER_WATCH_TYPES && watching->types[type] != 0 && watching->types[type] != name)
		type++;
	if (type < KEEPER_WATCH_TYPES)
		watching->types[type] = name;
	return type;
}

/* Its signature held, so that nobody guessed it. */
static bool has_expired(const struct fw_record *record)
{
	const struct fw_detail *cause = detail_of(record, "cause");

	return cause != NULL && cause->kind == FW_DETAIL_TEXT && slice_equal(cause->text, slice_text("expired"));
}

static uint32_t number_of(const struct fw_record *record, const char *key)
{
	const struct fw_detail *detail = detail_of(record, key);

	if (detail == NULL || detail->kind != FW_DETAIL_INTEGER || detail->number < 0)
		return 0;
	return detail->number < UINT32_MAX ? (uint32_t)detail->number : UINT32_MAX;
}

static void write_down(struct keeper_recorder *recorder, const struct fw_record *cause, const struct watch_alert *alert)
{
	const struct keeper_options *options = recorder->options;
	struct fw_record record = { .wall_us = cause->wall_us,
				    .type = EVENT_anomaly_detected,
				    .level = recorder->levels[EVENT_anomaly_detected],
				    .connection_id = cause->connection_id,
				    .source = cause->source };
	char texts[WATCH_ALERT_FEATURES][TEXT];
	uint8_t id[FW_EVENT_ID_SIZE / 2];

	options->random.fill(options->random.user, id, sizeof(id));
	encode_hex(id, sizeof(id), record.event_id);
	if (alert->user != 0) {
		record.user_id = cause->user_id;
		record.session_id = cause->session_id;
	}
	detail_add(&record, detail_text("anomaly", slice_text(watch_kind_names[alert->kind])));
	detail_add(&record, detail_number("percent", (uint64_t)(alert->score * 100)));
	for (size_t i = 0; i < alert->feature_count; i++) {
		snprintf(texts[i], TEXT, "%.4g, usually %.4g", alert->features[i].found, alert->features[i].usual);
		detail_add(&record, detail_text(watch_feature_names[alert->features[i].feature], slice_text(texts[i])));
	}
	detail_add(&record, detail_text("event", slice(cause->event_id, sizeof(cause->event_id))));
	/* The thread that would make room is this one: where there is none, the alert is counted and that is all. */
	if (!ipc_try_record(recorder->own, &record, KEEPER_WORKER))
		atomic_fetch_add(&recorder->watching.lost, 1);
}

static bool give(struct keeper_recorder *recorder, const struct fw_record *record, struct watch_event *event,
		 enum watch_what what)
{
	struct watch_alert alert;

	event->what = what;
	if (!watch_take(recorder->watching.watch, event, &alert))
		return false;
	write_down(recorder, record, &alert);
	return true;
}

void keeper_watch_see(struct keeper_recorder *recorder, const struct fw_record *record)
{
	struct keeper_watch *watching = &recorder->watching;

	if (recorder->options == NULL || !use(recorder) || record->connection_id == 0)
		return;
	struct watch_event event = { .at_ms = record->wall_us / 1000,
				     .connection = record->connection_id,
				     .user = name_of(watching, record->user_id),
				     .session = name_of(watching, record->session_id),
				     .network = network_of(&record->source),
				     .count = 1 };

	switch (record->type) {
	case EVENT_websocket_connected:
		give(recorder, record, &event, WATCH_OPEN);
		break;
	case EVENT_auth_success:
		give(recorder, record, &event, WATCH_LOGIN);
		break;
	case EVENT_auth_failure:
		event.expired = has_expired(record);
		/* Whoever is refused is sent away, but for one who was in and shows another token. */
		give(recorder, record, &event, WATCH_LOGIN_FAILED);
		if (event.user == 0)
			give(recorder, record, &event, WATCH_CLOSE);
		break;
	case EVENT_websocket_disconnect:
		give(recorder, record, &event, WATCH_CLOSE);
		break;
	case EVENT_permission_denied:
		event.type = type_of(watching, record);
		give(recorder, record, &event, WATCH_REFUSED);
		break;
	case EVENT_data_modification:
		/* A second's messages of one type are one record. */
		event.type = type_of(watching, record);
		event.count = number_of(record, "count");
		event.bytes = number_of(record, "bytes");
		give(recorder, record, &event, WATCH_MESSAGE);
		break;
	case EVENT_data_access:
		event.count = number_of(record, "count");
		event.bytes = number_of(record, "bytes");
		give(recorder, record, &event, WATCH_DELIVERED);
		break;
	default:
		break;
	}
}

void keeper_watch_stop(struct keeper_recorder *recorder)
{
	struct keeper_watch *watching = &recorder->watching;

	keeper_watch_save(recorder, false);
	watching->watch = watch_free(watching->watch);
}

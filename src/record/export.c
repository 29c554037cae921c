#include "record/export.h"

#include <string.h>

#include "base/encode.h"
#include "base/event_type.h"
#include "base/slice.h"
#include "record/export_parts.h"

enum {
#define EVENT_CLASS(name, ocsf_class, ocsf_activity, outcome, category, types) CLASS_##name,
#include "tables/event_classes.def"
#undef EVENT_CLASS
	CLASSES
};

static const struct export_class classes[CLASSES] = {
#define EVENT_CLASS(name, ocsf_class, ocsf_activity, outcome, category, types)                                         \
	{ #name, ocsf_class, ocsf_activity, outcome, category, types },
#include "tables/event_classes.def"
#undef EVENT_CLASS
};

static const struct {
	uint8_t class;
	const char *help;
} events[EVENT_TYPES] = {
#define EVENT(name, level, alias, class, help) { CLASS_##class, help },
#include "tables/events.def"
#undef EVENT
};

static const char *const names[EXPORT_FORMATS] = {
#define EXPORT_FORMAT(name, help) #name,
#include "tables/export_formats.def"
#undef EXPORT_FORMAT
};

const char *export_format_name(unsigned format)
{
	return format < EXPORT_FORMATS ? names[format] : NULL;
}

unsigned export_format_find(const char *name)
{
	unsigned format = 0;

	while (format < EXPORT_FORMATS && strcmp(names[format], name) != 0)
		format++;
	return format;
}

/* The value of a member of an object; a string's without its quotation marks. False: it is of another kind. */
static bool take(const struct json *json, uint32_t object, const char *name, enum json_kind kind, bool may_be_null,
		 struct fw_slice *ret_value)
{
	uint32_t node = json_member(json, object, name, strlen(name));

	*ret_value = slice(NULL, 0);
	if (node == 0 || json->nodes[node].kind == JSON_NULL)
		return may_be_null;
	if (json->nodes[node].kind != kind)
		return false;
	*ret_value = json_raw(json, node);
	if (kind == JSON_STRING)
		*ret_value = slice(ret_value->data + 1, ret_value->size - 2);
	return true;
}

static bool take_time(struct export_record *record)
{
	return take(&record->json, 0, "timestamp", JSON_STRING, false, &record->time) &&
	       record->time.size == ENCODE_RFC3339 && decode_rfc3339((const char *)record->time.data, &record->wall_us);
}

static bool take_level(struct export_record *record)
{
	struct fw_slice level;
	unsigned number = 0;

	if (!take(&record->json, 0, "level", JSON_STRING, false, &level))
		return false;
	while (fw_level_name((uint8_t)number) != NULL && !slice_is(level, fw_level_name((uint8_t)number)))
		number++;
	record->level = number;
	return fw_level_name((uint8_t)number) != NULL;
}

/* A later version may have events that this one does not know: they are our own fault's kind, with their own name. */
static bool take_type(struct export_record *record)
{
	unsigned type = 0;

	if (!take(&record->json, 0, "event_type", JSON_STRING, false, &record->type))
		return false;
	while (type < EVENT_TYPES && !slice_is(record->type, fw_event_name((uint16_t)type)))
		type++;
	record->class = &classes[type < EVENT_TYPES ? events[type].class : CLASS_ERROR];
	record->title = type < EVENT_TYPES ? events[type].help : "an event that this version does not know";
	record->title_size = strcspn(record->title, ";");
	return true;
}

static bool read_record(struct export_record *record)
{
	const struct json *json = &record->json;
	uint32_t details;

	if (json_parse(record->exporter->arena, record->line, 0, &record->json, NULL) != JSON_OK ||
	    json->nodes[0].kind != JSON_OBJECT)
		return false;
	details = json_member(json, 0, "details", 7);
	return take_time(record) && take_level(record) && take_type(record) && details != 0 &&
	       take(json, 0, "details", JSON_OBJECT, false, &record->details) &&
	       take(json, 0, "sequence", JSON_NUMBER, false, &record->sequence) &&
	       take(json, 0, "source_ip", JSON_STRING, true, &record->source) &&
	       take(json, 0, "user_id", JSON_STRING, true, &record->user) &&
	       take(json, 0, "session_id", JSON_STRING, true, &record->session) &&
	       take(json, 0, "connection_id", JSON_NUMBER, true, &record->connection) &&
	       take(json, 0, "event_id", JSON_STRING, false, &record->event_id) &&
	       take(json, details, "cause", JSON_STRING, true, &record->cause);
}

static bool write_record(const struct export_record *record, struct buf *out)
{
	struct pool *pool = record->exporter->pool;
	struct json_writer w = { .out = out, .pool = pool };
	struct export_text text = { out, pool, false };

	switch (record->exporter->format) {
	case EXPORT_ocsf:
		export_ocsf(record, &w);
		break;
	case EXPORT_ecs:
		export_ecs(record, &w);
		break;
	case EXPORT_cef:
		export_cef(record, &text);
		break;
	case EXPORT_leef:
		export_leef(record, &text);
		break;
	case EXPORT_syslog:
		export_syslog(record, &text);
		break;
	default:
		text.failed = buf_append(out, pool, record->line.data, record->line.size) != 0;
		break;
	}
	return !w.failed && !text.failed && buf_append(out, pool, "\n", 1) == 0;
}

enum export_result export_line(const struct exporter *exporter, struct fw_slice line, struct buf *out)
{
	struct export_record record = { .exporter = exporter, .line = line };
	size_t before = buf_size(out);
	bool read;

	arena_reset(exporter->arena);
	read = read_record(&record);
	if (!read)
		return EXPORT_NO_RECORD;
	if (write_record(&record, out))
		return EXPORT_DONE;
	buf_cut(out, before); /* half a line must not stay: the next one would be joined to it */
	return EXPORT_MEMORY;
}

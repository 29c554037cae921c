#include "record/export.h"

#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/event_type.h"
#include "base/slice.h"
#include "record/checkpoint.h"
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
#define EVENT(name, level, alias, class, alone, help) { CLASS_##class, help },
#include "tables/events.def"
#undef EVENT
};

static const char *const names[EXPORT_FORMATS] = {
#define EXPORT_FORMAT(name, help) #name,
#include "tables/export_formats.def"
#undef EXPORT_FORMAT
};

static const char checkpoint_type[] = "ledger_checkpoint";

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
	record->number = type;
	record->is_checkpoint = slice_is(record->type, checkpoint_type);
	record->class = &classes[type < EVENT_TYPES ? events[type].class : CLASS_ERROR];
	record->title = type < EVENT_TYPES ? events[type].help : "an event that this version does not know";
	if (record->is_checkpoint) {
		record->class = &classes[CLASS_RECORD];
		record->title = "a signed checkpoint of the record";
	}
	record->title_size = strcspn(record->title, ";");
	return true;
}

/* A sum has a count, and two times; what looks otherwise is none. */
static void take_sum(struct export_record *record, uint32_t details)
{
	const struct json *json = &record->json;

	if (event_type_is_summed(record->number) && take(json, details, "count", JSON_NUMBER, false, &record->count) &&
	    record->count.data[0] != '-' && take(json, details, "first_at", JSON_STRING, false, &record->first) &&
	    take(json, details, "last_at", JSON_STRING, false, &record->last) && record->first.size == ENCODE_RFC3339 &&
	    record->last.size == ENCODE_RFC3339 &&
	    decode_rfc3339((const char *)record->first.data, &record->first_us) &&
	    decode_rfc3339((const char *)record->last.data, &record->last_us))
		return;
	record->count = record->first = record->last = slice(NULL, 0);
}

static bool take_members(struct export_record *record, uint32_t details)
{
	const struct json *json = &record->json;

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

static bool read_record(struct export_record *record)
{
	const struct json *json = &record->json;
	uint32_t details;

	if (json_parse(record->exporter->arena, record->line, 0, &record->json, NULL) != JSON_OK ||
	    json->nodes[0].kind != JSON_OBJECT)
		return false;
	details = json_member(json, 0, "details", 7);
	if (!take_members(record, details))
		return false;
	take_sum(record, details);
	return true;
}

static bool is_wanted(const struct export_record *record)
{
	const struct exporter *exporter = record->exporter;

	if (record->is_checkpoint)
		return true;
	return record->level >= exporter->least_level &&
	       (exporter->unwanted == NULL || record->number == EVENT_TYPES || exporter->unwanted[record->number] == 0);
}

static bool write_record(const struct export_record *record, struct buf *out)
{
	struct pool *pool = record->exporter->pool;
	struct json_writer w = { .out = out, .pool = pool };
	struct export_text text = { out, pool, false };

	if (record->exporter->head != NULL && record->exporter->format != EXPORT_syslog)
		export_head(record, &text);
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
		text.failed |= buf_append(out, pool, record->line.data, record->line.size) != 0;
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
	if (!is_wanted(&record))
		return EXPORT_UNWANTED;
	if (write_record(&record, out))
		return EXPORT_DONE;
	buf_cut(out, before); /* half a line must not stay: the next one would be joined to it */
	return EXPORT_MEMORY;
}

static void write_members(struct json_writer *w, const struct checkpoint *checkpoint, struct fw_slice note,
			  uint64_t wall_us)
{
	static const char *const nulls[] = { "source_ip", "user_id", "session_id", "connection_id" };
	char time[ENCODE_RFC3339], id[FW_EVENT_ID_SIZE];

	encode_rfc3339(wall_us, time);
	encode_hex(checkpoint->root.bytes, sizeof(id) / 2, id);
	json_write_key(w, "timestamp");
	json_write_text(w, slice(time, sizeof(time)));
	json_write_key(w, "sequence");
	json_write_integer(w, (int64_t)checkpoint->size);
	json_write_key(w, "event_type");
	json_write_string(w, checkpoint_type);
	json_write_key(w, "level");
	json_write_string(w, fw_level_name(FW_LEVEL_INFO));
	json_write_key(w, "severity");
	json_write_integer(w, FW_LEVEL_INFO);
	for (unsigned i = 0; i < sizeof(nulls) / sizeof(*nulls); i++) {
		json_write_key(w, nulls[i]);
		json_write_null(w);
	}
	json_write_key(w, "event_id");
	json_write_text(w, slice(id, sizeof(id)));
	json_write_key(w, "details");
	json_write_open(w, '{');
	json_write_key(w, "note");
	json_write_text(w, note);
	json_write_close(w, '}');
}

bool export_checkpoint(struct fw_slice note, uint64_t wall_us, struct buf *out, struct pool *pool)
{
	struct json_writer w = { .out = out, .pool = pool };
	struct checkpoint checkpoint;

	if (!checkpoint_read(note, &checkpoint))
		return false;
	json_write_open(&w, '{');
	write_members(&w, &checkpoint, note, wall_us);
	json_write_close(&w, '}');
	return !w.failed;
}

uint64_t export_checkpoint_size(struct fw_slice note)
{
	struct checkpoint checkpoint;

	return checkpoint_read(note, &checkpoint) ? checkpoint.size : 0;
}

void export_host(char ret_host[EXPORT_HOST])
{
	if (gethostname(ret_host, EXPORT_HOST) != 0 || ret_host[0] == '\0')
		memcpy(ret_host, "-", 2);
	ret_host[EXPORT_HOST - 1] = '\0';
	for (char *at = ret_host; *at != '\0'; at++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", *at) == NULL)
			*at = '-';
}

/* export_json.c: OCSF (https://schema.ocsf.io, 1.4) and ECS (8.11). Values are copied from the record's line as the
 * JSON they are there. */
#include <string.h>

#include "base/slice.h"
#include "record/export_parts.h"

enum { OCSF_SUCCESS = 1, OCSF_FAILURE = 2, QUOTED = 64 };

/* A value from between quotation marks. */
static void write_quoted(struct json_writer *w, const char *key, struct fw_slice text)
{
	if (text.size == 0)
		return;
	json_write_key(w, key);
	json_write_raw(w, slice(text.data - 1, text.size + 2));
}

static void write_raw(struct json_writer *w, const char *key, struct fw_slice value)
{
	if (value.size == 0)
		return;
	json_write_key(w, key);
	json_write_raw(w, value);
}

static void write_string(struct json_writer *w, const char *key, const char *text)
{
	json_write_key(w, key);
	json_write_string(w, text);
}

static void write_integer(struct json_writer *w, const char *key, int64_t value)
{
	json_write_key(w, key);
	json_write_integer(w, value);
}

static void open_object(struct json_writer *w, const char *key)
{
	json_write_key(w, key);
	json_write_open(w, '{');
}

static void write_title(struct json_writer *w, const struct export_record *record)
{
	json_write_key(w, "message");
	json_write_text(w, slice(record->title, record->title_size));
}

/* ocsf: the classes that have other attributes than the rest. */
enum {
	OCSF_EVENT_LOG = 1008,
	OCSF_FINDING = 2004,
	OCSF_AUTHENTICATION = 3002,
	OCSF_LIFECYCLE = 6002,
	OCSF_API = 6003,
	OCSF_ERROR = 6008,
};

static void write_ocsf_user(struct json_writer *w, const struct export_record *record)
{
	open_object(w, "user");
	if (record->user.size != 0)
		write_quoted(w, "uid", record->user);
	else
		write_string(w, "name", "unknown");
	json_write_close(w, '}');
}

static void write_ocsf_actor(struct json_writer *w, const struct export_record *record)
{
	open_object(w, "actor");
	if (record->user.size != 0)
		write_ocsf_user(w, record);
	else
		write_string(w, "app_name", "Framewall");
	if (record->session.size != 0) {
		open_object(w, "session");
		write_quoted(w, "uid", record->session);
		json_write_close(w, '}');
	}
	json_write_close(w, '}');
}

static void write_ocsf_product(struct json_writer *w, const char *key)
{
	open_object(w, key);
	write_string(w, "name", "Framewall");
	write_string(w, "vendor_name", "Framewall");
	write_string(w, "version", FRAMEWALL_VERSION);
	json_write_close(w, '}');
}

static void write_ocsf_metadata(struct json_writer *w, const struct export_record *record)
{
	open_object(w, "metadata");
	write_string(w, "version", "1.4.0");
	json_write_key(w, "profiles");
	json_write_open(w, '[');
	json_write_string(w, "host"); /* actor and device in classes that have none of their own */
	json_write_close(w, ']');
	write_ocsf_product(w, "product");
	write_quoted(w, "uid", record->event_id);
	write_raw(w, "sequence", record->sequence);
	write_quoted(w, "event_code", record->type);
	write_quoted(w, "original_time", record->time);
	write_string(w, "log_name", "security_audit");
	json_write_close(w, '}');
}

static void write_ocsf_endpoints(struct json_writer *w, const struct export_record *record)
{
	open_object(w, "src_endpoint");
	if (record->source.size != 0)
		write_quoted(w, "ip", record->source);
	else
		write_string(w, "name", "unknown");
	json_write_close(w, '}');
	open_object(w, "dst_endpoint");
	write_string(w, "hostname", record->exporter->host);
	write_string(w, "svc_name", "framewall");
	json_write_close(w, '}');
}

static void write_ocsf_device(struct json_writer *w, const struct export_record *record)
{
	open_object(w, "device");
	write_string(w, "hostname", record->exporter->host);
	write_integer(w, "type_id", 1); /* a server */
	json_write_close(w, '}');
}

static bool has_endpoints(unsigned class)
{
	return class != OCSF_FINDING && class != OCSF_LIFECYCLE && class != OCSF_ERROR;
}

static void write_ocsf_class(struct json_writer *w, const struct export_record *record)
{
	switch (record->class->ocsf_class) {
	case OCSF_AUTHENTICATION:
		write_ocsf_user(w, record);
		break;
	case OCSF_FINDING:
		open_object(w, "finding_info");
		write_quoted(w, "uid", record->event_id);
		json_write_key(w, "title");
		json_write_text(w, slice(record->title, record->title_size));
		json_write_close(w, '}');
		json_write_key(w, "evidences");
		json_write_open(w, '[');
		json_write_open(w, '{');
		write_ocsf_endpoints(w, record);
		json_write_close(w, '}');
		json_write_close(w, ']');
		break;
	case OCSF_LIFECYCLE:
		write_ocsf_product(w, "app");
		write_ocsf_device(w, record);
		break;
	case OCSF_ERROR:
		write_ocsf_device(w, record);
		break;
	case OCSF_API:
		open_object(w, "api");
		write_quoted(w, "operation", record->type);
		json_write_close(w, '}');
		break;
	case OCSF_EVENT_LOG:
		write_string(w, "log_name", "security_audit");
		write_ocsf_device(w, record);
		break;
	default:
		break;
	}
}

void export_ocsf(const struct export_record *record, struct json_writer *w)
{
	static const uint8_t severities[] = { 1, 3, 5, 6 }; /* informational, medium, critical, fatal */
	const struct export_class *class = record->class;

	json_write_open(w, '{');
	write_integer(w, "class_uid", class->ocsf_class);
	write_integer(w, "category_uid", class->ocsf_class / 1000);
	write_integer(w, "activity_id", class->ocsf_activity);
	if (class->ocsf_activity == 99) /* other: it has to be named */
		write_quoted(w, "activity_name", record->type);
	write_integer(w, "type_uid", (int64_t) class->ocsf_class * 100 + class->ocsf_activity);
	write_integer(w, "time", (int64_t)(record->wall_us / 1000));
	write_integer(w, "severity_id", severities[record->level]);
	if (record->count.size != 0) {
		write_raw(w, "count", record->count);
		write_integer(w, "start_time", (int64_t)(record->first_us / 1000));
		write_integer(w, "end_time", (int64_t)(record->last_us / 1000));
	}
	if (strcmp(class->outcome, "unknown") != 0)
		write_integer(w, "status_id", class->outcome[0] == 's' ? OCSF_SUCCESS : OCSF_FAILURE);
	write_quoted(w, "status_detail", record->cause);
	write_title(w, record);
	write_ocsf_metadata(w, record);
	write_ocsf_actor(w, record);
	if (has_endpoints(class->ocsf_class))
		write_ocsf_endpoints(w, record);
	write_ocsf_class(w, record);
	open_object(w, "unmapped");
	if (class->ocsf_class == OCSF_LIFECYCLE || class->ocsf_class == OCSF_ERROR)
		write_quoted(w, "source_ip", record->source);
	write_raw(w, "connection_id", record->connection);
	write_raw(w, "details", record->details);
	json_write_close(w, '}');
	json_write_close(w, '}');
}

static void write_ecs_event(struct json_writer *w, const struct export_record *record)
{
	const struct export_class *class = record->class;
	const char *type = class->types;
	static const uint8_t severities[] = { 1, 2, 3, 4 };

	open_object(w, "event");
	write_string(w, "kind", strcmp(class->name, "FINDING") == 0 ? "alert" : "event");
	json_write_key(w, "category");
	json_write_open(w, '[');
	json_write_string(w, class->category);
	json_write_close(w, ']');
	json_write_key(w, "type");
	json_write_open(w, '[');
	for (size_t size; *type != '\0'; type += size + (type[size] == ',')) {
		size = strcspn(type, ",");
		json_write_text(w, slice(type, size));
	}
	json_write_close(w, ']');
	write_string(w, "outcome", class->outcome);
	write_quoted(w, "action", record->type);
	write_quoted(w, "reason", record->cause);
	write_quoted(w, "id", record->event_id);
	write_raw(w, "sequence", record->sequence);
	write_integer(w, "severity", severities[record->level]);
	write_quoted(w, "start", record->first);
	write_quoted(w, "end", record->last);
	write_string(w, "module", "framewall");
	write_string(w, "dataset", "framewall.audit");
	json_write_close(w, '}');
}

static void write_ecs_nested(struct json_writer *w, const char *object, const char *key, struct fw_slice quoted)
{
	if (quoted.size == 0)
		return;
	open_object(w, object);
	write_quoted(w, key, quoted);
	json_write_close(w, '}');
}

void export_ecs(const struct export_record *record, struct json_writer *w)
{
	static const char *const levels[] = { "info", "warning", "critical", "emergency" };

	json_write_open(w, '{');
	write_quoted(w, "@timestamp", record->time);
	open_object(w, "ecs");
	write_string(w, "version", "8.11.0");
	json_write_close(w, '}');
	write_title(w, record);
	write_ecs_event(w, record);
	open_object(w, "log");
	write_string(w, "level", levels[record->level]);
	json_write_close(w, '}');
	open_object(w, "host");
	write_string(w, "hostname", record->exporter->host);
	json_write_close(w, '}');
	open_object(w, "observer");
	write_string(w, "product", "Framewall");
	write_string(w, "type", "firewall");
	write_string(w, "version", FRAMEWALL_VERSION);
	json_write_close(w, '}');
	write_ecs_nested(w, "source", "ip", record->source);
	write_ecs_nested(w, "user", "id", record->user);
	open_object(w, "framewall");
	write_quoted(w, "session_id", record->session);
	write_raw(w, "connection_id", record->connection);
	write_raw(w, "count", record->count);
	write_raw(w, "details", record->details);
	json_write_close(w, '}');
	json_write_close(w, '}');
}

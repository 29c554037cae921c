/* export_text.c: CEF 0, LEEF 2.0 and RFC 5424: lines with fields, each with escapes of its own. A text comes as the
 * record has it: controls as \uXXXX, so that no format sees one. */
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "record/export_parts.h"

enum { AUDIT_FACILITY = 13 }; /* RFC 5424 6.2.1: log audit */

static void put(struct export_text *text, struct fw_slice octets)
{
	if (!text->failed && buf_append(text->out, text->pool, octets.data, octets.size) != 0)
		text->failed = true;
}

static void put_text(struct export_text *text, const char *words)
{
	put(text, slice_text(words));
}

static void put_number(struct export_text *text, uint64_t number)
{
	char digits[ENCODE_U64];

	put(text, slice(digits, encode_u64(number, digits)));
}

static void put_octet(struct export_text *text, uint8_t octet, const char *set)
{
	if (octet != '\0' && strchr(set, octet) != NULL)
		put_text(text, "\\");
	put(text, slice(&octet, 1));
}

/* With a backslash before each octet of a set. In a string JSON had to escape quotation marks: here they stand bare. */
static void put_escaped(struct export_text *text, struct fw_slice value, const char *set, bool is_string)
{
	for (size_t i = 0; i < value.size; i++) {
		bool escape = is_string && value.data[i] == '\\' && i + 1 < value.size;

		if (escape && value.data[i + 1] != '"')
			put_octet(text, value.data[i], set);
		i += escape;
		put_octet(text, value.data[i], set);
	}
}

/* " key=value" of CEF. */
static void put_cef(struct export_text *text, const char *key, struct fw_slice value, bool is_string)
{
	if (value.size == 0)
		return;
	put_text(text, " ");
	put_text(text, key);
	put_text(text, "=");
	put_escaped(text, value, "\\=", is_string);
}

static bool is_v6(struct fw_slice address)
{
	return address.size != 0 && memchr(address.data, ':', address.size) != NULL;
}

void export_cef(const struct export_record *record, struct export_text *text)
{
	static const uint8_t severities[] = { 3, 6, 8, 10 };

	put_text(text, "CEF:0|Framewall|Framewall|" FRAMEWALL_VERSION "|");
	put_escaped(text, record->type, "\\|", true);
	put_text(text, "|");
	put_escaped(text, slice(record->title, record->title_size), "\\|", false);
	put_text(text, "|");
	put_number(text, severities[record->level]);
	put_text(text, "|rt=");
	put_number(text, record->wall_us / 1000);
	if (record->count.size != 0) {
		put_cef(text, "cnt", record->count, false);
		put_text(text, " start=");
		put_number(text, record->first_us / 1000);
		put_text(text, " end=");
		put_number(text, record->last_us / 1000);
	}
	put_cef(text, "dvchost", slice_text(record->exporter->host), false);
	if (is_v6(record->source))
		put_text(text, " c6a2Label=Source IPv6 Address");
	put_cef(text, is_v6(record->source) ? "c6a2" : "src", record->source, true);
	put_cef(text, "suser", record->user, true);
	put_cef(text, "cat", slice_text(record->class->category), false);
	put_cef(text, "outcome", slice_text(record->class->outcome), false);
	put_cef(text, "reason", record->cause, true);
	put_cef(text, "externalId", record->event_id, true);
	put_text(text, " cn1Label=sequence");
	put_cef(text, "cn1", record->sequence, false);
	if (record->connection.size != 0)
		put_text(text, " cn2Label=connection_id");
	put_cef(text, "cn2", record->connection, false);
	if (record->session.size != 0)
		put_text(text, " cs1Label=session_id");
	put_cef(text, "cs1", record->session, true);
	put_text(text, " cs2Label=details");
	put_cef(text, "cs2", record->details, false);
}

/* A field of LEEF with the tab that ends it: no value can hold one. Backslashes stay as they are. */
static void put_leef(struct export_text *text, const char *key, struct fw_slice value, bool is_string)
{
	if (value.size == 0)
		return;
	put_text(text, "\t");
	put_text(text, key);
	put_text(text, "=");
	put_escaped(text, value, "", is_string);
}

void export_leef(const struct export_record *record, struct export_text *text)
{
	static const uint8_t severities[] = { 3, 6, 8, 10 };

	put_text(text, "LEEF:2.0|Framewall|Framewall|" FRAMEWALL_VERSION "|");
	put_escaped(text, record->type, "", true);
	put_text(text, "|x09|devTime=");
	put(text, record->time);
	put_text(text, "\tdevTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'\tsev=");
	put_number(text, severities[record->level]);
	put_leef(text, "count", record->count, false);
	put_leef(text, "startTime", record->first, true);
	put_leef(text, "endTime", record->last, true);
	put_leef(text, "cat", slice_text(record->class->category), false);
	put_leef(text, "identHostName", slice_text(record->exporter->host), false);
	put_leef(text, "src", record->source, true);
	put_leef(text, "usrName", record->user, true);
	put_leef(text, "outcome", slice_text(record->class->outcome), false);
	put_leef(text, "reason", record->cause, true);
	put_leef(text, "eventId", record->event_id, true);
	put_leef(text, "sequence", record->sequence, false);
	put_leef(text, "connectionId", record->connection, false);
	put_leef(text, "sessionId", record->session, true);
	put_leef(text, "details", record->details, false);
}

static void put_parameter(struct export_text *text, const char *name, struct fw_slice value, bool is_string)
{
	if (value.size == 0)
		return;
	put_text(text, " ");
	put_text(text, name);
	put_text(text, "=\"");
	put_escaped(text, value, "\\\"]", is_string);
	put_text(text, "\"");
}

static void put_head(const struct export_record *record, struct export_text *text)
{
	static const struct export_head own = { AUDIT_FACILITY, "framewall" };
	static const uint8_t severities[] = { 6, 4, 2, 0 };
	const struct export_head *head = record->exporter->head != NULL ? record->exporter->head : &own;

	put_text(text, "<");
	put_number(text, (uint64_t)head->facility * 8 + severities[record->level]);
	put_text(text, ">1 ");
	put(text, record->time);
	put_text(text, " ");
	put_text(text, record->exporter->host);
	put_text(text, " ");
	put_text(text, head->app);
	put_text(text, " - ");
	put(text, slice(record->type.data, record->type.size < 32 ? record->type.size : 32)); /* MSGID: 32 at most */
	put_text(text, " ");
}

void export_head(const struct export_record *record, struct export_text *text)
{
	put_head(record, text);
	put_text(text, "- ");
}

/* The private enterprise number is that of examples (RFC 5612): Framewall has none of its own. */
void export_syslog(const struct export_record *record, struct export_text *text)
{
	put_head(record, text);
	put_text(text, "[audit@32473");
	put_parameter(text, "sequence", record->sequence, false);
	put_parameter(text, "event_id", record->event_id, true);
	put_parameter(text, "source_ip", record->source, true);
	put_parameter(text, "user_id", record->user, true);
	put_parameter(text, "session_id", record->session, true);
	put_parameter(text, "cause", record->cause, true);
	put_parameter(text, "count", record->count, false);
	put_text(text, "] \xef\xbb\xbf"); /* 6.4: what follows is UTF-8 */
	put(text, record->line);
}

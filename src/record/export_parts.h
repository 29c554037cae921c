/* export_parts.h: what the files of the export share. */
#ifndef RECORD_EXPORT_PARTS_H
#define RECORD_EXPORT_PARTS_H
#include "codec/json.h"
#include "record/export.h"

/* A row of event_classes.def. */
struct export_class {
	const char *name;
	unsigned ocsf_class, ocsf_activity;
	const char *outcome, *category, *types;
};

/* A record, as its line has it. Texts are the octets between their quotation marks, escapes and all; empty: null. */
struct export_record {
	const struct exporter *exporter;
	struct fw_slice line;
	struct json json;
	struct fw_slice time, type, source, user, session, event_id, cause;
	struct fw_slice sequence, connection, details; /* JSON; connection may be empty */
	struct fw_slice count, first, last;	       /* of a record that sums up others; else empty */
	uint64_t first_us, last_us;
	uint64_t wall_us;
	unsigned level;	 /* enum fw_level */
	unsigned number; /* enum event_type; EVENT_TYPES: this version does not know it */
	bool is_checkpoint;
	const struct export_class *class;
	const char *title; /* what happened, in words, without details */
	size_t title_size;
};

void export_ocsf(const struct export_record *record, struct json_writer *w);
void export_ecs(const struct export_record *record, struct json_writer *w);

/* Text of lines that are no JSON. */
struct export_text {
	struct buf *out;
	struct pool *pool;
	bool failed;
};
void export_cef(const struct export_record *record, struct export_text *text);
void export_leef(const struct export_record *record, struct export_text *text);
/* "<110>1 TIME HOST APP - TYPE ", and for what is no syslog the "- " of no structured data. */
void export_head(const struct export_record *record, struct export_text *text);
void export_syslog(const struct export_record *record, struct export_text *text);
#endif

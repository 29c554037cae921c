/* The figures that have labels, for /metrics and for the admin side. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/message.h"
#include "shell/admin_parts.h"

enum { TEXT = 768, LABEL = 2 * TALLY_NAME };

enum {
#define FAMILY(name, labels, help) FAMILY_##name,
#include "tables/metrics.def"
	FAMILIES
};
static const struct {
	const char *name, *help;
} families[FAMILIES] = {
#define FAMILY(name_, labels, help_) { #name_, help_ },
#include "tables/metrics.def"
};
enum {
#define TIMED(name, labels, help) TIMED_##name,
#include "tables/metrics.def"
	TIMEDS
};
static const struct {
	const char *name, *help;
} timed[TIMEDS] = {
#define TIMED(name_, labels, help_) { #name_, help_ },
#include "tables/metrics.def"
};
static const char *const decisions[DECISIONS] = {
#define DECISION(name, help) #name,
#include "tables/decisions.def"
#undef DECISION
};
static const char *const ends[TALLY_BUCKETS + 1] = {
#define LATENCY(nanoseconds, seconds) seconds,
#include "tables/latency.def"
#undef LATENCY
	"+Inf",
};
static const char *const directions[] = { "in", "out" };

struct page {
	struct buf *out;
	struct pool *pool;
	bool failed;
};

static void add(struct page *page, const char text[TEXT], int size)
{
	if (size < 0 || size >= TEXT || buf_append(page->out, page->pool, text, (size_t)size) != 0)
		page->failed = true;
}

static void begin(struct page *page, const char *name, const char *end, const char *help, const char *type)
{
	char text[TEXT];

	add(page, text,
	    snprintf(text, sizeof(text), "# HELP framewall_%s%s %s\n# TYPE framewall_%s%s %s\n", name, end, help, name,
		     end, type));
}

/* A name of the configuration, or what a gate that was taken over says is one: as the value of a label is written. */
static void escape(const char name[TALLY_NAME], char ret_text[LABEL])
{
	struct fw_slice text = slice_text(name);
	size_t used = 0;

	if (!utf8_valid(text.data, text.size)) {
		memcpy(ret_text, "invalid", sizeof("invalid"));
		return;
	}
	for (const char *at = name; *at != '\0'; at++) {
		if (*at == '\\' || *at == '"' || *at == '\n')
			ret_text[used++] = '\\';
		ret_text[used++] = *at == '\n' ? 'n' : *at;
	}
	ret_text[used] = '\0';
}

static void messages(struct page *page, const struct keeper_tallies *tallies)
{
	char text[TEXT], route[LABEL], type[LABEL];

	begin(page, families[FAMILY_messages].name, "_total", families[FAMILY_messages].help, "counter");
	for (unsigned i = 0; i < KEEPER_SERIES + 2; i++) {
		const struct tally_series *series = &tallies->series[i];

		escape(series->route, route);
		escape(series->type, type);
		for (unsigned decision = 0; decision < DECISIONS; decision++)
			if (series->counts[decision] != 0)
				add(page, text,
				    snprintf(text, sizeof(text),
					     "framewall_%s_total{direction=\"%s\",route=\"%s\",type=\"%s\",decision=\"%"
					     "s\"} "
					     "%" PRIu64 "\n",
					     families[FAMILY_messages].name, directions[series->outbound], route, type,
					     decisions[decision], series->counts[decision]));
	}
}

static void stops(struct page *page, const struct keeper_tallies *tallies)
{
	char text[TEXT];

	begin(page, families[FAMILY_stops].name, "_total", families[FAMILY_stops].help, "counter");
	for (unsigned out = 0; out < 2; out++)
		for (unsigned stage = 0; stage < pipeline_count && stage < TALLY_STAGES; stage++)
			for (unsigned decision = 0; decision < DECISIONS; decision++)
				if (tallies->fixed.stops[out][stage][decision] != 0)
					add(page, text,
					    snprintf(
						    text, sizeof(text),
						    "framewall_%s_total{direction=\"%s\",stage=\"%s\",decision=\"%s\"} "
						    "%" PRIu64 "\n",
						    families[FAMILY_stops].name, directions[out],
						    pipeline_stages[stage].name, decisions[decision],
						    tallies->fixed.stops[out][stage][decision]));
}

static void findings(struct page *page, const struct keeper_tallies *tallies)
{
	char text[TEXT];

	begin(page, families[FAMILY_findings].name, "_total", families[FAMILY_findings].help, "counter");
	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		for (unsigned decision = DECISION_flag; decision < DECISION_drop; decision++)
			if (decision == DECISION_flag || decision == DECISION_refuse ||
			    tallies->fixed.findings[class][decision] != 0)
				add(page, text,
				    snprintf(text, sizeof(text),
					     "framewall_%s_total{class=\"%s\",decision=\"%s\"} %" PRIu64 "\n",
					     families[FAMILY_findings].name, detect_class_words[class],
					     decisions[decision], tallies->fixed.findings[class][decision]));
}

static void events(struct page *page, struct keeper *keeper)
{
	uint64_t totals[EVENT_TYPES], hour[EVENT_TYPES];
	char text[TEXT];

	keeper_recorder_counts(&keeper->recorder, totals, hour);
	begin(page, families[FAMILY_events].name, "_total", families[FAMILY_events].help, "counter");
	for (unsigned type = 0; type < EVENT_TYPES; type++)
		add(page, text,
		    snprintf(text, sizeof(text), "framewall_events_total{event=\"%s\"} %" PRIu64 "\n",
			     fw_event_name((uint16_t)type), totals[type]));
}

/* labels: those besides le, with a comma between. */
static void histogram(struct page *page, const char *name, const char *labels, const struct tally_histogram *histogram)
{
	uint64_t sum = 0;
	char text[TEXT];

	for (unsigned i = 0; i <= TALLY_BUCKETS; i++) {
		sum += histogram->buckets[i];
		add(page, text,
		    snprintf(text, sizeof(text), "framewall_%s_bucket{%s,le=\"%s\"} %" PRIu64 "\n", name, labels,
			     ends[i], sum));
	}
	add(page, text,
	    snprintf(text, sizeof(text),
		     "framewall_%s_count{%s} %" PRIu64 "\nframewall_%s_sum{%s} %" PRIu64 ".%09" PRIu64 "\n", name,
		     labels, sum, name, labels, histogram->sum_ns / 1000000000, histogram->sum_ns % 1000000000));
}

static void times(struct page *page, const struct tally_fixed *fixed)
{
	char labels[LABEL];

	begin(page, timed[TIMED_judging_seconds].name, "", timed[TIMED_judging_seconds].help, "histogram");
	for (unsigned out = 0; out < 2; out++) {
		snprintf(labels, sizeof(labels), "direction=\"%s\"", directions[out]);
		histogram(page, timed[TIMED_judging_seconds].name, labels, &fixed->judging[out]);
	}
	begin(page, timed[TIMED_stage_seconds].name, "", timed[TIMED_stage_seconds].help, "histogram");
	for (unsigned out = 0; out < 2; out++)
		for (unsigned stage = 0; stage < pipeline_count && stage < TALLY_STAGES; stage++) {
			if (keeper_tallies_count(&fixed->stages[out][stage]) == 0)
				continue;
			snprintf(labels, sizeof(labels), "direction=\"%s\",stage=\"%s\"", directions[out],
				 pipeline_stages[stage].name);
			histogram(page, timed[TIMED_stage_seconds].name, labels, &fixed->stages[out][stage]);
		}
}

bool admin_metrics_families(struct keeper *keeper, struct buf *out, struct pool *pool)
{
	const struct keeper_tallies *tallies = &keeper->figures.tallies;
	struct page page = { .out = out, .pool = pool };

	messages(&page, tallies);
	stops(&page, tallies);
	findings(&page, tallies);
	events(&page, keeper);
	times(&page, &tallies->fixed);
	return !page.failed;
}

static void number(struct json_writer *w, const char *key, uint64_t value)
{
	json_write_key(w, key);
	json_write_integer(w, value <= INT64_MAX ? (int64_t)value : INT64_MAX);
}

static void sum_up(struct json_writer *w, const struct keeper_tallies *tallies, unsigned out)
{
	uint64_t sums[DECISIONS] = { 0 };

	for (unsigned i = 0; i < KEEPER_SERIES + 2; i++)
		for (unsigned decision = 0; decision < DECISIONS && tallies->series[i].outbound == out; decision++)
			sums[decision] += tallies->series[i].counts[decision];
	json_write_key(w, directions[out]);
	json_write_open(w, '{');
	for (unsigned decision = 0; decision < DECISIONS; decision++)
		number(w, decisions[decision], sums[decision]);
	json_write_close(w, '}');
}

static void quantiles(struct json_writer *w, const struct tally_histogram *histogram)
{
	number(w, "measured", keeper_tallies_count(histogram));
	number(w, "p50_ns", keeper_tallies_quantile(histogram, 0.5));
	number(w, "p99_ns", keeper_tallies_quantile(histogram, 0.99));
}

static void stages(struct json_writer *w, const struct tally_fixed *fixed)
{
	for (unsigned stage = 0; stage < pipeline_count && stage < TALLY_STAGES; stage++) {
		json_write_key(w, pipeline_stages[stage].name);
		json_write_open(w, '{');
		for (unsigned decision = DECISION_refuse; decision < DECISION_drop; decision++)
			number(w, decisions[decision],
			       fixed->stops[0][stage][decision] + fixed->stops[1][stage][decision]);
		quantiles(w, &fixed->stages[0][stage]);
		json_write_close(w, '}');
	}
}

void admin_metrics_stats(struct json_writer *w, struct keeper *keeper)
{
	const struct keeper_tallies *tallies = &keeper->figures.tallies;

	json_write_key(w, "decisions");
	json_write_open(w, '{');
	for (unsigned out = 0; out < 2; out++)
		sum_up(w, tallies, out);
	json_write_close(w, '}');
	json_write_key(w, "stages");
	json_write_open(w, '{');
	stages(w, &tallies->fixed);
	json_write_close(w, '}');
	json_write_key(w, "findings");
	json_write_open(w, '{');
	for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
		json_write_key(w, detect_class_words[class]);
		json_write_open(w, '{');
		for (unsigned decision = DECISION_flag; decision < DECISION_drop; decision++)
			if (decision == DECISION_flag || decision == DECISION_refuse ||
			    decision == DECISION_would_refuse)
				number(w, decisions[decision], tallies->fixed.findings[class][decision]);
		json_write_close(w, '}');
	}
	json_write_close(w, '}');
	json_write_key(w, "judging");
	json_write_open(w, '{');
	for (unsigned out = 0; out < 2; out++) {
		json_write_key(w, directions[out]);
		json_write_open(w, '{');
		quantiles(w, &tallies->fixed.judging[out]);
		json_write_close(w, '}');
	}
	json_write_close(w, '}');
}

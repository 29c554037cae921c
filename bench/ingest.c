/* ingest.c: how many records a second go through the channel and the recorder into the ledger, forced to the disk in
 * batches, beside who writes the same lines with the same batches and no more, who forces each line (as auditd with
 * flush=sync), and rsyslog. In turns, round by round; the first round warms up and is thrown away.
 * `ingest [--quick] [--folder FOLDER] [--rsyslog PORT FILE]`: FILE is where that rsyslog writes what comes to PORT.
 * Prints one JSON object: records a second of each, and what a record costs whoever sends it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <framewall/policy.h>

#include "base/limits.h"
#include "base/slice.h"
#include "record/segment.h"
#include "record/storage.h"
#include "shell/keeper_parts.h"

#include "memory.h"
#include "record.h"

enum {
	RECORDS = 300000,
	QUICK_RECORDS = 60000,
	ROUNDS = 7,
	QUICK_ROUNDS = 3,
	MADE = 1024,
	TOGETHER = 100, /* that wait together: 20,000 a second, taken every 5 ms */
	QUEUE_ROUNDS = 2000,
	PATIENCE_S = 30
};
#define EACH_S 0.4

enum way { LEDGER, PLAIN, EACH, RSYSLOG, WAYS };
static const char *const names[WAYS] = { "ledger", "plain", "each", "rsyslog" };

static struct fw_record records[MADE];
static struct record_texts texts[MADE];
static unsigned count;
static uint8_t *text; /* of the first round, for the others to write */
static size_t text_size;
static unsigned text_lines;
static char folder[256] = "/var/tmp/framewall-ingest-XXXXXX";
static double recorder_us; /* processor time of the recorder for a record, in the round before */

static double process_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void pause_ms(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

/* Where the lines of the other ways come from. */
static void read_lines(const char *record, uint64_t first)
{
	char name[SEGMENT_NAME], path[STORAGE_PATH];

	segment_name(first, ".log", name);
	if (!storage_path(record, name, path) || storage_read_all(path, &text, &text_size) != 0)
		record_stop("cannot read what was recorded");
	for (const uint8_t *octet = text; octet < text + text_size; octet++)
		text_lines += *octet == '\n';
}

/* From the first record that is sent to the last one that is on the disk. */
static double through_ledger(struct fw_policy *policy)
{
	static struct keeper_recorder recorder;
	static char record[512], data[512];
	const struct keeper_options options = {
		.policy = policy, .data_directory = data, .record_directory = record, .random = { memory_fill, NULL }
	};
	double from, took, own, all;
	const char *failed;
	uint64_t before;

	memset(&recorder, 0, sizeof(recorder));
	snprintf(data, sizeof(data), "%s/data", folder);
	snprintf(record, sizeof(record), "%s/record", folder);
	failed = keeper_recorder_start(&recorder, &options, 1);
	if (failed != NULL)
		record_stop(failed);
	before = atomic_load(&recorder.durable);
	own = record_now_s(CLOCK_THREAD_CPUTIME_ID);
	all = process_s();
	from = record_now_s(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < count; i++)
		if (!ipc_send_record(recorder.channel, &records[i % MADE], 0))
			record_stop("a record was not taken");
	while (atomic_load(&recorder.durable) < before + count) {
		if (atomic_load(&recorder.failing))
			record_stop("the record cannot be written");
		pause_ms();
	}
	took = record_now_s(CLOCK_MONOTONIC) - from;
	recorder_us = ((process_s() - all) - (record_now_s(CLOCK_THREAD_CPUTIME_ID) - own)) / count * 1e6;
	keeper_recorder_stop(&recorder);
	if (text == NULL)
		read_lines(record, 1);
	return count / took;
}

static int begin_file(void)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/plain", folder);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		record_stop(path);
	return fd;
}

static void write_forced(int fd, const uint8_t *bytes, size_t size)
{
	if (storage_write_all(&storage_system, fd, bytes, size) != size || fdatasync(fd) != 0)
		record_stop("cannot write");
}

/* Octets of the next lines, whole ones, so many that the recorder would write them. */
static size_t batch(const uint8_t *from, unsigned *records_of)
{
	size_t left = text_size - (size_t)(from - text), size = 0;

	for (*records_of = 0; size < LIMIT_RECORD_BATCH && size < left; ++*records_of)
		size = (size_t)((const uint8_t *)memchr(from + size, '\n', left - size) - from) + 1;
	return size;
}

static double plain(void)
{
	double from = record_now_s(CLOCK_MONOTONIC);
	unsigned written = 0, more;
	int fd = begin_file();

	for (size_t at = 0; at < text_size; written += more) {
		size_t size = batch(text + at, &more);

		write_forced(fd, text + at, size);
		at += size;
	}
	close(fd);
	return written / (record_now_s(CLOCK_MONOTONIC) - from);
}

static double each(void)
{
	double from = record_now_s(CLOCK_MONOTONIC), took = 0;
	unsigned written = 0;
	int fd = begin_file();

	for (const uint8_t *at = text; at < text + text_size && took < EACH_S; written++) {
		const uint8_t *end = (const uint8_t *)memchr(at, '\n', text_size - (size_t)(at - text)) + 1;

		write_forced(fd, at, (size_t)(end - at));
		at = end;
		took = record_now_s(CLOCK_MONOTONIC) - from;
	}
	close(fd);
	return written / took;
}

/* The lines as messages of RFC 5424 on a stream, by RFC 6587. Their texts are what rsyslog writes. */
static uint8_t *messages(size_t *ret_size)
{
	static const char head[] = "<110>1 2026-01-01T00:00:00Z host framewall - record - ";
	uint8_t *octets = malloc(text_size + (size_t)text_lines * (sizeof(head) + 8));
	size_t at = 0;

	if (octets == NULL)
		record_stop("messages");
	for (const uint8_t *line = text; line < text + text_size;) {
		size_t size = (size_t)((const uint8_t *)memchr(line, '\n', text_size - (size_t)(line - text)) - line);

		at += (size_t)sprintf((char *)octets + at, "%zu %s", sizeof(head) - 1 + size, head);
		memcpy(octets + at, line, size);
		at += size;
		line += size + 1;
	}
	*ret_size = at;
	return octets;
}

static off_t size_of(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 ? found.st_size : 0;
}

static double through_rsyslog(unsigned port, const char *file)
{
	static uint8_t *octets;
	static size_t size;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	off_t until = size_of(file) + (off_t)text_size;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	double from, took = 0;

	if (octets == NULL)
		octets = messages(&size);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		record_stop("rsyslog");
	from = record_now_s(CLOCK_MONOTONIC);
	if (storage_write_all(&storage_system, fd, octets, size) != size)
		record_stop("rsyslog");
	while (size_of(file) < until) {
		pause_ms();
		took = record_now_s(CLOCK_MONOTONIC) - from;
		if (took > PATIENCE_S)
			record_stop("rsyslog did not write all");
	}
	took = record_now_s(CLOCK_MONOTONIC) - from;
	close(fd);
	return text_lines / took;
}

/* Processor time of a record for who sends it: the median. What wakes the reader is not in it: it is once in 5 ms. */
static double queueing_us(void)
{
	struct ipc_channel *channel = ipc_channel_share(LIMIT_RECORD_QUEUE, false);
	static double times[QUEUE_ROUNDS];
	struct ipc_record message;
	struct fw_slice tail;
	enum ipc_type type;

	if (channel == NULL)
		record_stop("channel");
	for (unsigned round = 0; round < QUEUE_ROUNDS; round++) {
		double from = record_now_s(CLOCK_THREAD_CPUTIME_ID);
		unsigned received = 0;

		for (unsigned i = 0; i < TOGETHER; i++)
			ipc_send_record(channel, &records[(round + i) % MADE], 0);
		times[round] = (record_now_s(CLOCK_THREAD_CPUTIME_ID) - from) / TOGETHER * 1e6;
		while (ipc_receive(channel, &type, &message, sizeof(message), &tail))
			received++;
		if (received != TOGETHER)
			record_stop("records are missing");
	}
	ipc_channel_free(channel);
	qsort(times, QUEUE_ROUNDS, sizeof(times[0]), memory_compare);
	return times[QUEUE_ROUNDS / 2];
}

static void print(double rates[WAYS][ROUNDS], double cpu[ROUNDS], unsigned rounds, unsigned ways)
{
	double ratios[ROUNDS];

	for (unsigned i = 0; i < rounds; i++)
		ratios[i] = rates[LEDGER][i] / rates[PLAIN][i];
	qsort(ratios, rounds, sizeof(ratios[0]), memory_compare);
	qsort(cpu, rounds, sizeof(cpu[0]), memory_compare);
	printf("{\"records\":%u,\"rounds\":%u,\"octets\":%zu,\"ratio\":%.3f,\"recorder_us\":%.2f,\"queue_us\":%.3f",
	       count, rounds, text_size / text_lines, ratios[rounds / 2], cpu[rounds / 2], queueing_us());
	for (unsigned way = 0; way < ways; way++) {
		qsort(rates[way], rounds, sizeof(double), memory_compare);
		printf(",\"%s\":%.0f", names[way], rates[way][rounds / 2]);
	}
	puts("}");
}

int main(int argc, char **argv)
{
	double rates[WAYS][ROUNDS] = { 0 }, cpu[ROUNDS];
	const char *file = NULL, *parent = NULL;
	unsigned port = 0, rounds = ROUNDS;
	char command[512];
	struct fw_policy *policy;

	count = RECORDS;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--quick") == 0) {
			count = QUICK_RECORDS;
			rounds = QUICK_ROUNDS;
		} else if (strcmp(argv[i], "--folder") == 0 && i + 1 < argc) {
			parent = argv[++i];
		} else if (strcmp(argv[i], "--rsyslog") == 0 && i + 2 < argc) {
			port = (unsigned)strtoul(argv[++i], NULL, 10);
			file = argv[++i];
		} else {
			errno = EINVAL;
			record_stop(argv[i]);
		}
	}
	if (parent != NULL)
		snprintf(folder, sizeof(folder), "%s/ingest-XXXXXX", parent);
	if (mkdtemp(folder) == NULL)
		record_stop(folder);
	if (fw_policy_load("bench", slice_text("{}"), memory_report, NULL, &policy) != 0)
		record_stop("the configuration is wrong");
	for (unsigned i = 0; i < MADE; i++)
		record_make(record_made_us + i, &texts[i], &records[i]);
	for (unsigned round = 0; round <= rounds; round++) {
		unsigned at = round == 0 ? 0 : round - 1;

		rates[LEDGER][at] = through_ledger(policy);
		cpu[at] = recorder_us;
		rates[PLAIN][at] = plain();
		rates[EACH][at] = each();
		if (file != NULL)
			rates[RSYSLOG][at] = through_rsyslog(port, file);
	}
	print(rates, cpu, rounds, file != NULL ? WAYS : RSYSLOG);
	fw_policy_unref(policy);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

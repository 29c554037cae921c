#include "shell/sender.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/log.h"
#include "shell/sender_parts.h"

#define GRACE_NS ((uint64_t)2000000000)

struct senders {
	struct senders_options options;
	char *data_directory, *record_directory;
	struct sender *list, *leaving; /* leaving: of no receiver any more */
	pthread_mutex_t record_lock;
	bool quiet;
};

const struct senders_options *sender_options(const struct sender *sender)
{
	return &sender->senders->options;
}

bool sender_stopping(const struct sender *sender)
{
	return atomic_load(&sender->stop);
}

int sender_patience(const struct sender *sender, int most)
{
	uint64_t now = uv_hrtime(), until;

	if (!sender_stopping(sender))
		return most;
	until = atomic_load(&sender->stop_ns);
	if (now >= until)
		return 0;
	return (until - now) / SENDER_MS < (uint64_t)most ? (int)((until - now) / SENDER_MS) : most;
}

int sender_poll(const struct sender *sender, int fd, short events, int milliseconds, short *ret_events)
{
	/* Once it is to stop the wake-up stays: it would end every wait. */
	struct pollfd fds[2] = { { .fd = sender_stopping(sender) ? -1 : sender->wake, .events = POLLIN },
				 { .fd = fd, .events = events } };
	int got = poll(fds, 2, sender_patience(sender, milliseconds));

	*ret_events = got > 0 ? fds[1].revents : 0;
	return *ret_events != 0;
}

void sender_record(struct sender *sender, unsigned type, const struct fw_detail *details, unsigned count)
{
	struct senders *senders = sender->senders;
	struct fw_record record = { .wall_us = clock_wall_us(),
				    .type = (uint16_t)type,
				    .level = sender->policy->event_levels[type],
				    .detail_count = (uint8_t)(count + 1) };
	uint8_t id[FW_EVENT_ID_SIZE / 2];

	if (senders->options.record == NULL)
		return;
	senders->options.random.fill(senders->options.random.user, id, sizeof(id));
	encode_hex(id, sizeof(id), record.event_id);
	record.details[0] = (struct fw_detail){ .key = "receiver", .text = slice_text(sender->receiver->name) };
	memcpy(record.details + 1, details, count * sizeof(*details));
	pthread_mutex_lock(&senders->record_lock);
	if (!senders->quiet)
		senders->options.record(senders->options.user, &record);
	pthread_mutex_unlock(&senders->record_lock);
}

static const struct sender_transport *transport_of(enum receiver_kind kind)
{
	static const struct sender_transport *const transports[] = {
		[RECEIVER_UDP] = &sender_udp,	[RECEIVER_TCP] = &sender_stream, [RECEIVER_TLS] = &sender_stream,
		[RECEIVER_HTTPS] = &sender_web, [RECEIVER_FILE] = &sender_file,	 [RECEIVER_PROGRAM] = &sender_program,
		[RECEIVER_SMTP] = &sender_mail
	};

	return transports[kind];
}

static void sender_free(struct sender *sender)
{
	if (sender == NULL)
		return;
	if (sender->wake >= 0)
		close(sender->wake);
	fw_policy_unref(sender->policy);
	pthread_mutex_destroy(&sender->lock);
	mem_free(sender);
}

void sender_join(struct sender *sender)
{
	if (sender == NULL)
		return;
	pthread_join(sender->thread, NULL);
	sender_free(sender);
}

static bool prepare(struct sender *sender, const struct receiver *receiver)
{
	const char *data = sender->senders->data_directory;
	int size = snprintf(sender->cursor_path, sizeof(sender->cursor_path), "%s/receivers/%s.cursor", data,
			    receiver->name);

	sender->receiver = receiver;
	sender->transport = transport_of(receiver->kind);
	sender->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sender->socket = -1;
	sender->head = (struct export_head){ receiver->facility_number, receiver->app };
	sender->exporter = (struct exporter){
		.format = (enum export_format)export_format_find(receiver->format),
		.head = receiver->kind <= RECEIVER_TLS ? &sender->head : NULL,
		.least_level = receiver->least_level,
		.unwanted = receiver->unwanted,
		.host = sender->host,
		.arena = &sender->arena,
		.pool = &sender->pool,
	};
	export_host(sender->host);
	snprintf(sender->status.name, sizeof(sender->status.name), "%s", receiver->name);
	sender->status.state = "idle";
	return sender->wake >= 0 && size > 0 && size < (int)sizeof(sender->cursor_path);
}

/* before: of the same name, which ends. It is the new one's then, or waits to be joined. */
static void begin(struct senders *senders, struct fw_policy *policy, const struct receiver *receiver,
		  struct sender *before)
{
	struct sender *sender = mem_zero(1, sizeof(*sender));
	bool runs = false;

	if (sender != NULL) {
		sender->senders = senders;
		sender->policy = fw_policy_ref(policy);
		sender->before = before;
		pthread_mutex_init(&sender->lock, NULL);
		runs = prepare(sender, receiver) && pthread_create(&sender->thread, NULL, sender_run, sender) == 0;
	}
	if (runs) {
		sender->next = senders->list;
		senders->list = sender;
		return;
	}
	log_error(senders->options.log, receiver, "%s is sent nothing: no thread, descriptor or memory for it",
		  receiver->name);
	sender_free(sender);
	if (before != NULL) {
		before->next = senders->leaving;
		senders->leaving = before;
	}
}

static void end(struct sender *sender, uint64_t stop_ns)
{
	const uint64_t one = 1;

	atomic_store(&sender->stop_ns, stop_ns);
	atomic_store(&sender->stop, true);
	while (write(sender->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

struct senders *senders_start(const struct senders_options *options, struct fw_policy *policy)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct senders *senders = mem_zero(1, sizeof(*senders));

	if (senders == NULL)
		return NULL;
	pthread_once(&once, sender_curl_start);
	senders->options = *options;
	senders->data_directory = mem_text(options->data_directory, strlen(options->data_directory));
	senders->record_directory = mem_text(options->record_directory, strlen(options->record_directory));
	pthread_mutex_init(&senders->record_lock, NULL);
	if (senders->data_directory == NULL || senders->record_directory == NULL)
		return senders_stop(senders);
	senders->options.data_directory = senders->data_directory;
	senders->options.record_directory = senders->record_directory;
	senders_renew(senders, policy);
	return senders;
}

static const struct receiver *receiver_of(const struct fw_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->receiver_count; i++)
		if (strcmp(policy->receivers[i].name, name) == 0)
			return &policy->receivers[i];
	return NULL;
}

static bool is_same(const struct receiver *a, const struct receiver *b)
{
	return b != NULL && memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

/* Those that stay are put back; the others are told to end. */
static struct sender *dismiss(struct senders *senders, const struct fw_policy *policy)
{
	struct sender *all = senders->list, *dismissed = NULL;

	senders->list = NULL;
	while (all != NULL) {
		struct sender *sender = all, **to = &senders->list;

		all = sender->next;
		if (!is_same(sender->receiver, receiver_of(policy, sender->receiver->name))) {
			end(sender, uv_hrtime() + GRACE_NS);
			to = &dismissed;
		}
		sender->next = *to;
		*to = sender;
	}
	return dismissed;
}

static struct sender *take(struct sender **list, const char *name)
{
	for (; *list != NULL; list = &(*list)->next) {
		struct sender *found = *list;

		if (strcmp(found->receiver->name, name) != 0)
			continue;
		*list = found->next;
		found->next = NULL;
		return found;
	}
	return NULL;
}

static void join_ended(struct senders *senders, bool wait)
{
	struct sender **at = &senders->leaving;

	while (*at != NULL) {
		struct sender *sender = *at;

		if (!wait && !atomic_load(&sender->ended)) {
			at = &sender->next;
			continue;
		}
		*at = sender->next;
		sender_join(sender);
	}
}

static bool has(const struct sender *list, const char *name)
{
	while (list != NULL && strcmp(list->receiver->name, name) != 0)
		list = list->next;
	return list != NULL;
}

static void make_folder(const struct senders *senders)
{
	char path[STORAGE_PATH];

	if (!storage_path(senders->data_directory, "receivers", path) ||
	    storage_make_folders(&storage_system, path) != 0)
		log_error(senders->options.log, receiver, "cannot make %s/receivers: %s", senders->data_directory,
			  strerror(errno));
}

void senders_renew(struct senders *senders, struct fw_policy *policy)
{
	struct sender *dismissed = dismiss(senders, policy), *rest;

	join_ended(senders, false);
	if (policy->receiver_count != 0)
		make_folder(senders);
	for (size_t i = 0; i < policy->receiver_count; i++) {
		const struct receiver *receiver = &policy->receivers[i];
		struct sender *before;

		if (has(senders->list, receiver->name))
			continue;
		/* One that left a moment ago may still be at its cursor. */
		before = take(&dismissed, receiver->name);
		begin(senders, policy, receiver, before != NULL ? before : take(&senders->leaving, receiver->name));
	}
	while ((rest = dismissed) != NULL) {
		dismissed = rest->next;
		rest->next = senders->leaving;
		senders->leaving = rest;
	}
}

void senders_quiet(struct senders *senders)
{
	if (senders == NULL)
		return;
	pthread_mutex_lock(&senders->record_lock);
	senders->quiet = true;
	pthread_mutex_unlock(&senders->record_lock);
}

struct senders *senders_stop(struct senders *senders)
{
	uint64_t until = uv_hrtime() + GRACE_NS;

	if (senders == NULL)
		return NULL;
	for (struct sender *sender = senders->list; sender != NULL; sender = sender->next)
		end(sender, until);
	while (senders->list != NULL) {
		struct sender *sender = senders->list;

		senders->list = sender->next;
		sender_join(sender);
	}
	join_ended(senders, true);
	pthread_mutex_destroy(&senders->record_lock);
	mem_free(senders->data_directory);
	mem_free(senders->record_directory);
	mem_free(senders);
	return NULL;
}

unsigned senders_status(struct senders *senders, struct sender_status ret_status[])
{
	uint64_t durable;
	unsigned count = 0;

	if (senders == NULL)
		return 0;
	durable = atomic_load(senders->options.durable);
	for (struct sender *sender = senders->list; sender != NULL && count < LIMIT_RECEIVERS; sender = sender->next) {
		struct sender_status *status = &ret_status[count++];
		uint64_t wall = clock_wall_us();

		pthread_mutex_lock(&sender->lock);
		*status = sender->status;
		pthread_mutex_unlock(&sender->lock);
		status->behind = durable > status->delivered ? durable - status->delivered : 0;
		/* Until it is gone the status has the time of the first record that waits. */
		status->behind_ms = status->behind != 0 && status->behind_ms != 0 && wall / 1000 > status->behind_ms
					    ? wall / 1000 - status->behind_ms
					    : 0;
	}
	return count;
}

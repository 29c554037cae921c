/* What keeper and gate have in common as processes: what they say to the monitor and hear from it, a configuration that
 * comes as files. */
#include <stdio.h>
#include <unistd.h>

#include "shell/process_parts.h"

void process_join(const struct process_shared *shared, uint32_t generation)
{
	struct ipc_channel *const channels[] = { shared->records, shared->figures, shared->asks, shared->replies,
						 shared->down,	  shared->capture, NULL };

	for (unsigned i = 0; channels[i] != NULL; i++) /* capture may be the end */
		ipc_join(channels[i], generation);
}

void process_tell(const struct process_shared *shared, enum process_message_type type, int64_t number, const char *text)
{
	struct process_message message = { .type = type, .number = number };

	snprintf(message.text, sizeof(message.text), "%s", text);
	process_link_send(shared->link, &message, -1);
}

void process_tell_ready(const struct process_shared *shared, int64_t port)
{
	char user[16];

	snprintf(user, sizeof(user), "%u", (unsigned)geteuid());
	process_tell(shared, PROCESS_READY, port, user);
}

bool process_hear(const struct process_shared *shared, process_obey *obey, void *user)
{
	struct process_message message;
	enum process_heard heard;
	int fd;

	while ((heard = process_link_receive(shared->link, &message, &fd)) == PROCESS_HEARD) {
		obey(user, &message, &fd);
		if (fd >= 0)
			close(fd);
	}
	return heard != PROCESS_ENDED;
}

void process_follow(struct process_shared *shared, const struct process_message *message, int *fd)
{
	bool taken;

	if (shared->files == NULL)
		shared->files = files_new();
	if (shared->files == NULL)
		return;
	if (message->type == PROCESS_FILE && *fd >= 0) {
		files_add(shared->files, message->text, *fd);
		*fd = -1;
	} else if (message->type == PROCESS_RELOAD) {
		taken = message->number == 0 && manager_reload_follow(shared->manager, shared->files);
		shared->files = files_free(shared->files);
		process_tell(shared, PROCESS_RELOADED, taken ? 0 : 1, "");
	}
}

void process_end(struct process_shared *shared)
{
	manager_parts_end(shared->manager);
	shared->files = files_free(shared->files);
}

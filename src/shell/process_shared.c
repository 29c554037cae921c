/* What the three processes of a server share: made by the monitor before it forks, closed by each of them. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/limits.h"
#include "shell/process_parts.h"

enum { FIGURES_SIZE = 1 << 20, DOWN_SIZE = 4 << 20, REPLIES_SIZE = 2 << 20 };

void process_close_lock(struct process_shared *shared)
{
	if (shared->directory_fd >= 0)
		close(shared->directory_fd);
	shared->directory_fd = -1;
}

void process_close_dials(int fds[LIMIT_WORKERS])
{
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

void process_close_listeners(struct process_shared *shared)
{
	struct gate_listen *listening = &shared->listening;

	for (unsigned w = 0; w < shared->workers; w++)
		for (unsigned i = 0; i < listening->families; i++) {
			if (listening->fds[w][i] >= 0)
				close(listening->fds[w][i]);
			listening->fds[w][i] = -1;
		}
}

static bool make_channels(struct process_shared *shared)
{
	void *note = mmap(NULL, sizeof(*shared->note), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	shared->note = note != MAP_FAILED ? note : NULL;
	shared->beats = watchdog_beats_new();
	shared->records = ipc_channel_share((size_t)LIMIT_RECORD_QUEUE * (shared->workers + 1), false);
	shared->figures = ipc_channel_share(FIGURES_SIZE, true);
	shared->asks = ipc_channel_share(LIMIT_ASKS, true);
	shared->down = ipc_channel_share(DOWN_SIZE, true);
	shared->replies = ipc_channel_share(REPLIES_SIZE, false);
	if (shared->started->settings.capture_file[0] != '\0' &&
	    (shared->capture = ipc_channel_share(LIMIT_CAPTURE_QUEUE, false)) == NULL)
		return false;
	return shared->note != NULL && shared->beats != NULL && shared->records != NULL && shared->figures != NULL &&
	       shared->asks != NULL && shared->down != NULL && shared->replies != NULL;
}

static bool make_dials(struct process_shared *shared)
{
	int pair[2];

	for (unsigned i = 0; i < shared->workers; i++) {
		if (!process_link_pair(pair))
			return false;
		shared->dials_gate[i] = pair[0];
		shared->dials_keeper[i] = pair[1];
	}
	return true;
}

static bool make_threats(struct process_shared *shared)
{
	void *counts =
		mmap(NULL, sizeof(*shared->threat_counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int pair[2];

	shared->threat_counts = counts != MAP_FAILED ? counts : NULL;
	if (shared->threat_counts == NULL || !process_link_pair(pair))
		return false;
	shared->threats_gate = pair[0];
	shared->threats_keeper = pair[1];
	return true;
}

static void close_threats(struct process_shared *shared)
{
	if (shared->threats_gate >= 0)
		close(shared->threats_gate);
	if (shared->threats_keeper >= 0)
		close(shared->threats_keeper);
	if (shared->threat_counts != NULL)
		munmap(shared->threat_counts, sizeof(*shared->threat_counts));
}

bool process_shared_make(struct process_shared *shared)
{
	shared->threats_gate = shared->threats_keeper = -1;
	return make_channels(shared) && make_dials(shared) && make_threats(shared);
}

void process_shared_fini(struct process_shared *shared)
{
	process_close_dials(shared->dials_gate);
	process_close_dials(shared->dials_keeper);
	close_threats(shared);
	ipc_channel_free(shared->records);
	ipc_channel_free(shared->figures);
	ipc_channel_free(shared->asks);
	ipc_channel_free(shared->down);
	ipc_channel_free(shared->replies);
	ipc_channel_free(shared->capture);
	if (shared->note != NULL)
		munmap(shared->note, sizeof(*shared->note));
	watchdog_beats_free(shared->beats);
	process_close_lock(shared);
	fw_policy_unref(shared->started);
	while (shared->sealed_count != 0)
		fw_policy_unref(shared->sealed[--shared->sealed_count]);
}

/* Until key-store rotate was asked for, what the database is sealed with is what the configuration before said: a
 * keeper that begins meanwhile has to find it. */
void process_keep_keys(struct process_shared *shared, struct fw_policy *before, const struct reload_result *result)
{
	static const unsigned rows[] = { FINGERPRINT_encryption_key_file,	 FINGERPRINT_encryption_key_command,
					 FINGERPRINT_encryption_passphrase_file, FINGERPRINT_previous_key_file,
					 FINGERPRINT_previous_key_command,	 FINGERPRINT_previous_passphrase_file };
	bool changed = false;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		changed |= result->error.code == FW_OK && result->changed[rows[i]];
	if (!changed)
		return;
	if (shared->sealed_count == PROCESS_SEALED)
		fw_policy_unref(shared->sealed[--shared->sealed_count]);
	for (unsigned i = shared->sealed_count; i != 0; i--)
		shared->sealed[i] = shared->sealed[i - 1];
	shared->sealed[0] = before;
	shared->sealed_count++;
	fw_policy_ref(before);
}

#include "shell/gate.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/gate_listen.h"
#include "shell/overload.h"
#include "shell/worker.h"

/* Longer than the engine's own stall timeout, which ends a connection with a record of it. */
enum { USER_TIMEOUT_S = 60 };

unsigned gate_user_timeout_ms(const struct fw_policy *policy)
{
	return ((unsigned)policy->settings.stall_timeout + USER_TIMEOUT_S) * 1000;
}

struct gate {
	struct gate_options options; /* host is not kept */
	uint16_t port;
	unsigned count;
	struct overload overload; /* where it was not given one */
	struct ipc_channel *down; /* it is another process */
	unsigned remote_workers;
	struct worker workers[];
};

static struct gate *allocate(const struct gate_options *options)
{
	size_t size;
	struct gate *gate = NULL;

	if (size_mul(options->workers, sizeof(struct worker), &size) && size_add(size, sizeof(*gate), &size))
		gate = mem_zero(1, size);
	if (gate == NULL)
		return NULL;
	gate->options = *options;
	gate->options.host = NULL;
	if (options->capture != NULL) {
		const struct fw_random random = random_system();

		random.fill(random.user, gate->options.capture_key, sizeof(gate->options.capture_key));
	}
	gate->count = options->workers;
	if (options->overload == NULL) {
		overload_open(&gate->overload);
		gate->options.overload = &gate->overload;
	}
	return gate;
}

static int start_workers(struct gate *gate, const struct gate_listen *listening)
{
	int result = 0;

	for (unsigned i = 0; i < gate->count; i++) {
		struct worker *worker = &gate->workers[i];

		worker->options = &gate->options;
		worker->all = gate->workers;
		worker->index = i;
		worker->count = gate->count;
		worker->beat = gate->options.beats != NULL ? &gate->options.beats->workers[i] : NULL;
		/* Each owns its sockets from now on, also when it fails. */
		if (worker_init(worker, listening->fds[i], listening->families) != 0)
			result = -1;
	}
	gate->options.policy = NULL; /* each has its own reference from now on */
	for (unsigned i = 0; i < gate->count && result == 0; i++)
		result = worker_start(&gate->workers[i]);
	return result;
}

struct gate *gate_start(const struct gate_options *options, const char **reterr_text)
{
	unsigned timeout_ms = gate_user_timeout_ms(options->policy);
	static struct gate_listen listening;
	struct gate *gate;

	if (options->workers == 0 || options->workers > LIMIT_WORKERS) {
		*reterr_text = "the number of workers must be 1 to 256";
		return NULL;
	}
	gate = allocate(options);
	if (gate == NULL) {
		*reterr_text = "cannot start: out of memory";
		return NULL;
	}
	if (options->listening != NULL) {
		listening = *options->listening;
	} else if (gate_listen_open(options->host, options->port, options->workers, timeout_ms, &listening,
				    reterr_text) != 0) {
		gate->count = 0;
		return gate_stop(gate);
	}
	gate->port = listening.port;
	if (start_workers(gate, &listening) != 0) {
		*reterr_text = "cannot start the workers: out of memory, descriptors or threads";
		return gate_stop(gate);
	}
	return gate;
}

struct gate *gate_remote(struct ipc_channel *down, unsigned workers)
{
	struct gate *gate = mem_zero(1, sizeof(*gate));

	if (gate == NULL)
		return NULL;
	gate->down = down;
	gate->remote_workers = workers;
	return gate;
}

uint16_t gate_port(const struct gate *gate)
{
	return gate->port;
}

unsigned gate_workers(const struct gate *gate)
{
	return gate->down != NULL ? gate->remote_workers : gate->count;
}

void gate_reload(struct gate *gate, struct fw_policy *policy)
{
	for (unsigned i = 0; i < gate->count; i++)
		worker_reload_offer(&gate->workers[i], policy);
}

bool gate_reloaded(const struct gate *gate)
{
	for (unsigned i = 0; i < gate->count; i++)
		if (!worker_reload_taken(&gate->workers[i]))
			return false;
	return true;
}

bool gate_broadcast(struct gate *gate, const struct ipc_broadcast *broadcast, struct fw_slice message)
{
	bool all = true;

	for (unsigned i = 0; i < gate->count; i++) {
		struct worker *worker = &gate->workers[i];

		if (worker_may_have(worker, broadcast->only) &&
		    !worker_tell(worker, IPC_BROADCAST, broadcast, sizeof(*broadcast), message))
			all = false;
	}
	return all;
}

bool gate_tell(struct gate *gate, int worker, enum ipc_type type, const void *payload, size_t size,
	       struct fw_slice tail)
{
	bool told = true;

	if (gate->down != NULL)
		return ipc_send_to(gate->down, worker < 0 ? GATE_ALL : (uint16_t)worker, type, payload, size, tail);
	for (unsigned i = 0; i < gate->count; i++)
		if (worker < 0 || (unsigned)worker == i)
			told &= worker_tell(&gate->workers[i], type, payload, size, tail);
	return told;
}

void gate_settle(struct gate *gate)
{
	overload_settle(gate->options.overload, uv_hrtime());
}

bool gate_has_room(const struct gate *gate, const struct fw_policy *policy, const char **reterr_text)
{
	static char text[192];
	uint64_t limit_mib = (uint64_t)policy->settings.memory_limit, used_mib, needed_mib;

	if (overload_has_room(gate->options.overload, limit_mib, &used_mib, &needed_mib))
		return true;
	snprintf(text, sizeof(text),
		 "%s is too small: %" PRIu64
		 " MiB are in use before anybody comes, so that all would be turned away; give "
		 "it %" PRIu64 " MiB or more",
		 limit_mib != 0 ? "overload.memory_limit" : "the memory of this machine or control group", used_mib,
		 needed_mib);
	*reterr_text = text;
	return false;
}

struct gate *gate_stop(struct gate *gate)
{
	bool kept = false;

	if (gate == NULL)
		return NULL;
	for (unsigned i = 0; i < gate->count; i++)
		worker_stop(&gate->workers[i]);
	for (unsigned i = 0; i < gate->count; i++)
		worker_join(&gate->workers[i]);
	/* Only now: until the last thread ended they sent each other messages. */
	for (unsigned i = 0; i < gate->count; i++)
		kept |= !worker_fini(&gate->workers[i]);
	if (gate->options.overload == &gate->overload) /* a remote one has opened none */
		overload_close(&gate->overload);
	if (kept)
		resolve_leave();
	else
		mem_free(gate);
	return NULL;
}

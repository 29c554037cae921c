#include "shell/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/admin.h"
#include "shell/clock.h"
#include "shell/gate.h"
#include "shell/keeper_parts.h"
#include "shell/random.h"

#define CODE_LIFE_NS ((uint64_t)3600 * 1000000000)

static void on_closed(uv_handle_t *handle)
{
	struct keeper *keeper = handle->data;

	keeper->handles--;
}

void keeper_handle_close(struct keeper *keeper, uv_handle_t *handle)
{
	handle->data = keeper;
	uv_close(handle, on_closed);
}

static unsigned workers_of(const struct settings *settings)
{
	int64_t workers = settings->workers;

	return workers > 0 && workers <= LIMIT_WORKERS ? (unsigned)workers : uv_available_parallelism();
}

static void record_of_sender(void *user, const struct fw_record *record)
{
	keeper_record(user, record);
}

static bool start_senders(struct keeper *keeper)
{
	const struct senders_options options = {
		.data_directory = keeper->options.data_directory,
		.record_directory = keeper->options.record_directory,
		.durable = &keeper->recorder.durable,
		.log = keeper->options.log,
		.random = random_system(), /* of any thread */
		.record = record_of_sender,
		.user = keeper,
	};

	keeper->senders = senders_start(&options, keeper->options.policy);
	return keeper->senders != NULL;
}

static const char *start(struct keeper *keeper)
{
	const struct keeper_options *options = &keeper->options;
	const char *failed = NULL;

	if (options->directory_fd != NULL) {
		keeper->directory_fd = fcntl(*options->directory_fd, F_DUPFD_CLOEXEC, 0);
		failed = "cannot start the keeper: no descriptor";
	} else {
		keeper->directory_fd = keeper_files_lock(options->data_directory, options->log, &failed);
	}
	if (keeper->directory_fd < 0)
		return failed;
	keeper->recorder.options = options;
	failed = keeper_files_token(options->data_directory, &options->random, keeper->token);
	if (failed == NULL)
		failed = keeper_vault_start(keeper);
	if (failed == NULL && !keeper_scenarios_start(&keeper->scenarios, keeper))
		failed = "cannot start the keeper: memory is short";
	keeper->recorder.scenarios = &keeper->scenarios;
	if (failed == NULL)
		failed = keeper_responses_start(&keeper->responses, keeper);
	keeper->recorder.responses = &keeper->responses;
	if (failed == NULL && !keeper_alerts_start(&keeper->alerts, keeper))
		failed = "cannot start the keeper: memory is short";
	if (failed == NULL)
		failed = keeper_recorder_start(&keeper->recorder, options, workers_of(keeper_started(options)));
	if (failed != NULL)
		return failed;
	failed = keeper_capture_start(&keeper->capture, keeper_started(options), options->capture, options->log);
	if (failed != NULL)
		return failed;
	keeper_index_start(&keeper->index, keeper);
	keeper_rows_start(&keeper->rows, keeper);
	if (keeper_figures_start(&keeper->figures, keeper, options->loop) != 0)
		return "cannot start the keeper: memory is short";
	if (keeper_asks_start(&keeper->asks, keeper, options->loop) != 0)
		return "cannot start the keeper: memory is short";
	if (keeper_users_start(keeper) != 0)
		return "cannot start the keeper: memory is short";
	if (!keeper_introspect_start(&keeper->introspection, keeper) || !keeper_logout_start(&keeper->logouts, keeper))
		return "cannot start the keeper: memory is short";
	if (!keeper_issuers_start(&keeper->issuers, keeper))
		return "cannot start the keeper: memory is short";
	if (!keeper_threats_start(&keeper->threats, keeper))
		return "cannot start the keeper: memory is short";
	if (!start_senders(keeper))
		return "cannot start the keeper: memory is short";
	keeper->admin = admin_start(keeper, &failed);
	return failed;
}

/* The caller's texts may go when keeper_start has returned. False: memory is short. */
static bool copy_texts(struct keeper *keeper)
{
	const char **texts[] = { &keeper->options.data_directory, &keeper->options.record_directory,
				 &keeper->options.admin_host };

	for (unsigned i = 0; i < KEEPER_TEXTS; i++) {
		if (*texts[i] == NULL)
			continue;
		keeper->texts[i] = mem_text(*texts[i], strlen(*texts[i]));
		if (keeper->texts[i] == NULL)
			return false;
		*texts[i] = keeper->texts[i];
	}
	return true;
}

struct keeper *keeper_start(const struct keeper_options *options, const char **reterr_text)
{
	struct keeper *keeper = mem_zero(1, sizeof(*keeper));

	*reterr_text = "cannot start the keeper: memory is short";
	if (keeper == NULL)
		return NULL;
	keeper->options = *options;
	keeper->directory_fd = -1;
	keeper->started_ns = uv_hrtime();
	keeper_clock_begin(keeper);
	fw_policy_ref(keeper->options.policy);
	if (copy_texts(keeper))
		*reterr_text = start(keeper);
	if (*reterr_text != NULL)
		return keeper_stop(keeper);
	return keeper;
}

struct keeper *keeper_stop(struct keeper *keeper)
{
	char failed[DATABASE_ERROR];

	if (keeper == NULL)
		return NULL;
	admin_stop(keeper->admin);
	keeper_vault_stop(keeper);
	keeper_figures_stop(&keeper->figures);
	keeper_users_stop(keeper);
	keeper_asks_stop(&keeper->asks);
	keeper_introspect_stop(&keeper->introspection);
	keeper_issuers_stop(&keeper->issuers);
	keeper_threats_stop(&keeper->threats);
	keeper_scenarios_stop(&keeper->scenarios);
	keeper_responses_stop(&keeper->responses);
	while (keeper->handles != 0 || !fetcher_closed(keeper->issuers.fetcher))
		uv_run(keeper->options.loop, UV_RUN_ONCE);
	keeper_issuers_free(&keeper->issuers);
	keeper_logout_free(&keeper->logouts);
	keeper_figures_free(&keeper->figures);
	keeper_asks_free(&keeper->asks);
	keeper_connections_fini(&keeper->connections);
	passwords_free(keeper->passwords);
	admin_free(keeper->admin);
	keeper_index_stop(&keeper->index);
	keeper_rows_stop(&keeper->rows);
	keeper_capture_stop(&keeper->capture);
	senders_quiet(keeper->senders);
	keeper_recorder_stop(&keeper->recorder);
	keeper_scenarios_free(&keeper->scenarios);
	keeper_responses_free(&keeper->responses);
	keeper_alerts_stop(&keeper->alerts);
	senders_stop(keeper->senders); /* what was recorded last is sent, too */
	keeper_keys_write_used(keeper);
	(void)keeper_blocks_write(keeper, failed);
	database_close(keeper->database);
	if (keeper->directory_fd >= 0)
		close(keeper->directory_fd);
	fw_policy_unref(keeper->options.policy);
	for (unsigned i = 0; i < KEEPER_TEXTS; i++)
		mem_free(keeper->texts[i]);
	mem_wipe(keeper, sizeof(*keeper));
	mem_free(keeper);
	return NULL;
}

struct ipc_channel *keeper_records(struct keeper *keeper)
{
	return keeper->recorder.channel;
}

struct ipc_channel *keeper_figures(struct keeper *keeper)
{
	return keeper->figures.channel;
}

struct ipc_channel *keeper_capture(struct keeper *keeper)
{
	return keeper->capture.channel;
}

struct ipc_channel *keeper_asks(struct keeper *keeper)
{
	return keeper->asks.channel;
}

void keeper_set_gate(struct keeper *keeper, struct gate *gate)
{
	keeper->asks.gate = gate;
	keeper_figures_set_gate(&keeper->figures, gate);
}

void keeper_deafen(struct keeper *keeper)
{
	admin_deafen(keeper->admin);
}

bool keeper_answers(const struct keeper *keeper)
{
	return admin_answers(keeper->admin);
}

uint16_t keeper_port(const struct keeper *keeper)
{
	return admin_port(keeper->admin);
}

const char *keeper_admin_token(const struct keeper *keeper)
{
	return keeper->token;
}

size_t keeper_demo_code(struct keeper *keeper, unsigned user, char ret_code[40])
{
	struct keeper_code *code = &keeper->codes[keeper->next_code];
	uint8_t secret[16];
	size_t size;

	if (keeper->options.demo == NULL || user >= keeper->options.demo->user_count)
		return 0;
	keeper->next_code = (keeper->next_code + 1) % LIMIT_DEMO_CODES;
	keeper->options.random.fill(keeper->options.random.user, secret, sizeof(secret));
	size = encode_base64(secret, sizeof(secret), 1, code->text);
	code->text[size] = '\0';
	code->user = user;
	code->until_ns = uv_hrtime() + CODE_LIFE_NS;
	memcpy(ret_code, code->text, size + 1);
	return size;
}

void keeper_record(struct keeper *keeper, const struct fw_record *record)
{
	static const char unset[FW_EVENT_ID_SIZE];
	struct fw_record whole = *record;
	uint8_t id[FW_EVENT_ID_SIZE / 2];

	if (whole.wall_us == 0)
		whole.wall_us = clock_wall_us();
	if (memcmp(whole.event_id, unset, sizeof(unset)) == 0) {
		keeper->options.random.fill(keeper->options.random.user, id, sizeof(id));
		encode_hex(id, sizeof(id), whole.event_id);
	}
	ipc_send_record(keeper->recorder.own, &whole, KEEPER_WORKER);
}

void keeper_set_draining(struct keeper *keeper)
{
	keeper->draining = true;
	atomic_store(&keeper->recorder.take_all, true);
}

void keeper_renew(struct keeper *keeper, struct fw_policy *policy, const struct reload_state *configuration)
{
	struct fw_policy *last = keeper->options.policy;

	keeper->options.policy = fw_policy_ref(policy);
	keeper->options.configuration = *configuration;
	keeper_issuers_renew(&keeper->issuers, policy);
	senders_renew(keeper->senders, policy);
	keeper_threats_renew(&keeper->threats, policy);
	keeper_scenarios_renew(&keeper->scenarios, policy);
	keeper_responses_renew(&keeper->responses, policy);
	keeper_sums_set(&keeper->recorder, policy);
	keeper_alerts_renew(&keeper->alerts, policy);
	keeper_watch_set(&keeper->recorder.watching, policy);
	fw_policy_unref(last);
}

void keeper_on_drained(struct keeper *keeper, void (*drained)(void *user, unsigned worker), void *user)
{
	keeper->figures.drained = drained;
	keeper->figures.drained_user = user;
}

int keeper_control_connect(const char *data_directory)
{
	int directory = open(data_directory, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1, reason;
	struct sockaddr_un address;

	if (directory < 0)
		return -1;
	if (keeper_files_socket(data_directory, directory, &address))
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		reason = errno;
		close(fd);
		errno = reason;
		fd = -1;
	}
	reason = errno;
	close(directory);
	errno = reason;
	return fd;
}

#include "shell/server.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/arena.h"
#include "base/event_type.h"
#include "base/slice.h"
#include "crypto/jwt.h"
#include "shell/gate.h"
#include "shell/hub.h"
#include "shell/keeper.h"
#include "shell/random.h"
#include "shell/tls.h"
#include "state/store.h"

#define SECOND_NS ((uint64_t)1000000000)

enum { SIGNALS = 2, EXIT_STOPPED = 0, EXIT_NOT_HELD = 1, EXIT_COULD_NOT = 3 };

/* The users of the quick start. */
static const struct keeper_demo demo_users = { .users = { { "alice", "user" }, { "bob", "user" } }, .user_count = 2 };

struct server {
	const struct server_options *options;
	struct keeper_demo demo;
	uv_loop_t loop;
	uv_signal_t signals[SIGNALS];
	uv_timer_t sweep;
	struct store *store;
	struct hub *hub;
	struct tls *tls;
	struct keeper *keeper;
	struct gate *gate;
	char client_host[256], admin_host[256];
	uint16_t client_port, admin_port;
	bool admin_on;
	bool draining;
	unsigned drained; /* workers */
};

static struct fw_time read_clocks(void)
{
	uv_timeval64_t wall = { 0 };

	uv_gettimeofday(&wall);
	return (struct fw_time){ .monotonic_ns = uv_hrtime(),
				 .wall_us = (uint64_t)wall.tv_sec * 1000000 + (uint64_t)wall.tv_usec };
}

static void say_failure(const struct server *server, const char *text)
{
	if (server->options->say != NULL)
		fprintf(stderr, "framewall: %s\n", text);
}

static struct store_options store_settings(const struct fw_policy *policy)
{
	const struct settings *settings = &policy->settings;

	return (struct store_options){
		.max_connections_per_ip = (uint32_t)settings->max_connections_per_ip,
		.max_connections = (uint32_t)settings->max_connections,
		.auth_rate = policy->auth_rate,
		.max_sessions_per_user = (uint32_t)settings->max_sessions_per_user,
		.session_idle_ns = (uint64_t)settings->session_timeout * 60 * SECOND_NS,
		.session_absolute_us = (uint64_t)settings->session_absolute_hours * 3600 * 1000000,
		.violation_threshold = (uint32_t)settings->violation_threshold,
		.block_ns = (uint64_t)settings->block_duration * 3600 * SECOND_NS,
	};
}

static bool needs_hub(const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->route_count; i++)
		if (!policy->routes[i].has_upstream)
			return true;
	return policy->route_count == 0;
}

static void record(struct server *server, const char *change)
{
	struct fw_record written = { .type = EVENT_system_changes, .level = event_type_level(EVENT_system_changes) };

	written.details[written.detail_count++] = (struct fw_detail){ .key = "change", .text = slice_text(change) };
	keeper_record(server->keeper, &written);
}

static void stop(struct server *server)
{
	uv_stop(&server->loop);
}

static void on_drained(void *user, unsigned worker)
{
	struct server *server = user;

	(void)worker;
	if (++server->drained == gate_workers(server->gate))
		stop(server);
}

/* The first signal lets connections end in an orderly way, the second does not wait for them. */
static void on_signal(uv_signal_t *handle, int number)
{
	struct server *server = handle->data;
	struct ipc_drain drain = { .seconds = server->options->drain_seconds };

	(void)number;
	if (server->draining) {
		stop(server);
		return;
	}
	server->draining = true;
	keeper_set_draining(server->keeper);
	record(server, "draining");
	if (server->options->say != NULL) {
		fprintf(server->options->say, "draining: no new connections, up to %u s for those there are\n",
			drain.seconds);
		fflush(server->options->say);
	}
	gate_tell(server->gate, -1, IPC_DRAIN, &drain, sizeof(drain), slice(NULL, 0));
}

static void on_sweep(uv_timer_t *handle)
{
	struct server *server = handle->data;

	store_sweep(server->store, read_clocks());
}

/* As many descriptors as this user may have: each proxied connection takes two. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static bool read_addresses(struct server *server)
{
	const struct settings *settings = &server->options->policy->settings;

	server->admin_on = strcmp(settings->admin_listen, "off") != 0;
	if (!server_listen_parse(settings->listen, server->client_host, &server->client_port)) {
		say_failure(server, "listen: not HOST:PORT");
		return false;
	}
	if (server->admin_on && !server_listen_parse(settings->admin_listen, server->admin_host, &server->admin_port)) {
		say_failure(server, "admin.listen: neither HOST:PORT nor off");
		return false;
	}
	return true;
}

static unsigned worker_count(const struct fw_policy *policy)
{
	unsigned wanted = (unsigned)policy->settings.workers;

	if (wanted == 0)
		wanted = uv_available_parallelism();
	return wanted < LIMIT_WORKERS ? wanted : LIMIT_WORKERS;
}

static bool start_keeper(struct server *server)
{
	const struct server_options *options = server->options;
	const char *folder = options->policy->settings.log_directory, *text = "cannot start the keeper";
	char record_directory[4096];
	struct keeper_options keeper = {
		.loop = &server->loop,
		.policy = options->policy,
		.store = server->store,
		.data_directory = options->data_directory,
		.record_directory = record_directory,
		.admin_host = server->admin_on ? server->admin_host : NULL,
		.admin_port = server->admin_port,
		.random = random_system(),
		.demo = options->demo ? &server->demo : NULL,
	};

	if (folder[0] != '\0')
		snprintf(record_directory, sizeof(record_directory), "%s", folder);
	else
		snprintf(record_directory, sizeof(record_directory), "%s/record", options->data_directory);
	server->keeper = keeper_start(&keeper, &text);
	if (server->keeper == NULL)
		say_failure(server, text);
	return server->keeper != NULL;
}

static bool start_gate(struct server *server)
{
	const char *text = "cannot start the gate";
	struct gate_options gate = {
		.policy = server->options->policy,
		.store = server->store,
		.hub = server->hub,
		.tls = server->tls,
		.host = server->client_host,
		.port = server->client_port,
		.workers = worker_count(server->options->policy),
		.records = keeper_records(server->keeper),
		.figures = keeper_figures(server->keeper),
	};

	server->gate = gate_start(&gate, &text);
	if (server->gate == NULL) {
		say_failure(server, text);
		return false;
	}
	server->demo.client_port = gate_port(server->gate);
	keeper_set_gate(server->keeper, server->gate);
	keeper_on_drained(server->keeper, on_drained, server);
	return true;
}

/* A host as it stands in a URL; every address: the one that surely reaches this machine. */
static const char *url_host(const char *host, char ret_text[260])
{
	if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
		return "localhost";
	if (strchr(host, ':') == NULL)
		return host;
	snprintf(ret_text, 260, "[%s]", host);
	return ret_text;
}

/* A token for clients other than the demo page, of the same life as those of "framewall token issue". */
static void say_token(struct server *server, FILE *say, const char *user, const char *role)
{
	const struct fw_policy *policy = server->options->policy;
	uint64_t now_s = read_clocks().wall_us / 1000000,
		 end_s = now_s + (uint64_t)policy->settings.jwt_expiry_hours * 3600;
	struct arena arena;
	struct fw_slice token;
	char claims[512];
	int size = snprintf(claims, sizeof(claims),
			    "{\"sub\":\"%s\",\"role\":\"%s\",\"iat\":%" PRIu64 ",\"exp\":%" PRIu64 "}", user, role,
			    now_s, end_s);

	arena_init(&arena, LIMIT_ARENA_SLACK);
	if (policy->jwt_key_count != 0 && size > 0 && (size_t)size < sizeof(claims) &&
	    jwt_issue(&arena, &policy->jwt_keys[0], slice(claims, (size_t)size), &token) == FW_OK)
		fprintf(say, "token for %s: %.*s\n", user, (int)token.size, (const char *)token.data);
	arena_fini(&arena);
}

static void say_demo(struct server *server, FILE *say)
{
	char code[41] = "", host[260];

	for (unsigned i = 0; i < server->demo.user_count; i++)
		if (keeper_demo_code(server->keeper, i, code) != 0)
			fprintf(say, "log in as %s: http://%s:%u/demo#%.40s\n", server->demo.users[i].user,
				url_host(server->admin_host, host), keeper_port(server->keeper), code);
	say_token(server, say, server->demo.users[0].user, server->demo.users[0].role);
}

static void say_line(void *user, const char *text)
{
	fprintf(user, "%s\n", text);
}

static void say_where(struct server *server)
{
	const struct fw_policy *policy = server->options->policy;
	FILE *say = server->options->say;
	char host[260];

	if (say == NULL)
		return;
	fprintf(say, "listening on %s://%s:%u\n", tls_serves(server->tls) ? "wss" : "ws",
		url_host(server->client_host, host), gate_port(server->gate));
	tls_describe(server->tls, say_line, say);
	for (unsigned i = 0; i < policy->route_count; i++)
		if (policy->routes[i].has_upstream)
			fprintf(say, "protecting %s://%s for %s\n", policy->routes[i].upstream_tls ? "wss" : "ws",
				policy->routes[i].upstream_authority, policy->routes[i].path);
	if (server->hub != NULL)
		fprintf(say, "serving the built-in hub\n");
	if (policy->settings.mode == MODE_MONITOR)
		fprintf(say, "monitor mode: nothing is refused, the record says what would be\n");
	if (server->admin_on)
		fprintf(say, "admin on http://%s:%u (token in %s/admin.token)\n", url_host(server->admin_host, host),
			keeper_port(server->keeper), server->options->data_directory);
	if (server->options->demo && server->admin_on)
		say_demo(server, say);
	fflush(say);
}

static void watch_signals(struct server *server)
{
	static const int numbers[SIGNALS] = { SIGTERM, SIGINT };

	for (unsigned i = 0; i < SIGNALS; i++) {
		uv_signal_init(&server->loop, &server->signals[i]);
		server->signals[i].data = server;
		uv_signal_start(&server->signals[i], on_signal, numbers[i]);
	}
	uv_timer_init(&server->loop, &server->sweep);
	server->sweep.data = server;
	uv_timer_start(&server->sweep, on_sweep, 1000, 1000);
}

static void close_all(struct server *server)
{
	for (unsigned i = 0; i < SIGNALS; i++)
		uv_close((uv_handle_t *)&server->signals[i], NULL);
	uv_close((uv_handle_t *)&server->sweep, NULL);
}

static int serve(struct server *server)
{
	const struct server_options *options = server->options;
	struct fw_random random = random_system();
	struct store_options settings = store_settings(options->policy);
	int code = EXIT_COULD_NOT;

	server->store = store_new(&settings, &random);
	server->hub = needs_hub(options->policy) ? hub_new() : NULL;
	if (server->store == NULL || (server->hub == NULL && needs_hub(options->policy)))
		say_failure(server, "cannot start: out of memory");
	else if (start_keeper(server) && start_gate(server)) {
		record(server, "started");
		say_where(server);
		uv_run(&server->loop, UV_RUN_DEFAULT);
		code = EXIT_STOPPED;
	}
	server->gate = gate_stop(server->gate);
	server->tls = tls_free(server->tls);
	if (code == EXIT_STOPPED)
		record(server, "stopped");
	return code;
}

int server_run(const struct server_options *options)
{
	struct server server = { .options = options, .demo = demo_users };
	int code = EXIT_COULD_NOT;

	signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	if (!read_addresses(&server))
		return EXIT_COULD_NOT;
	server.tls = tls_new(options->policy, say_line, stderr);
	if (server.tls == NULL)
		return EXIT_NOT_HELD;
	if (uv_loop_init(&server.loop) != 0) {
		say_failure(&server, "cannot start: no event loop");
		tls_free(server.tls);
		return EXIT_COULD_NOT;
	}
	watch_signals(&server);
	code = serve(&server);
	/* The keeper still has the gate's last records; it closes its handles on this loop. */
	server.keeper = keeper_stop(server.keeper);
	close_all(&server);
	uv_run(&server.loop, UV_RUN_DEFAULT);
	uv_loop_close(&server.loop);
	hub_free(server.hub);
	store_free(server.store);
	return code;
}

/* manager: the whole firewall inside this program, used by its public functions, with real clients on the loopback. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <framewall/manager.h>

#include "base/mem.h"
#include "policy/policy.h"

enum { ROOM = 65536, PATIENCE_S = 20 };

static char folder[] = "/tmp/framewall-test-XXXXXX";
static char said[ROOM];
static pthread_mutex_t said_lock = PTHREAD_MUTEX_INITIALIZER;

/* Anonymous clients: what is tested here is the manager, not the login. */
static const char anonymous[] = "routes:\n  - {path: /, anonymous: guest}\n"
				"rbac:\n  roles:\n    guest:\n      permissions: [chat.send, chat.read]\n"
				"rate_limiting:\n  max_connections_per_ip: 1000\n  messages_per_minute: 100000\n";

static const char opaque[] = "routes:\n  - {path: /, anonymous: guest, opaque: true, binary: true}\n";

static void hear(void *user, enum fw_log_level level, const char *module, const char *text)
{
	size_t used;

	(void)user;
	pthread_mutex_lock(&said_lock);
	used = strlen(said);
	snprintf(said + used, sizeof(said) - used, "%d %s: %s\n", level, module, text);
	pthread_mutex_unlock(&said_lock);
}

static struct fw_manager_options options_of(const char *config)
{
	said[0] = '\0';
	return (struct fw_manager_options){ .host = "127.0.0.1",
					    .port = FW_PORT_ANY,
					    .config_text = config,
					    .admin = "off",
					    .workers = 3,
					    .data_directory = folder,
					    .log = hear };
}

static struct fw_manager *made(const struct fw_manager_options *options)
{
	struct fw_error error = { 0 };
	struct fw_manager *manager = fw_manager_new(options, &error);

	if (manager == NULL)
		fail_msg("%s\n%s", error.text, said);
	return manager;
}

static void start(struct fw_manager *manager)
{
	struct fw_error error = { 0 };

	if (fw_manager_start(manager, &error) != FW_OK)
		fail_msg("%s", error.text);
}

/* A client ----------------------------------------------------------------------------------------------------- */
static void receive(int fd, void *ret_bytes, size_t size)
{
	if (recv(fd, ret_bytes, size, MSG_WAITALL) != (ssize_t)size)
		fail_msg("the connection ended: %s", strerror(errno));
}

static int client_of(const struct fw_manager *manager, const char *path)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(fw_manager_port((struct fw_manager *)(uintptr_t)manager)),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	char head[1024];
	size_t size = 0;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	size = (size_t)snprintf(head, sizeof(head),
				"GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
				path);
	assert_int_equal(send(fd, head, size, MSG_NOSIGNAL), (ssize_t)size);
	for (size = 0; size < 4 || memcmp(head + size - 4, "\r\n\r\n", 4) != 0; size++)
		receive(fd, head + size, 1);
	assert_memory_equal(head, "HTTP/1.1 101 ", 13);
	return fd;
}

/* With the mask 0, which changes nothing. */
static void say(int fd, unsigned opcode, const char *text)
{
	size_t size = strlen(text);
	uint8_t frame[256] = { (uint8_t)(0x80 | opcode), (uint8_t)(0x80 | size) };

	assert_true(size < 126);
	memcpy(frame + 6, text, size);
	assert_int_equal(send(fd, frame, size + 6, MSG_NOSIGNAL), (ssize_t)size + 6);
}

static unsigned listen_to(int fd, char ret_text[ROOM])
{
	uint8_t header[2], longer[2];
	size_t size;

	receive(fd, header, 2);
	size = header[1];
	if (size == 126) {
		receive(fd, longer, 2);
		size = (size_t)longer[0] << 8 | longer[1];
	}
	assert_true(size < ROOM);
	receive(fd, ret_text, size);
	ret_text[size] = '\0';
	return header[0] & 0xf;
}

static void hears(int fd, const char *expected)
{
	static char text[ROOM];

	listen_to(fd, text);
	assert_string_equal(text, expected);
}

/* The handlers ------------------------------------------------------------------------------------------------- */
static struct {
	_Atomic unsigned messages, records, starts;
	_Atomic uint64_t last_connection;
	enum fw_message_result result;
	struct fw_manager *manager;
	char type[64], user[64];
	bool allows, refuses;
	int unknown_type, not_text;
} seen;

static enum fw_message_result echo(void *user, const struct fw_message *message)
{
	static const char broken[] = { (char)0xff };

	assert_ptr_equal(user, &seen);
	seen.manager = message->manager;
	snprintf(seen.type, sizeof(seen.type), "%s", message->type != NULL ? message->type : "-");
	seen.allows = fw_conn_allows(message->conn, "chat.send");
	seen.refuses = fw_conn_allows(message->conn, "task.delete");
	seen.last_connection = message->who.connection_id;
	assert_int_equal(strlen((const char *)message->payload.data), message->payload.size);
	if (seen.result == FW_MESSAGE_HANDLED) {
		seen.unknown_type = fw_manager_reply(message, "no_such_type", false, fw_text("{}"));
		seen.not_text = fw_manager_reply(message, NULL, false, (struct fw_slice){ (const uint8_t *)broken, 1 });
		assert_int_equal(fw_manager_reply(message, NULL, message->binary, message->payload), FW_OK);
	}
	seen.messages++;
	return seen.result;
}

static void count(void *user, const struct fw_record *record)
{
	assert_ptr_equal(user, &seen);
	if (strcmp(fw_event_name(record->type), "system_changes") == 0 && record->detail_count == 2 &&
	    record->details[1].text.size == 64 && record->details[0].text.size == 7 &&
	    memcmp(record->details[0].text.data, "started", 7) == 0)
		seen.starts++;
	seen.records++;
}

static struct fw_manager *echoing(struct fw_manager_options *options)
{
	struct fw_manager *manager = made(options);

	memset(&seen, 0, sizeof(seen));
	assert_int_equal(fw_manager_on_message(manager, echo, &seen), FW_OK);
	assert_int_equal(fw_manager_on_event(manager, count, &seen), FW_OK);
	start(manager);
	return manager;
}

static const char chat[] = "{\"type\":\"chat_message\",\"text\":\"hello\"}";

static void test_message_and_reply(void **state)
{
	struct fw_manager_options options = options_of(anonymous);
	struct fw_manager *manager;
	int fd;

	(void)state;
	options.without_hub = true;
	manager = echoing(&options);
	fd = client_of(manager, "/");
	say(fd, 1, chat);
	hears(fd, chat);
	assert_string_equal(seen.type, "chat_message");
	assert_true(seen.allows);
	assert_false(seen.refuses);
	assert_ptr_equal(seen.manager, manager);
	assert_int_equal(seen.unknown_type, FW_ERR_INVALID);
	assert_int_equal(seen.not_text, FW_ERR_INVALID);
	close(fd);
	/* It is too late now. */
	assert_int_equal(fw_manager_on_event(manager, NULL, NULL), FW_ERR_STATE);
	assert_int_equal(fw_manager_on_message(manager, NULL, NULL), FW_ERR_STATE);
	fw_manager_stop(manager, 5);
	assert_int_equal(seen.messages, 1);
	assert_int_equal(seen.starts, 1);
	assert_true(seen.records >= 5); /* started, connect, disconnect, draining, stopped */
	fw_manager_free(manager);
}

static void test_opaque(void **state)
{
	struct fw_manager_options options = options_of(opaque);
	struct fw_manager *manager;
	struct fw_error error;
	int fd;

	(void)state;
	assert_null(fw_manager_new(&options, &error)); /* the hub reads messages */
	options.without_hub = true;
	manager = echoing(&options);
	fd = client_of(manager, "/");
	say(fd, 2, "anything");
	hears(fd, "anything");
	assert_string_equal(seen.type, "-");
	close(fd);
	fw_manager_free(manager);
}

static void test_hub_and_close(void **state)
{
	struct fw_manager_options options = options_of(anonymous);
	struct fw_manager *manager = echoing(&options);
	static char text[ROOM];
	int first, second;

	(void)state;
	seen.result = FW_MESSAGE_TO_HUB;
	first = client_of(manager, "/");
	say(first, 1, "{\"type\":\"ping\"}"); /* its answer: it is a member now */
	listen_to(first, text);
	second = client_of(manager, "/");
	listen_to(first, text); /* user_status of the second */
	say(second, 1, chat);
	listen_to(first, text);
	assert_non_null(strstr(text, "\"text\":\"hello\""));
	assert_non_null(strstr(text, "\"sender_role\":\"guest\""));
	seen.result = FW_MESSAGE_CLOSE;
	say(second, 1, chat);
	while (listen_to(second, text) != 8)
		;
	assert_int_equal((uint8_t)text[0] << 8 | (uint8_t)text[1], 1011);
	close(first);
	close(second);
	fw_manager_free(manager);
}

static void test_send(void **state)
{
	struct fw_manager_options options = options_of(anonymous);
	static char text[ROOM];
	enum { CLIENTS = 20 };
	uint64_t ids[CLIENTS];
	int fds[CLIENTS];
	struct fw_manager *manager;

	(void)state;
	options.without_hub = true;
	manager = echoing(&options);
	for (unsigned i = 0; i < CLIENTS; i++) {
		fds[i] = client_of(manager, "/");
		say(fds[i], 1, chat);
		hears(fds[i], chat);
		ids[i] = seen.last_connection;
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(ids[i], ids[j]);
	}
	/* To each its own, in the order of calls, and then to all. */
	for (unsigned n = 0; n < 3; n++) {
		for (unsigned i = 0; i < CLIENTS; i++) {
			snprintf(text, sizeof(text), "{\"n\":%u,\"i\":%u}", n, i);
			assert_int_equal(fw_manager_send(manager, ids[i], NULL, false, fw_text(text)), FW_OK);
		}
	}
	assert_int_equal(fw_manager_send(manager, FW_EVERYBODY, NULL, true, fw_text("all")), FW_OK);
	for (unsigned i = 0; i < CLIENTS; i++) {
		for (unsigned n = 0; n < 3; n++) {
			char expected[64];

			snprintf(expected, sizeof(expected), "{\"n\":%u,\"i\":%u}", n, i);
			hears(fds[i], expected);
		}
		assert_int_equal(listen_to(fds[i], text), 2);
		assert_string_equal(text, "all");
	}
	/* A type's delivery rule holds: a guest does not see who is typing where chat.read is not granted. */
	assert_int_equal(fw_manager_send(manager, ids[0], "no_such_type", false, fw_text("{}")), FW_ERR_INVALID);
	assert_int_equal(fw_manager_send(manager, ids[0], NULL, false, fw_text("\xff")), FW_ERR_INVALID);
	assert_int_equal(fw_manager_send(manager, 12345, NULL, false, fw_text("{}")), FW_OK); /* nobody */
	assert_int_equal(fw_manager_send(manager, ids[0], "admin_command_result", false, fw_text("{}")), FW_OK);
	assert_int_equal(fw_manager_send(manager, ids[0], NULL, false, fw_text("last")), FW_OK);
	hears(fds[0], "last"); /* a guest is not shown the result of admin commands */
	for (unsigned i = 0; i < CLIENTS; i++)
		close(fds[i]);
	fw_manager_stop(manager, 0);
	assert_int_equal(fw_manager_send(manager, ids[0], NULL, false, fw_text("{}")), FW_ERR_STATE);
	fw_manager_free(manager);
}

static void test_states(void **state)
{
	struct fw_manager_options options = options_of(anonymous);
	struct fw_manager *manager = made(&options);
	struct fw_policy *policy;
	struct fw_error error;
	int fd;

	(void)state;
	assert_int_equal(fw_manager_port(manager), 0);
	fw_manager_stop(manager, 3); /* nothing to do */
	for (unsigned i = 0; i < 3; i++) {
		start(manager);
		assert_int_not_equal(fw_manager_port(manager), 0);
		assert_int_equal(fw_manager_admin_port(manager), 0);
		assert_int_equal(fw_manager_start(manager, &error), FW_ERR_STATE);
		assert_int_equal(error.code, FW_ERR_STATE);
		fd = client_of(manager, "/");
		fw_manager_stop(manager, i == 1 ? 0 : 1); /* the client does not answer the close */
		close(fd);
		assert_int_equal(fw_manager_port(manager), 0);
	}
	policy = fw_manager_policy(manager);
	fw_manager_free(manager);
	assert_true(fw_policy_allows(policy, "guest", "chat.send")); /* a reference of its own */
	assert_false(fw_policy_allows(policy, "guest", "task.delete"));
	fw_policy_unref(policy);
	assert_null(fw_manager_free(NULL));
}

static void *stop_slowly(void *user)
{
	fw_manager_stop(user, 60);
	return NULL;
}

static void test_roles_and_environment(void **state)
{
	static const char *const permissions[] = { "tasks.*" }, *const unknown[] = { "nothing" };
	struct fw_role clerk = { .name = "clerk", .permissions = permissions, .permission_count = 1 };
	struct fw_manager_options options = options_of(NULL);
	struct fw_manager *manager;
	struct fw_policy *policy;
	struct fw_error error;

	(void)state;
	options.roles = &clerk;
	options.role_count = 1;
	options.environment = "development";
	manager = made(&options);
	policy = fw_manager_policy(manager);
	assert_true(fw_policy_allows(policy, "clerk", "tasks.delete"));
	assert_string_equal(policy->settings.environment, "development");
	fw_policy_unref(policy);
	fw_manager_free(manager);
	clerk.permissions = unknown;
	assert_null(fw_manager_new(&options, &error));
	assert_int_equal(error.code, FW_ERR_INVALID);
	assert_string_equal(error.text, "roles: no permission is \"nothing\"");
	assert_non_null(strstr(said, "0 config: roles: error: no permission"));
}

static void test_policy_of_file(void **state)
{
	struct fw_policy *policy;
	char path[64];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/framewall.yaml", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("environment: production\nrbac:\n  roles:\n    clerk:\n      permissions: [tasks.read]\n", file);
	fclose(file);
	assert_int_equal(fw_policy_load_file(path, "development", NULL, NULL, &policy), FW_OK);
	assert_string_equal(policy->settings.environment, "development");
	assert_true(fw_policy_allows(policy, "clerk", "tasks.read"));
	fw_policy_unref(policy);
	assert_int_equal(fw_policy_load_file(path, "nowhere", NULL, NULL, &policy), FW_ERR_INVALID);
	assert_null(policy);
	assert_int_equal(fw_policy_load_file(NULL, NULL, NULL, NULL, &policy), FW_OK);
	fw_policy_unref(policy);
	unlink(path);
	assert_int_equal(fw_policy_load_file(path, NULL, NULL, NULL, &policy), FW_ERR_IO);
	assert_int_equal(errno, ENOENT);
}

static void write_config(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int64_t rate_of(struct fw_manager *manager)
{
	struct fw_policy *policy = fw_manager_policy(manager);
	int64_t rate = policy->settings.messages_per_minute;

	assert_true(fw_policy_allows(policy, "clerk", "tasks.delete"));
	fw_policy_unref(policy);
	return rate;
}

/* Roles, settings and handlers of the program stay; a client that is there stays; a file that does not hold, or memory
 * that is short, changes nothing. */
static void test_reload(void **state)
{
	static const char *const permissions[] = { "tasks.*" };
	static const char routes[] =
		"routes:\n  - {path: /, anonymous: guest, opaque: true}\nrate_limiting:\n  messages_per_minute: ";
	struct fw_role clerk = { .name = "clerk", .permissions = permissions, .permission_count = 1 };
	struct fw_manager_options options = options_of(NULL);
	struct fw_manager *manager;
	struct fw_error error;
	char path[64], text[256];
	unsigned failed = 0;
	int client;

	(void)state;
	snprintf(path, sizeof(path), "%s/framewall.yaml", folder);
	snprintf(text, sizeof(text), "%s%d\n", routes, 1000);
	write_config(path, text);
	options.config_file = path;
	options.without_hub = true;
	options.roles = &clerk;
	options.role_count = 1;
	manager = made(&options);
	snprintf(text, sizeof(text), "%s%d\n", routes, 1001);
	write_config(path, text);
	assert_int_equal(fw_manager_reload(manager, &error), FW_OK); /* before the start */
	assert_int_equal(rate_of(manager), 1001);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(fw_manager_on_message(manager, echo, &seen), FW_OK);
	start(manager);
	client = client_of(manager, "/");
	say(client, 1, "one");
	hears(client, "one");
	snprintf(text, sizeof(text), "%s%d\n", routes, 1002);
	write_config(path, text);
	for (uint64_t n = 1; n < 100000; n++) {
		int result;

		mem_fail_at(n);
		result = fw_manager_reload(manager, &error);
		if (mem_fail_at(0) < n) {
			assert_int_equal(result, FW_OK); /* no more allocations than that */
			break;
		}
		if (result != FW_OK) {
			failed++;
			assert_int_equal(rate_of(manager), 1001);
		} else { /* one whose failure does no harm */
			snprintf(text, sizeof(text), "%s%d\n", routes, 1001);
			write_config(path, text);
			assert_int_equal(fw_manager_reload(manager, NULL), FW_OK);
			snprintf(text, sizeof(text), "%s%d\n", routes, 1002);
			write_config(path, text);
		}
	}
	assert_true(failed > 3);
	assert_int_equal(rate_of(manager), 1002);
	say(client, 1, "two");
	hears(client, "two");
	write_config(path, "nonsense: 1\n");
	assert_int_equal(fw_manager_reload(manager, &error), FW_ERR_INVALID);
	assert_non_null(strstr(error.text, "framewall.yaml:1:1: error: unknown key \"nonsense\""));
	unlink(path);
	assert_int_equal(fw_manager_reload(manager, &error), FW_ERR_IO);
	assert_int_equal(rate_of(manager), 1002);
	say(client, 1, "three");
	hears(client, "three");
	close(client);
	fw_manager_stop(manager, 0);
	write_config(path, "listen: nowhere\n");
	assert_int_equal(fw_manager_reload(manager, &error), FW_ERR_INVALID); /* it would not start */
	fw_manager_free(manager);
	unlink(path);
}

static void test_second_stop_hurries(void **state)
{
	struct fw_manager_options options = options_of(anonymous);
	struct fw_manager *manager = made(&options);
	pthread_t slow;
	int fd;

	(void)state;
	start(manager);
	fd = client_of(manager, "/");
	assert_int_equal(pthread_create(&slow, NULL, stop_slowly, manager), 0);
	fw_manager_stop(manager, 0);
	pthread_join(slow, NULL); /* not after 60 s: the test would be ended */
	close(fd);
	fw_manager_free(manager);
}

static void test_errors(void **state)
{
	struct fw_manager_options options = options_of("mode: maybe\nlisten: [1]\n");
	struct fw_manager *first, *second;
	struct fw_error error;
	char taken[64];
	struct fw_setting setting = { "rate_limiting.messages_per_minute", "many", "--messages" };

	(void)state;
	assert_null(fw_manager_new(&options, &error));
	assert_int_equal(error.code, FW_ERR_INVALID);
	assert_non_null(strstr(error.text, "configuration:1:7: error: "));
	assert_null(strchr(error.text, '\n'));
	assert_non_null(strstr(said, "0 config: configuration:2:"));

	options = options_of(NULL);
	options.settings = &setting;
	options.setting_count = 1;
	assert_null(fw_manager_new(&options, NULL)); /* the reason is not wanted */
	assert_null(fw_manager_new(&options, &error));
	assert_non_null(strstr(error.text, "--messages: error: "));

	options = options_of(NULL);
	options.config_file = "/nowhere/framewall.yaml";
	assert_null(fw_manager_new(&options, &error));
	assert_int_equal(error.code, FW_ERR_IO);
	assert_string_equal(error.text, "cannot read \"/nowhere/framewall.yaml\": No such file or directory");

	options = options_of(NULL);
	options.data_directory = "/proc/nowhere";
	assert_null(fw_manager_new(&options, &error));
	assert_int_equal(error.code, FW_ERR_IO);
	assert_non_null(strstr(error.text, "/proc/nowhere/keys/jwt.key"));

	/* The data directory belongs to one, and so does a port; whoever failed can be tried again. */
	options = options_of(anonymous);
	first = made(&options);
	second = made(&options);
	start(first);
	assert_int_equal(fw_manager_start(second, &error), FW_ERR_IO);
	assert_non_null(strstr(error.text, "another framewall runs on this data directory"));
	fw_manager_stop(first, 0);
	start(second);
	fw_manager_free(first);
	options.port = fw_manager_port(second);
	snprintf(taken, sizeof(taken), "%s/other", folder);
	options.data_directory = taken;
	first = made(&options);
	assert_int_equal(fw_manager_start(first, &error), FW_ERR_IO);
	assert_non_null(strstr(error.text, "cannot listen on 127.0.0.1:"));
	fw_manager_free(first);
	fw_manager_free(second);
}

/* Handlers of signals run where the program around wants them: never on a thread of the manager. */
static pthread_t handled_on;
static volatile sig_atomic_t handled;

static void on_signal(int number)
{
	(void)number;
	handled_on = pthread_self();
	handled = 1;
}

static void test_signals_are_left_alone(void **state)
{
	struct fw_manager_options options = options_of(anonymous);
	struct fw_manager *manager = made(&options);
	struct sigaction action = { .sa_handler = on_signal }, before, pipe_before, pipe_after;

	(void)state;
	sigaction(SIGPIPE, NULL, &pipe_before);
	sigaction(SIGUSR1, &action, &before);
	start(manager);
	for (unsigned i = 0; i < 100; i++) {
		handled = 0;
		assert_int_equal(kill(getpid(), SIGUSR1), 0);
		assert_true(handled);
		assert_true(pthread_equal(handled_on, pthread_self()));
	}
	sigaction(SIGPIPE, NULL, &pipe_after);
	assert_ptr_equal(pipe_before.sa_handler, pipe_after.sa_handler);
	fw_manager_free(manager);
	sigaction(SIGUSR1, &before, NULL);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command); /* NOLINT: its own folder */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_and_reply),
		cmocka_unit_test(test_opaque),
		cmocka_unit_test(test_hub_and_close),
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_roles_and_environment),
		cmocka_unit_test(test_policy_of_file),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_second_stop_hurries),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_signals_are_left_alone),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* load.c: the load generator: options, opening connections, messages, the meter. `load --help`. */
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load_tls.h"

struct options options = { .mode = "echo",
			   .kind = "chat",
			   .path = "/",
			   .connections = 50,
			   .depth = 1,
			   .settle_ms = 100,
			   .size = 128,
			   .messages = 20000,
			   .warmup = 2000 };
char load_error[512];

/* Ordinary English without markup, quotes or anything that JSON would escape. */
static const char prose[] =
	"Morning all, the build went through last night and the numbers look better than we hoped. I moved the meeting "
	"to three because Anna is on the train until two. Could somebody read the second chapter before we send it? "
	"The part about the harbour is good, but the ending comes too early and the names are not the same on every "
	"page. "
	"We have tickets for Thursday, bring a coat, it will be cold near the water. Lunch is on me if the parcel "
	"arrives before noon. Thanks for the notes, they helped a lot, and sorry for the late answer. ";

static uint64_t nanoseconds(clockid_t clock)
{
	struct timespec time;
	if (clock_gettime(clock, &time) < 0)
		wire_die("the peer ended, or its clock cannot be read");
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* The clock of a process counts user and system time of all its threads, in nanoseconds. */
static uint64_t peer_time(void)
{
	uint64_t sum = 0;
	clockid_t clock;

	for (unsigned i = 0; i < options.pid_count; i++) {
		if (clock_getcpuclockid(options.pids[i], &clock))
			wire_die("no processor clock of process %d", (int)options.pids[i]);
		sum += nanoseconds(clock);
	}
	return sum;
}

void meter_start(struct meter *meter)
{
	meter->cpu_ns = peer_time();
	meter->wall_ns = nanoseconds(CLOCK_MONOTONIC);
}

void meter_stop(struct meter *meter)
{
	meter->cpu_ns = peer_time() - meter->cpu_ns;
	meter->wall_ns = nanoseconds(CLOCK_MONOTONIC) - meter->wall_ns;
}

void meter_print(const struct meter *meter, uint64_t messages, unsigned connections)
{
	printf("{\"messages\": %llu, \"connections\": %u, \"cpu_ns\": %llu, \"wall_ns\": %llu}\n",
	       (unsigned long long)messages, connections, (unsigned long long)meter->cpu_ns,
	       (unsigned long long)meter->wall_ns);
	fflush(stdout);
}

void load_text(char *text, unsigned number)
{
	bool chat = strcmp(options.kind, "chat") == 0;
	size_t size = options.size;
	if (size < 64)
		wire_die("messages have at least 64 octets");
	if (!chat) {
		/* The time stamp may have 64 characters; blanks behind the object make up the rest. */
		size_t digits = size - 30 < 64 ? size - 30 : 64;
		memset(text, ' ', size);
		size_t at = (size_t)sprintf(text, "{\"type\":\"ping\",\"timestamp\":\"%0*u", (int)digits, number);
		memcpy(text + at, "\"}", 2);
	} else {
		size_t at = (size_t)sprintf(text, "{\"type\":\"chat_message\",\"text\":\"%04u ", number);
		for (size_t i = 0; at < size - 2; i++)
			text[at++] = prose[i % (sizeof(prose) - 1)];
		memcpy(text + at, "\"}", 2);
	}
	text[size] = 0;
}

size_t load_frame(uint8_t *out, uint8_t first, const void *payload, size_t size, uint32_t mask)
{
	uint8_t key[4];
	memcpy(key, &mask, 4);
	size_t header = wire_put_header(out, first, size, key);
	wire_mask(out + header, payload, size, key, 0);
	return header + size;
}

static char **tokens;
static size_t token_count;

/* Many users log in, each a few times: that is what a server meets, and one with thousands of sessions it does not. */
static void tokens_read(void)
{
	FILE *file = fopen(options.bearers, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t got;
	if (!file)
		wire_die("cannot read %s", options.bearers);
	while ((got = getline(&line, &room, file)) > 0) {
		line[strcspn(line, "\n")] = 0;
		tokens = realloc(tokens, (token_count + 1) * sizeof(*tokens));
		if (!tokens || !(tokens[token_count++] = strdup(line)))
			wire_die("memory");
	}
	free(line);
	fclose(file);
	if (!token_count)
		wire_die("no token in %s", options.bearers);
}

size_t load_request(char *head, size_t room)
{
	static size_t next;
	const char *token = tokens ? tokens[next++ % token_count] : "";
	int size = snprintf(head, room,
			    "GET %s HTTP/1.1\r\nHost: localhost:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
			    options.path, options.port, tokens ? "Authorization: Bearer " : "", token,
			    tokens ? "\r\n" : "");
	if (size < 0 || (size_t)size >= room)
		wire_die("the token is too long");
	return (size_t)size;
}

static bool read_some(int fd, char *buffer, size_t room, size_t *size)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	if (poll(&wait, 1, 10000) <= 0) {
		snprintf(load_error, sizeof(load_error), "no answer in 10 s");
		return false;
	}
	ssize_t got = load_tls_read(fd, buffer + *size, room - 1 - *size);
	if (got <= 0) {
		snprintf(load_error, sizeof(load_error), "closed during the handshake: %s",
			 got ? strerror(errno) : "end of file");
		return false;
	}
	*size += (size_t)got;
	buffer[*size] = 0;
	return true;
}

static int refuse(int fd)
{
	load_tls_close(fd);
	return -1;
}

int load_open(uint8_t *ret_rest, size_t room, size_t *ret_rest_size)
{
	static char head[WIRE_HEAD], answer[WIRE_HEAD];
	size_t size = load_request(head, sizeof(head)), got = 0;
	int fd = wire_connect(options.port);
	if (fd < 0) {
		snprintf(load_error, sizeof(load_error), "connect: %s", strerror(errno));
		return -1;
	}
	if (options.tls && !load_tls_begin(fd))
		return refuse(fd);
	if (load_tls_write(fd, head, size) != (ssize_t)size)
		return refuse(fd);
	answer[0] = 0;
	char *end;
	while (!(end = strstr(answer, "\r\n\r\n"))) {
		if (!read_some(fd, answer, sizeof(answer), &got))
			return refuse(fd);
	}
	/* The key is always RFC 6455's own example, so the accept value is known. */
	const char *accept = wire_field(answer, "sec-websocket-accept:");
	if (strncmp(answer, "HTTP/1.1 101 ", 13) != 0 || !accept ||
	    strncmp(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28) != 0) {
		snprintf(load_error, sizeof(load_error), "not upgraded: %.*s", (int)strcspn(answer, "\r\n"), answer);
		return refuse(fd);
	}
	size_t used = (size_t)(end + 4 - answer);
	if (options.login_message) {
		uint8_t frame[WIRE_HEAD];
		size_t login = strlen(options.login_message);
		size = load_frame(frame, 0x80 | WIRE_TEXT, options.login_message, login, 0x5a17c3e9u);
		if (login > WIRE_HEAD - 14 || load_tls_write(fd, frame, size) != (ssize_t)size)
			return refuse(fd);
		while (!memmem(answer + used, got - used, "\"auth_success\"", 14)) {
			if (memmem(answer + used, got - used, "\"error\"", 7)) {
				snprintf(load_error, sizeof(load_error), "login refused: %.300s", answer + used);
				return refuse(fd);
			}
			if (!read_some(fd, answer, sizeof(answer), &got))
				return refuse(fd);
		}
	}
	*ret_rest_size = got - used;
	if (*ret_rest_size > room)
		wire_die("too much behind the handshake");
	memcpy(ret_rest, answer + used, *ret_rest_size);
	wire_nonblock(fd);
	return fd;
}

enum { BEARERS = 256, LOGIN, PATH, PID, SETTLE, TLS };
static const struct option names[] = { { "mode", required_argument, NULL, 'm' },
				       { "kind", required_argument, NULL, 'k' },
				       { "port", required_argument, NULL, 'p' },
				       { "pid", required_argument, NULL, PID },
				       { "connections", required_argument, NULL, 'c' },
				       { "depth", required_argument, NULL, 'd' },
				       { "size", required_argument, NULL, 's' },
				       { "messages", required_argument, NULL, 'n' },
				       { "warmup", required_argument, NULL, 'w' },
				       { "bearers", required_argument, NULL, BEARERS },
				       { "login-message", required_argument, NULL, LOGIN },
				       { "path", required_argument, NULL, PATH },
				       { "settle", required_argument, NULL, SETTLE },
				       { "tls", required_argument, NULL, TLS },
				       { NULL, 0, NULL, 0 } };

static void usage(void)
{
	fprintf(stderr,
		"usage: load --mode echo|handshake|idle|broadcast --port PORT [--pid PEER,…] [--connections 50] "
		"[--depth "
		"1]\n"
		"            [--kind chat|ping] [--size 128] [--messages N] [--warmup N] [--settle MS] [--path /]\n"
		"            [--bearers FILE | --login-message JSON] [--tls 0|1]\n");
	exit(2);
}

static uint64_t number(const char *text, uint64_t most)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);
	if (!*text || *end || value > most)
		wire_die("not a number in range: %s", text);
	return value;
}

static void take_pids(const char *list)
{
	char one[16];

	for (size_t size; *list != '\0'; list += size + (list[size] == ',')) {
		size = strcspn(list, ",");
		if (options.pid_count == sizeof(options.pids) / sizeof(*options.pids) || size >= sizeof(one))
			wire_die("too many processes: %s", list);
		memcpy(one, list, size);
		one[size] = '\0';
		options.pids[options.pid_count++] = (pid_t)number(one, 1 << 30);
	}
}

static void take(int name, const char *value)
{
	switch (name) {
	case 'm':
		options.mode = value;
		break;
	case 'k':
		options.kind = value;
		break;
	case 'p':
		options.port = wire_port(value);
		break;
	case 'c':
		options.connections = (unsigned)number(value, 100000);
		break;
	case 'd':
		options.depth = (unsigned)number(value, 1024);
		break;
	case 's':
		options.size = (size_t)number(value, 1 << 20);
		break;
	case 'n':
		options.messages = number(value, UINT64_MAX);
		break;
	case 'w':
		options.warmup = number(value, UINT64_MAX);
		break;
	case BEARERS:
		options.bearers = value;
		break;
	case LOGIN:
		options.login_message = value;
		break;
	case PATH:
		options.path = value;
		break;
	case PID:
		take_pids(value);
		break;
	case TLS:
		options.tls = number(value, 1) != 0;
		break;
	case SETTLE:
		options.settle_ms = (unsigned)number(value, 60000);
		break;
	default:
		usage();
	}
}

int main(int count, char **arguments)
{
	int name;
	while ((name = getopt_long(count, arguments, "", names, NULL)) != -1)
		take(name, optarg);
	if (!options.port || !options.connections || !options.depth || !options.messages || optind != count)
		usage();
	signal(SIGPIPE, SIG_IGN);
	wire_raise_files();
	if (options.tls && strcmp(options.mode, "handshake") == 0)
		wire_die("handshakes are measured without TLS");
	if (options.bearers)
		tokens_read();
	if (strcmp(options.mode, "echo") == 0)
		return load_echo();
	if (strcmp(options.mode, "handshake") == 0)
		return load_handshake();
	if (strcmp(options.mode, "idle") == 0)
		return load_idle();
	if (strcmp(options.mode, "broadcast") == 0)
		return load_broadcast();
	usage();
	return 2;
}

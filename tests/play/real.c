/* The world of sockets: a scratch folder, a real `framewall run` with the play's configuration, clients that connect to
 * it, and a listening socket that is the upstream. Time is the wall's; records are read from the file that it writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "world.h"

enum { POLLED = 256, TURN_MS = 20, START_TRIES = 6000, STOP_TRIES = 6000, TRY_US = 10000 };

struct real {
	struct world world;
	pid_t process;
	bool ended;
	int status;
	char folder[200];
	long record_offset;
	struct text record_rest; /* of a line that is not whole yet */
	unsigned reloads;
};

static int upstream_socket = -1;
static uint16_t upstream_number, client_number;

static struct sockaddr_in real_address(const char *text, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, text, &address.sin_addr);
	return address;
}

/* A listening or only bound socket on any port. */
static int real_bind(bool listens, uint16_t *port)
{
	struct sockaddr_in address = real_address("127.0.0.1", *port);
	socklen_t size = sizeof(address);
	int one = 1, descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (descriptor < 0)
		return -1;
	setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(descriptor, (struct sockaddr *)&address, size) != 0 || (listens && listen(descriptor, 64) != 0) ||
	    getsockname(descriptor, (struct sockaddr *)&address, &size) != 0) {
		close(descriptor);
		return -1;
	}
	*port = ntohs(address.sin_port);
	return descriptor;
}

bool real_ports(uint16_t *ret_client, uint16_t *ret_upstream)
{
	int probe;

	if (upstream_socket < 0)
		upstream_socket = real_bind(true, &upstream_number);
	client_number = 0;
	probe = real_bind(false, &client_number);
	if (probe >= 0)
		close(probe);
	*ret_client = client_number;
	*ret_upstream = upstream_number;
	return probe >= 0 && upstream_socket >= 0;
}

static bool real_write_file(const char *path, const void *bytes, size_t size)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = descriptor >= 0 && write(descriptor, bytes, size) == (ssize_t)size;

	if (descriptor >= 0)
		close(descriptor);
	return ok;
}

static bool real_prepare(struct real *real, const char *config)
{
	const char *base = getenv("TMPDIR");
	char path[300];

	snprintf(real->folder, sizeof(real->folder), "%s/framewall-play-XXXXXX", base != NULL ? base : "/tmp");
	if (mkdtemp(real->folder) == NULL)
		return false;
	snprintf(path, sizeof(path), "%s/keys", real->folder);
	if (mkdir(path, 0700) != 0)
		return false;
	snprintf(path, sizeof(path), "%s/keys/jwt.key", real->folder);
	if (!real_write_file(path, world_secret, sizeof(world_secret)))
		return false;
	snprintf(path, sizeof(path), "%s/framewall.yaml", real->folder);
	return real_write_file(path, config, strlen(config));
}

static void real_exec(const struct real *real, const char *program)
{
	char listen_on[40], config[300], out[300];
	int descriptor;

	snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%u", client_number);
	snprintf(config, sizeof(config), "%s/framewall.yaml", real->folder);
	snprintf(out, sizeof(out), "%s/output", real->folder);
	descriptor = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (descriptor < 0)
		_exit(127);
	dup2(descriptor, 1);
	dup2(descriptor, 2);
	execl(program, program, "run", "--config", config, "--listen", listen_on, "--data", real->folder, "--admin",
	      "off", "--workers", "2", (char *)NULL);
	_exit(127);
}

static bool real_alive(struct real *real)
{
	if (!real->ended && waitpid(real->process, &real->status, WNOHANG) == real->process)
		real->ended = true;
	return !real->ended;
}

static int real_socket(const char *from, bool wait)
{
	struct sockaddr_in address = real_address("127.0.0.1", client_number), mine = real_address(from, 0);
	int one = 1, descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)wait;
	if (descriptor < 0)
		return -1;
	if (bind(descriptor, (struct sockaddr *)&mine, sizeof(mine)) != 0 ||
	    connect(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(descriptor);
		return -1;
	}
	setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(descriptor, F_SETFL, O_NONBLOCK);
	return descriptor;
}

/* Listening: a socket can be connected. From another address than clients come from, so that no limit counts it. */
static bool real_listening(struct real *real)
{
	for (unsigned i = 0; i < START_TRIES && real_alive(real); i++) {
		int descriptor = real_socket("127.9.9.9", true);

		if (descriptor >= 0) {
			close(descriptor);
			return true;
		}
		usleep(TRY_US);
	}
	return false;
}

static void real_output(const struct real *real, struct text *ret_output)
{
	char path[300], piece[2000];
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/output", real->folder);
	file = fopen(path, "r");
	if (file == NULL)
		return;
	size = fread(piece, 1, sizeof(piece), file);
	fclose(file);
	text_add(ret_output, piece, size);
}

static void real_drop(struct peer *peer)
{
	if (peer->descriptor >= 0)
		close(peer->descriptor);
	peer->descriptor = -1;
}

static void real_read(struct world *world, struct peer *peer)
{
	char piece[65536];
	ssize_t size = recv(peer->descriptor, piece, sizeof(piece), 0);

	if (size > 0) {
		text_add(&peer->in, piece, (size_t)size);
		world_read(world, peer);
	} else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
		peer->eof = true;
		real_drop(peer);
	}
}

static void real_write(struct peer *peer)
{
	if (peer->out.size != 0 && peer->descriptor >= 0 && !peer->held) {
		ssize_t size = send(peer->descriptor, peer->out.data, peer->out.size, MSG_NOSIGNAL);

		if (size > 0)
			text_take(&peer->out, (size_t)size);
		else if (size < 0 && errno != EAGAIN && errno != EINTR)
			peer->out.size = 0;
	}
	if (peer->gone || (peer->finish && peer->out.size == 0)) {
		peer->gone = true;
		real_drop(peer);
	}
}

/* The upstream takes what comes; when it is down its socket is closed, and opened again on the same port later. */
static void real_accept(struct world *world)
{
	struct peer *peer;
	int descriptor;

	if (world->upstream == UPSTREAM_DOWN && upstream_socket >= 0) {
		close(upstream_socket);
		upstream_socket = -1;
	} else if (world->upstream != UPSTREAM_DOWN && upstream_socket < 0) {
		upstream_socket = real_bind(true, &upstream_number);
	}
	if (upstream_socket < 0 ||
	    (descriptor = accept4(upstream_socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0)
		return;
	peer = peer_new("", true);
	peer->descriptor = descriptor;
	world->dials++;
	world_add(world, peer);
}

static void real_turn(struct world *world)
{
	struct pollfd polled[POLLED];
	struct peer *peers[POLLED];
	nfds_t count = 0;

	real_accept(world);
	for (struct peer *peer = world->peers; peer != NULL; peer = peer->next)
		real_write(peer);
	for (struct peer *peer = world->peers; peer != NULL && count < POLLED - 1; peer = peer->next) {
		if (peer->descriptor < 0)
			continue;
		peers[count] = peer;
		polled[count++] =
			(struct pollfd){ .fd = peer->descriptor,
					 .events = (short)((peer->paused ? 0 : POLLIN) |
							   (peer->out.size != 0 && !peer->held ? POLLOUT : 0)) };
	}
	if (upstream_socket >= 0)
		polled[count] = (struct pollfd){ .fd = upstream_socket, .events = POLLIN };
	if (poll(polled, count + (upstream_socket >= 0 ? 1 : 0), TURN_MS) <= 0)
		return;
	for (nfds_t i = 0; i < count; i++)
		if ((polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !peers[i]->paused)
			real_read(world, peers[i]);
	for (struct peer *peer = world->peers; peer != NULL; peer = peer->next)
		real_write(peer);
	real_accept(world);
}

static void real_connect(struct world *world, struct peer *client, const char *from)
{
	client->descriptor = real_socket(from != NULL ? from : "127.0.0.1", false);
	if (client->descriptor < 0) {
		world_wrong(world, "cannot connect from %s: %s", from != NULL ? from : "127.0.0.1", strerror(errno));
		client->eof = true;
	}
}

static void real_wait(struct world *world, uint64_t ns)
{
	struct timespec now, until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(ns % 1000000000);
	until.tv_sec += (time_t)(ns / 1000000000) + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	do {
		real_turn(world);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec < until.tv_nsec));
}

static uint64_t real_wall(struct world *world)
{
	(void)world;
	return (uint64_t)time(NULL) * 1000000;
}

/* Whole lines that were added to the record's file since the last look. */
static void real_records(struct world *world)
{
	struct real *real = (struct real *)world;
	char path[300], piece[65536], *end;
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/record/security_audit.log", real->folder);
	file = fopen(path, "r");
	if (file == NULL)
		return;
	fseek(file, real->record_offset, SEEK_SET);
	while ((size = fread(piece, 1, sizeof(piece), file)) != 0) {
		real->record_offset += (long)size;
		text_add(&real->record_rest, piece, size);
	}
	fclose(file);
	while (real->record_rest.size != 0 &&
	       (end = memchr(real->record_rest.data, '\n', real->record_rest.size)) != NULL) {
		size = (size_t)(end - real->record_rest.data);
		world_record(world, real->record_rest.data, size);
		text_take(&real->record_rest, size + 1);
	}
}

static bool real_end(struct world *world, struct peer *client, unsigned reason)
{
	(void)world;
	(void)client;
	(void)reason;
	return false;
}

static bool real_has_reloaded(const struct real *real)
{
	char path[300], line[4096];
	unsigned count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/output", real->folder);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		count += strncmp(line, "configuration reloaded: ", 24) == 0;
	if (file != NULL)
		fclose(file);
	return count == real->reloads;
}

static bool real_reload(struct world *world, const char *config, struct text *reterr)
{
	struct real *real = (struct real *)world;
	char path[300];

	snprintf(path, sizeof(path), "%s/framewall.yaml", real->folder);
	unlink(path);
	if (!real_write_file(path, config, strlen(config)))
		return false;
	real->reloads++;
	kill(real->process, SIGHUP);
	for (unsigned i = 0; i < START_TRIES && real_alive(real); i++) {
		if (real_has_reloaded(real))
			return true;
		real_turn(world);
	}
	real_output(real, reterr);
	return false;
}

static bool real_answer(struct world *world, struct said *said)
{
	(void)world;
	said_free(said);
	return false;
}

static bool real_fault(struct world *world, enum fault_kind kind, uint64_t number)
{
	(void)world;
	(void)number;
	return kind == FAULT_NONE;
}

static int real_wants(struct world *world, struct peer *peer)
{
	(void)world;
	(void)peer;
	return -1;
}

static int real_remove(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

/* The program must end cleanly when it is told to. */
static void real_end_process(struct real *real, struct text *reterr)
{
	bool was_alive = real_alive(real);

	if (was_alive)
		kill(real->process, SIGTERM);
	for (unsigned i = 0; i < STOP_TRIES && real_alive(real); i++)
		usleep(TRY_US);
	if (real_alive(real)) {
		kill(real->process, SIGKILL);
		waitpid(real->process, &real->status, 0);
		text_say(reterr, "the program did not stop on SIGTERM");
	} else if (!was_alive || !WIFEXITED(real->status) || WEXITSTATUS(real->status) != 0) {
		text_format(reterr, "the program ended %s with status 0x%x: ", was_alive ? "" : "by itself",
			    (unsigned)real->status);
		real_output(real, reterr);
	}
}

static struct world *real_stop(struct world *world, struct text *reterr, uint64_t *ret_allocations)
{
	struct real *real = (struct real *)world;

	(void)ret_allocations; /* another process makes them */
	text_add(reterr, world->wrong.data, world->wrong.size);
	for (struct peer *peer = world->peers; peer != NULL; peer = peer->next)
		real_drop(peer);
	if (real->process > 0)
		real_end_process(real, reterr);
	nftw(real->folder, real_remove, 16, FTW_DEPTH | FTW_PHYS);
	text_clear(&real->record_rest);
	world_fini(world);
	free(real);
	return NULL;
}

static const struct world_operations real_operations = {
	.turn = real_turn,
	.connect = real_connect,
	.wait = real_wait,
	.wall_us = real_wall,
	.records = real_records,
	.end = real_end,
	.reload = real_reload,
	.fault = real_fault,
	.answer = real_answer,
	.wants = real_wants,
	.stop = real_stop,
};

struct world *real_start(const struct world_options *options, struct text *reterr)
{
	struct real *real = text_memory(sizeof(*real));
	struct text ignored = { 0 };

	world_init(&real->world, &real_operations, options);
	real->world.client_port = client_number;
	real->world.upstream_port = upstream_number;
	if (real_prepare(real, options->config)) {
		fflush(stdout);
		real->process = fork();
		if (real->process == 0)
			real_exec(real, options->program);
		if (real->process > 0 && real_listening(real))
			return &real->world;
	}
	real_output(real, reterr);
	if (real->process <= 0)
		text_format(reterr, "no scratch folder or no process: %s", strerror(errno));
	else if (real->ended)
		text_format(reterr, "%s ended with status 0x%x before it listened", options->program,
			    (unsigned)real->status);
	else if (reterr->size == 0)
		text_say(reterr, "the program does not listen");
	real_stop(&real->world, &ignored, NULL);
	text_clear(&ignored);
	return NULL;
}

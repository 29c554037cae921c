#include "shell/admin.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/mem.h"
#include "shell/admin_parts.h"

enum { BACKLOG = 64, ARENA = 1 << 20 };

static char text[512];

static void on_tcp(uv_stream_t *listener, int status)
{
	if (status == 0)
		admin_conn_accept(listener->data, listener, false);
}

static void on_control(uv_stream_t *listener, int status)
{
	if (status == 0)
		admin_conn_accept(listener->data, listener, true);
}

static bool is_loopback(const struct sockaddr *address)
{
	struct fw_addr addr = { .family = address->sa_family == AF_INET6 ? 6 : 4 };

	if (addr.family == 6)
		memcpy(addr.bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
	else
		memcpy(addr.bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
	return addr_is_loopback(&addr);
}

static void set_port(struct sockaddr *address, uint16_t port)
{
	if (address->sa_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)address)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)(void *)address)->sin_port = htons(port);
}

static uint16_t bound_port(const uv_tcp_t *tcp)
{
	struct sockaddr_storage name;
	int size = sizeof(name);

	memset(&name, 0, sizeof(name));
	if (uv_tcp_getsockname(tcp, (struct sockaddr *)&name, &size) != 0)
		return 0;
	return ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
						: ((struct sockaddr_in *)&name)->sin_port);
}

static int listen_on(struct admin *admin, struct sockaddr *address)
{
	uv_tcp_t *tcp = &admin->tcp[admin->tcp_count];
	int result;

	if (uv_tcp_init(admin->keeper->options.loop, tcp) != 0)
		return UV_ENOMEM;
	admin->keeper->handles++;
	admin->tcp_count++;
	tcp->data = admin;
	set_port(address, admin->port); /* one port for all addresses of the name */
	result = uv_tcp_bind(tcp, address, address->sa_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0);
	if (result == 0)
		result = uv_listen((uv_stream_t *)tcp, BACKLOG, on_tcp);
	if (result != 0) {
		admin->tcp_count--;
		keeper_handle_close(admin->keeper, (uv_handle_t *)tcp);
		/* The loop must be done with this handle before its place is used again. */
		for (unsigned before = admin->keeper->handles; admin->keeper->handles == before;)
			uv_run(admin->keeper->options.loop, UV_RUN_ONCE);
		return result;
	}
	uv_unref((uv_handle_t *)tcp);
	admin->loopback_only = admin->loopback_only && is_loopback(address);
	if (admin->port == 0)
		admin->port = bound_port(tcp);
	return 0;
}

/* Addresses of the host: "" is every interface, localhost is both loopback addresses whatever a resolver says. */
static const char *listen_tcp(struct admin *admin, const char *host)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	static const char *const loopback[] = { "127.0.0.1", "::1" }, *const any[] = { "0.0.0.0", "::" };
	const char *const *hosts = &host;
	unsigned host_count = 1, opened = 0;
	int failed = 0;

	if (strcmp(host, "localhost") == 0 || host[0] == '\0') {
		hosts = host[0] == '\0' ? any : loopback;
		host_count = 2;
	}
	for (unsigned i = 0; i < host_count; i++) {
		struct addrinfo *list = NULL;
		int found = getaddrinfo(hosts[i], NULL, &hints, &list);

		if (found != 0) {
			snprintf(text, sizeof(text), "admin: no address for %s: %s", hosts[i], gai_strerror(found));
			return text;
		}
		for (struct addrinfo *at = list; at != NULL && admin->tcp_count < ADMIN_LISTENERS; at = at->ai_next) {
			int result = listen_on(admin, at->ai_addr);

			opened += result == 0;
			/* A machine without IPv6 is served on IPv4; a port that is taken is an error all the same. */
			if (result != 0 && (failed == 0 || result == UV_EADDRINUSE))
				failed = result;
		}
		freeaddrinfo(list);
	}
	if (opened != 0 && failed != UV_EADDRINUSE && failed != UV_EACCES)
		return NULL;
	snprintf(text, sizeof(text),
		 "cannot listen for operators on %s port %u: %s; name another address with --admin HOST:PORT, or "
		 "--admin off",
		 host[0] != '\0' ? host : "any address",
		 (unsigned)(admin->port != 0 ? admin->port : admin->keeper->options.admin_port), uv_strerror(failed));
	return text;
}

/* The lock on the folder is ours, so a socket that nobody answers is left over; one that somebody answers is not ours.
 */
static const char *listen_control(struct admin *admin)
{
	const char *directory = admin->keeper->options.data_directory;
	struct sockaddr_un address;
	int fd, result;
	mode_t mask;

	fd = keeper_control_connect(directory);
	if (fd >= 0) {
		close(fd);
		snprintf(text, sizeof(text), "another framewall runs on this data directory: %s", directory);
		return text;
	}
	unlinkat(admin->keeper->directory_fd, "control.sock", 0);
	if (!keeper_files_socket(directory, admin->keeper->directory_fd, &address))
		return "cannot make the control socket: its path is too long";
	if (uv_pipe_init(admin->keeper->options.loop, &admin->control, 0) != 0)
		return "cannot make the control socket: memory is short";
	admin->keeper->handles++;
	admin->control_open = true;
	admin->control.data = admin;
	mask = umask(0177); /* 0600 from the first moment on */
	result = uv_pipe_bind(&admin->control, address.sun_path);
	umask(mask);
	if (result == 0)
		result = uv_listen((uv_stream_t *)&admin->control, BACKLOG, on_control);
	if (result == 0) {
		uv_unref((uv_handle_t *)&admin->control);
		return NULL;
	}
	snprintf(text, sizeof(text), "cannot make the control socket in %s: %s", directory, uv_strerror(result));
	return text;
}

struct admin *admin_start(struct keeper *keeper, const char **reterr_text)
{
	struct admin *admin = mem_zero(1, sizeof(*admin));

	*reterr_text = "cannot start the admin side: memory is short";
	if (admin == NULL)
		return NULL;
	admin->keeper = keeper;
	admin->port = keeper->options.admin_port;
	admin->loopback_only = true;
	pool_init(&admin->pool);
	arena_init(&admin->arena, ARENA);
	if (admin_reload_init(admin) != 0 || admin_events_init(admin) != 0 || admin_report_init(admin) != 0 ||
	    admin_stream_init(admin) != 0 || admin_guard_init(admin) != 0 || admin_again_init(admin) != 0)
		return admin;
	if (admin_access_init(admin, reterr_text) != 0)
		return admin;
	*reterr_text = listen_control(admin);
	if (*reterr_text == NULL && keeper->options.admin_host != NULL)
		*reterr_text = listen_tcp(admin, keeper->options.admin_host);
	return admin;
}

uint16_t admin_port(const struct admin *admin)
{
	return admin->tcp_count != 0 ? admin->port : 0;
}

void admin_tick(struct admin *admin)
{
	/* Which of several listeners was stalled is not kept: asking the others finds nothing. */
	for (unsigned i = 0; i < admin->tcp_count && admin->stalled[false]; i++)
		admin_conn_accept(admin, (uv_stream_t *)&admin->tcp[i], false);
	if (admin->stalled[true])
		admin_conn_accept(admin, (uv_stream_t *)&admin->control, true);
	admin_stream_tick(admin);
	admin_access_tick(admin);
}

void admin_deafen(struct admin *admin)
{
	for (unsigned i = 0; i < admin->tcp_count; i++)
		keeper_handle_close(admin->keeper, (uv_handle_t *)&admin->tcp[i]);
	admin->tcp_count = 0;
	if (admin->control_open)
		keeper_handle_close(admin->keeper, (uv_handle_t *)&admin->control);
	admin->control_open = false;
	admin->stalled[false] = admin->stalled[true] = false;
}

bool admin_answers(const struct admin *admin)
{
	for (const struct admin_conn *conn = admin->conns; conn != NULL; conn = conn->next)
		if (conn->state == ADMIN_ASKING || conn->state == ADMIN_WRITING ||
		    (conn->state == ADMIN_READING && (conn->control || buf_size(&conn->in) != 0)))
			return true; /* a command says one thing, and says it at once */
	return false;
}

void admin_stop(struct admin *admin)
{
	if (admin == NULL)
		return;
	admin_deafen(admin);
	admin_reload_stop(admin);
	admin_events_stop(admin);
	admin_report_stop(admin);
	admin_stream_stop(admin);
	while (admin->conns != NULL)
		admin_conn_close(admin->conns);
}

struct admin *admin_free(struct admin *admin)
{
	if (admin == NULL)
		return NULL;
	admin_reload_free(admin);
	admin_events_free(admin);
	admin_report_free(admin);
	admin_stream_free(admin);
	admin_access_free(admin);
	admin_guard_free(admin);
	admin_again_free(admin);
	admin_record_forget(admin);
	tls_bio_free(admin->tls_io);
	pool_fini(&admin->pool);
	arena_fini(&admin->arena);
	mem_free(admin);
	return NULL;
}

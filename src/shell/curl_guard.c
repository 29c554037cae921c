#include "shell/curl_guard.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/slice.h"

_Static_assert(CURL_GUARD_WHY >= CURL_ERROR_SIZE, "libcurl writes as much");

static bool holds(struct curl_guard *guard, const struct fw_addr *address)
{
	static const char *const kinds[] = { [ADDR_LOOPBACK] = "of this machine",
					     [ADDR_PRIVATE] = "of a private network",
					     [ADDR_SPECIAL] = "of no host on the Internet" };
	enum addr_scope scope = addr_scope(address);
	char text[ADDR_TEXT];

	if (guard->any_address || scope == ADDR_PUBLIC ||
	    (guard->allow_private && (scope == ADDR_PRIVATE || scope == ADDR_LOOPBACK)))
		return true;
	addr_format(address, text);
	snprintf(guard->refused, sizeof(guard->refused), "the address %s is one %s%s", text, kinds[scope],
		 guard->allow_private ? "" : "; allow_private permits those of private networks and of this machine");
	return false;
}

/* family 0: it is of none that is known. */
static struct fw_addr address_of(const void *sockaddr, int family)
{
	struct fw_addr address = { 0 };

	if (family == AF_INET) {
		address.family = 4;
		memcpy(address.bytes, &((const struct sockaddr_in *)sockaddr)->sin_addr, 4);
	} else if (family == AF_INET6) {
		address = addr_of_v6(((const struct sockaddr_in6 *)sockaddr)->sin6_addr.s6_addr);
	}
	return address;
}

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct fw_addr address = address_of(&to->addr, to->family);

	(void)purpose;
	if (!holds(user, &address))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* Before each request, also on a connection that another one left open. */
static int before_request(void *user, char *server, char *own, int server_port, int own_port)
{
	struct curl_guard *guard = user;
	struct fw_addr address;

	(void)own;
	(void)server_port;
	(void)own_port;
	if (!addr_parse(slice_text(server), &address))
		address.family = 0;
	if (!holds(guard, &address))
		return CURL_PREREQFUNC_ABORT;
	guard->refused[0] = '\0'; /* of another address of this name, which came before */
	return CURL_PREREQFUNC_OK;
}

bool curl_guard_set(void *easy, struct curl_guard *guard, const char *ca_file)
{
	bool set = true;

#define SET(option, value) (set = set && curl_easy_setopt(easy, CURLOPT_##option, (value)) == CURLE_OK)
	SET(FOLLOWLOCATION, 0L);
	SET(PROXY, ""); /* else http_proxy and all_proxy of the environment count */
	SET(NOPROXY, "*");
	SET(NETRC, (long)CURL_NETRC_IGNORED);
	SET(NOSIGNAL, 1L);
	SET(QUICK_EXIT, 1L); /* a name look-up that hangs is not waited for */
	SET(SSL_VERIFYPEER, 1L);
	SET(SSL_VERIFYHOST, 2L);
	SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (ca_file != NULL) {
		SET(CAINFO, ca_file);
		SET(CAPATH, NULL); /* else the folder of this system counts beside it */
	}
	SET(OPENSOCKETFUNCTION, open_socket);
	SET(OPENSOCKETDATA, guard);
	SET(PREREQFUNCTION, before_request);
	SET(PREREQDATA, guard);
	SET(ERRORBUFFER, guard->error);
#undef SET
	return set;
}

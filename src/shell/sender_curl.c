/* What connections to receivers have in common: certificates, timeouts, no proxy of the environment, no redirect. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/slice.h"
#include "shell/fetch_address.h"
#include "shell/sender_parts.h"

_Static_assert(sizeof(((struct sender_curl *)0)->error) >= CURL_ERROR_SIZE, "libcurl writes as much");
_Static_assert(sizeof(((struct sender_curl *)0)->refused) >= FETCH_ADDRESS_WHY, "the reason has room");

enum { TURN_MS = 1000, CONNECT_TO = 600 };

void sender_curl_start(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Each address is looked at here, behind every name look-up. */
static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct sender_curl *curl = user;
	struct fw_addr address = fetch_address_of(&to->addr, to->family);

	(void)purpose;
	if (!curl->any_address && !fetch_address_holds(&address, curl->allow_private, curl->refused))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* Before each request, also on a connection that another one left open. */
static int before_request(void *user, char *server, char *own, int server_port, int own_port)
{
	struct sender_curl *curl = user;
	struct fw_addr address;

	(void)own;
	(void)server_port;
	(void)own_port;
	if (!addr_parse(slice_text(server), &address))
		address.family = 0;
	if (!curl->any_address && !fetch_address_holds(&address, curl->allow_private, curl->refused))
		return CURL_PREREQFUNC_ABORT;
	curl->refused[0] = '\0'; /* of another address of this name, which came before */
	return CURL_PREREQFUNC_OK;
}

bool sender_curl_open(struct sender *sender, struct sender_curl *curl, const char *url)
{
	const struct receiver *receiver = sender->receiver;
	CURL *easy = curl->easy = curl_easy_init();
	bool holds = easy != NULL;

#define SET(option, value) (holds = holds && curl_easy_setopt(easy, CURLOPT_##option, (value)) == CURLE_OK)
	SET(URL, url);
	SET(PROTOCOLS_STR, "https,http"); /* the configuration has judged which of them */
	SET(FOLLOWLOCATION, 0L);
	SET(PROXY, "");
	SET(NOPROXY, "*");
	SET(NETRC, (long)CURL_NETRC_IGNORED);
	SET(NOSIGNAL, 1L);
	SET(QUICK_EXIT, 1L); /* a name look-up that hangs is not waited for */
	SET(SSL_VERIFYPEER, 1L);
	SET(SSL_VERIFYHOST, 2L);
	SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (receiver->ca_file != NULL) {
		SET(CAINFO, receiver->ca_file);
		SET(CAPATH, NULL); /* else the folder of this system counts beside it */
	}
	if (receiver->certificate != NULL) {
		SET(SSLCERT, receiver->certificate);
		SET(SSLKEY, receiver->key != NULL ? receiver->key : receiver->certificate);
	}
	SET(CONNECTTIMEOUT_MS, (long)receiver->timeout * 1000);
	SET(TCP_KEEPALIVE, 1L);
	SET(TCP_KEEPIDLE, 30L);
	SET(TCP_KEEPINTVL, 10L);
	SET(OPENSOCKETFUNCTION, open_socket);
	SET(OPENSOCKETDATA, curl);
	SET(PREREQFUNCTION, before_request);
	SET(PREREQDATA, curl);
	SET(ERRORBUFFER, curl->error);
	if (curl->connect_to != NULL)
		SET(CONNECT_TO, curl->connect_to);
#undef SET
	if (!holds)
		snprintf(sender->why, sizeof(sender->why), "memory is short");
	return holds;
}

enum sender_result sender_curl_failed(struct sender *sender, const struct sender_curl *curl, int code)
{
	const char *error = curl->error[0] != '\0' ? curl->error : curl_easy_strerror((CURLcode)code);

	/* What libcurl makes of a connection that is reset before it asks for the address of the other side. */
	if (strncmp(error, "getpeername", 11) == 0)
		error = "the receiver closed the connection";
	snprintf(sender->why, sizeof(sender->why), "%s", curl->refused[0] != '\0' ? curl->refused : error);
	return SENDER_FAILED;
}

enum sender_result sender_curl_perform(struct sender *sender, void *multi, struct sender_curl *curl)
{
	struct curl_waitfd wake = { .fd = sender->wake, .events = CURL_WAIT_POLLIN };
	const struct CURLMsg *message;
	int running, left;

	if (curl_multi_add_handle(multi, curl->easy) != CURLM_OK) {
		snprintf(sender->why, sizeof(sender->why), "memory is short");
		return SENDER_FAILED;
	}
	while (curl_multi_perform(multi, &running) == CURLM_OK) {
		while ((message = curl_multi_info_read(multi, &left)) != NULL)
			if (message->msg == CURLMSG_DONE && message->easy_handle == curl->easy)
				return message->data.result == CURLE_OK && curl->refused[0] == '\0'
					       ? SENDER_SENT
					       : sender_curl_failed(sender, curl, (int)message->data.result);
		if (sender_patience(sender, TURN_MS) == 0)
			return SENDER_STOPPED;
		/* Once it is to stop the wake-up stays. */
		if (curl_multi_poll(multi, &wake, sender_stopping(sender) ? 0 : 1, sender_patience(sender, TURN_MS),
				    NULL) != CURLM_OK)
			break;
	}
	snprintf(sender->why, sizeof(sender->why), "memory is short");
	return SENDER_FAILED;
}

void sender_curl_close(void *multi, struct sender_curl *curl)
{
	if (curl->easy != NULL && multi != NULL)
		curl_multi_remove_handle(multi, curl->easy);
	curl_easy_cleanup(curl->easy);
	curl_slist_free_all(curl->connect_to);
	curl->easy = NULL;
	curl->connect_to = NULL;
}

bool sender_curl_connect_to(struct sender *sender, struct sender_curl *curl, const char *host, const char *port)
{
	char line[CONNECT_TO];
	int size = snprintf(line, sizeof(line), strchr(host, ':') != NULL ? "::[%s]:%s" : "::%s:%s", host, port);

	curl->connect_to = size > 0 && size < (int)sizeof(line) ? curl_slist_append(NULL, line) : NULL;
	if (curl->connect_to == NULL)
		snprintf(sender->why, sizeof(sender->why), "memory is short");
	return curl->connect_to != NULL;
}

/* What connections to receivers have in common: certificates, timeouts, no proxy of the environment, no redirect. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "shell/sender_parts.h"

enum { TURN_MS = 1000, CONNECT_TO = 600 };

void sender_curl_start(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool sender_curl_open(struct sender *sender, struct sender_curl *curl, const char *url)
{
	const struct receiver *receiver = sender->receiver;
	CURL *easy = curl->easy = curl_easy_init();
	bool holds = easy != NULL;

#define SET(option, value) (holds = holds && curl_easy_setopt(easy, CURLOPT_##option, (value)) == CURLE_OK)
	SET(URL, url);
	SET(PROTOCOLS_STR, "https,http"); /* the configuration has judged which of them */
	if (receiver->certificate != NULL) {
		SET(SSLCERT, receiver->certificate);
		SET(SSLKEY, receiver->key != NULL ? receiver->key : receiver->certificate);
	}
	SET(CONNECTTIMEOUT_MS, (long)receiver->timeout * 1000);
	SET(TCP_KEEPALIVE, 1L);
	SET(TCP_KEEPIDLE, 30L);
	SET(TCP_KEEPINTVL, 10L);
	if (curl->connect_to != NULL)
		SET(CONNECT_TO, curl->connect_to);
#undef SET
	holds = holds && curl_guard_set(easy, &curl->guard, receiver->ca_file);
	if (!holds)
		snprintf(sender->why, sizeof(sender->why), "memory is short");
	return holds;
}

enum sender_result sender_curl_failed(struct sender *sender, const struct sender_curl *curl, int code)
{
	const char *error = curl->guard.error[0] != '\0' ? curl->guard.error : curl_easy_strerror((CURLcode)code);

	/* What libcurl makes of a connection that is reset before it asks for the address of the other side. */
	if (strncmp(error, "getpeername", 11) == 0)
		error = "the receiver closed the connection";
	snprintf(sender->why, sizeof(sender->why), "%s", curl->guard.refused[0] != '\0' ? curl->guard.refused : error);
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
				return message->data.result == CURLE_OK && curl->guard.refused[0] == '\0'
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

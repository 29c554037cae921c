/* Mails by SMTP (RFC 5321), with STARTTLS or TLS from the beginning. */
#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/sender_parts.h"

enum { DATE = 64, ID = 96 };

struct sender_mail {
	CURLM *multi; /* keeps connections */
	struct buf text, mail;
};

struct mailing {
	struct sender *sender;
	struct sender_curl curl;
	struct curl_slist *to;
	struct fw_slice rest;
};

static size_t give(char *room, size_t one, size_t size, void *user)
{
	struct mailing *mailing = user;

	if (__builtin_mul_overflow(one, size, &size))
		return CURL_READFUNC_ABORT;
	if (size > mailing->rest.size)
		size = mailing->rest.size;
	if (size != 0)
		memcpy(room, mailing->rest.data, size);
	mailing->rest = slice_from(mailing->rest, size);
	return size;
}

static bool compose(struct sender *sender, const struct sender_batch *batch)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	char date[DATE], id[ID];
	struct tm tm;

	gmtime_r(&now, &tm);
	snprintf(date, sizeof(date), "%s, %02d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday % 7], tm.tm_mday,
		 months[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	snprintf(id, sizeof(id), "fw.%s.%" PRIu64 ".%" PRIu64, batch->first_id[0] != '\0' ? batch->first_id : "0",
		 batch->first, batch->last.sequence);
	return sender_lines_mail(sender, batch, date, id, &sender->mail->text, &sender->mail->mail);
}

static bool prepare(struct mailing *mailing)
{
	struct sender *sender = mailing->sender;
	const struct receiver *receiver = sender->receiver;
	char address[RECEIVER_ADDRESS + 3];
	CURL *easy;
	bool holds;

	mailing->curl.guard.allow_private = receiver->allow_private;
	snprintf(sender->why, sizeof(sender->why), "memory is short");
	for (size_t i = 0; i < receiver->to.count; i++) {
		struct curl_slist *longer;

		snprintf(address, sizeof(address), "<%s>", receiver->to.items[i]);
		longer = curl_slist_append(mailing->to, address);
		if (longer == NULL)
			return false;
		mailing->to = longer;
	}
	if (!sender_curl_open(sender, &mailing->curl, receiver->url))
		return false;
	easy = mailing->curl.easy;
	snprintf(address, sizeof(address), "<%s>", receiver->from);
	holds = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_USE_SSL,
				 receiver->allow_http ? (long)CURLUSESSL_TRY : (long)CURLUSESSL_ALL) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)receiver->timeout * 1000) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_MAIL_FROM, address) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, mailing->to) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, give) == CURLE_OK &&
		curl_easy_setopt(easy, CURLOPT_READDATA, mailing) == CURLE_OK;
	if (receiver->user != NULL)
		holds = holds && curl_easy_setopt(easy, CURLOPT_USERNAME, receiver->user) == CURLE_OK &&
			curl_easy_setopt(easy, CURLOPT_PASSWORD, receiver->password) == CURLE_OK;
	return holds;
}

/* RFC 5321 4.2.2: it is this mail that the server does not want. */
static bool is_of_the_mail(long status)
{
	return status >= 550 && status <= 554;
}

static enum sender_result send_one(struct sender *sender, const struct sender_batch *batch)
{
	struct mailing mailing = { .sender = sender };
	enum sender_result result = SENDER_FAILED;
	long status = 0;

	snprintf(sender->why, sizeof(sender->why), "memory is short");
	if (compose(sender, batch)) {
		mailing.rest = slice(buf_data(&sender->mail->mail), buf_size(&sender->mail->mail));
		if (prepare(&mailing))
			result = sender_curl_perform(sender, sender->mail->multi, &mailing.curl);
	}
	if (result == SENDER_FAILED && mailing.curl.easy != NULL) {
		curl_easy_getinfo(mailing.curl.easy, CURLINFO_RESPONSE_CODE, &status);
		if (is_of_the_mail(status)) {
			snprintf(sender->why, sizeof(sender->why), "answered %ld", status);
			result = SENDER_REFUSED;
		}
	}
	sender_curl_close(sender->mail->multi, &mailing.curl);
	curl_slist_free_all(mailing.to);
	return result;
}

static bool close_mail(struct sender *sender, bool in_order)
{
	if (sender->mail != NULL) {
		curl_multi_cleanup(sender->mail->multi);
		buf_clear(&sender->mail->text, &sender->pool);
		buf_clear(&sender->mail->mail, &sender->pool);
		mem_free(sender->mail);
	}
	sender->mail = NULL;
	return in_order;
}

static enum sender_result send_mail(struct sender *sender, struct sender_batch *batch)
{
	if (sender->mail == NULL) {
		sender->mail = mem_zero(1, sizeof(*sender->mail));
		if (sender->mail != NULL)
			sender->mail->multi = curl_multi_init();
	}
	if (sender->mail == NULL || sender->mail->multi == NULL) {
		snprintf(sender->why, sizeof(sender->why), "memory is short");
		return SENDER_FAILED;
	}
	return send_one(sender, batch);
}

const struct sender_transport sender_mail = { send_mail, NULL, close_mail };

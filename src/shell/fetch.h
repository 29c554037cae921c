/* fetch.h: HTTP requests of the keeper to those whom the configuration names (providers of identities), over libcurl on
 * its loop. https alone, with the certificate checked; no redirect, no proxy of the environment, no cookie; no address
 * of this machine or of a private network, whatever a name server says, unless the options allow it: the address is
 * looked at when it is connected to. Answers are bounded in octets and time. One thread, the loop's.
 *
 * Owns its sockets and handles on the loop. Never: asks for what a client sent, keeps a secret longer than the request.
 */
#ifndef SHELL_FETCH_H
#define SHELL_FETCH_H
#include <framewall/types.h>
#include <uv.h>

struct fetcher;
struct fetch;

struct fetch_result {
	const char *fault;    /* NULL: answered with 200 and what was asked for; else what is wrong, with the URL */
	struct fw_slice body; /* until the function returns */
	int64_t max_age_s;    /* what Cache-Control and Age say; -1: nothing */
};
typedef void fetch_done(void *user, const struct fetch_result *result);

struct fetch_options {
	const char *url;
	struct fw_slice form;	   /* data not NULL: POST of application/x-www-form-urlencoded */
	const char *authorization; /* value of the header; NULL: none */
	const char *ca_file;	   /* who may have signed the certificate of the server; NULL: as this system says */
	bool allow_http;	   /* http:// may be asked */
	bool allow_private;	   /* addresses of this machine and of private networks may be */
	uint32_t timeout_ms;	   /* for all of it */
	size_t most;		   /* octets of the answer */
	const char *types[2];	   /* media types that it may have; the second may be NULL */
	fetch_done *done;	   /* once, in a later turn, unless it was cancelled */
	void *user;
};

/* NULL: memory or descriptors are short. */
struct fetcher *fetcher_new(uv_loop_t *loop);
/* Texts are copied. NULL: memory is short, or LIMIT_FETCHES go on already; done is not called then. */
struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_options *options);
void fetch_cancel(struct fetch *fetch); /* NULL-safe; done is not called */
/* Cancels all. The loop must run on until fetcher_closed says so, then fetcher_free; NULL-safe, all three. */
void fetcher_stop(struct fetcher *fetcher);
bool fetcher_closed(const struct fetcher *fetcher);
struct fetcher *fetcher_free(struct fetcher *fetcher);
#endif

/* TLS in memory: two ends whose octets the test carries. Reload, tickets and their keys, cuts, floods, threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/tls_parts.h"
#include "shell/tls_stream.h"

enum { WORLD_PATH = 128 };

static struct {
	char folder[64];
	char one[WORLD_PATH], two[WORLD_PATH], broken[WORLD_PATH];
	char said[8192];
} world;

static void collect(void *user, const char *text)
{
	(void)user;
	assert_true(strlen(world.said) + strlen(text) + 2 < sizeof(world.said));
	strcat(world.said, text);
	strcat(world.said, "\n");
}

/* A certificate signed by itself and its key, in one file of mode 0600. */
static void write_pair(const char *path, const char *names)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	FILE *file = fopen(path, "w");

	assert_true(key != NULL && certificate != NULL && extension != NULL && file != NULL);
	fchmod(fileno(file), 0600);
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), (long)strlen(path));
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const uint8_t *)"test", -1,
				   -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	X509_set_pubkey(certificate, key);
	X509_add_ext(certificate, extension, -1);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(file, certificate), 1);
	assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(file);
	X509_EXTENSION_free(extension);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static int set_up_world(void **state)
{
	FILE *file;

	(void)state;
	strcpy(world.folder, "/tmp/framewall-test-XXXXXX");
	assert_non_null(mkdtemp(world.folder));
	snprintf(world.one, sizeof(world.one), "%s/one.pem", world.folder);
	snprintf(world.two, sizeof(world.two), "%s/two.pem", world.folder);
	snprintf(world.broken, sizeof(world.broken), "%s/broken.pem", world.folder);
	write_pair(world.one, "DNS:one.example");
	write_pair(world.two, "DNS:two.example,DNS:*.two.example");
	file = fopen(world.broken, "w");
	assert_non_null(file);
	fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file);
	fclose(file);
	return 0;
}

static int tear_down_world(void **state)
{
	(void)state;
	unlink(world.one);
	unlink(world.two);
	unlink(world.broken);
	return rmdir(world.folder);
}

/* A policy whose clients see this certificate, and that trusts it at a wss:// upstream. */
static struct fw_policy *policy_with(const char *certificate)
{
	char yaml[1024];
	struct fw_policy *policy = NULL;

	snprintf(yaml, sizeof(yaml),
		 "tls: {certificate: '%s'}\nupstream: {url: 'wss://one.example', tls: {ca_file: '%s'}}", certificate,
		 certificate);
	assert_int_equal(fw_policy_load("f.yaml", slice_text(yaml), collect, NULL, &policy), FW_OK);
	return policy;
}

static struct tls *tls_with(const char *certificate)
{
	struct fw_policy *policy = policy_with(certificate);
	struct tls *tls;

	world.said[0] = '\0';
	tls = tls_new(policy, collect, NULL);
	fw_policy_unref(policy);
	if (tls == NULL)
		fail_msg("%s", world.said);
	return tls;
}

static bool reload(struct tls *tls, const char *certificate)
{
	struct fw_policy *policy = policy_with(certificate);
	bool reloaded;

	world.said[0] = '\0';
	reloaded = tls_reload(tls, policy, collect, NULL);
	fw_policy_unref(policy);
	return reloaded;
}

/* Both ends and what they say to each other. */
struct pair {
	struct tls_io *server_io, *client_io;
	struct tls_stream *server, *client;
	uint8_t plain[2][65536 + TLS_STREAM_SLACK]; /* what the server, the client got */
	size_t plain_size[2];
	size_t cut; /* octets carried at a time; 0: all */
};

static struct pair *pair_new(struct tls *tls, const char *host)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	bool plain;

	assert_non_null(pair);
	pair->server_io = tls_stream_io(tls);
	pair->client_io = tls_stream_io(tls);
	pair->server = tls_stream_accept(tls, pair->server_io, &plain);
	pair->client = tls_stream_connect(tls, pair->client_io, host);
	assert_true(pair->server != NULL && pair->client != NULL);
	return pair;
}

static void pair_free(struct pair *pair)
{
	tls_stream_free(pair->server);
	tls_stream_free(pair->client);
	tls_bio_free(pair->server_io);
	tls_bio_free(pair->client_io);
	free(pair);
}

/* What waits at one end goes to the other. True when something did. */
static bool carry(struct pair *pair, bool to_server)
{
	struct tls_stream *from = to_server ? pair->client : pair->server,
			  *to = to_server ? pair->server : pair->client;
	struct tls_io *out = to_server ? pair->client_io : pair->server_io,
		      *in = to_server ? pair->server_io : pair->client_io;
	struct fw_slice waiting = tls_stream_waiting(from, out);
	size_t size = pair->cut != 0 && pair->cut < waiting.size ? pair->cut : waiting.size;
	size_t *got = &pair->plain_size[to_server ? 0 : 1];

	if (size == 0)
		return false;
	*got += tls_stream_take(to, in, waiting.data, size, pair->plain[to_server ? 0 : 1] + *got,
				sizeof(pair->plain[0]) - *got);
	tls_stream_sent(from, out, size);
	return true;
}

static void exchange(struct pair *pair)
{
	for (bool moved = true; moved;) {
		moved = carry(pair, true);
		moved |= carry(pair, false);
	}
}

static void say(struct pair *pair, const char *text)
{
	pair->plain_size[0] = pair->plain_size[1] = 0;
	assert_true(tls_stream_give(pair->client, pair->client_io, (const uint8_t *)text, strlen(text)));
	exchange(pair);
	assert_int_equal(pair->plain_size[0], strlen(text));
	assert_memory_equal(pair->plain[0], text, strlen(text));
	assert_true(tls_stream_give(pair->server, pair->server_io, (const uint8_t *)text, strlen(text)));
	exchange(pair);
	assert_int_equal(pair->plain_size[1], strlen(text));
}

static void test_both_ends(void **state)
{
	struct tls *tls = tls_with(world.one);
	struct tls_facts facts;

	(void)state;
	for (size_t cut = 0; cut <= 7; cut++) {
		struct pair *pair = pair_new(tls, "one.example");

		pair->cut = cut;
		assert_int_equal(tls_stream_state(pair->server), TLS_STREAM_SHAKING);
		exchange(pair);
		assert_int_equal(tls_stream_state(pair->server), TLS_STREAM_OPEN);
		assert_int_equal(tls_stream_state(pair->client), TLS_STREAM_OPEN);
		say(pair, "hello");
		facts = tls_stream_facts(pair->server);
		assert_string_equal(facts.version, "TLSv1.3");
		assert_false(facts.certificate);
		assert_true(tls_stream_facts(pair->client).certificate);
		tls_stream_finish(pair->client, pair->client_io);
		tls_stream_finish(pair->client, pair->client_io); /* said once */
		exchange(pair);
		assert_int_equal(tls_stream_state(pair->server), TLS_STREAM_ENDED);
		pair_free(pair);
	}
	tls_free(tls);
}

static void test_wrong_name(void **state)
{
	static const char *const names[] = { "other.example", "127.0.0.1", "one.example.evil", "x.one.example" };
	struct tls *tls = tls_with(world.one);

	(void)state;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct pair *pair = pair_new(tls, names[i]);

		exchange(pair);
		assert_int_equal(tls_stream_state(pair->client), TLS_STREAM_FAILED);
		assert_string_equal(tls_stream_failure(pair->client),
				    i == 1 ? "TLS: certificate verify failed: IP address mismatch"
					   : "TLS: certificate verify failed: hostname mismatch");
		assert_false(tls_stream_give(pair->client, pair->client_io, (const uint8_t *)"x", 1));
		assert_int_equal(tls_stream_state(pair->server), TLS_STREAM_FAILED);
		pair_free(pair);
	}
	tls_free(tls);
}

/* A large message in both directions at once, with what the "socket" takes being little. */
static void test_kept(void **state)
{
	struct tls *tls = tls_with(world.one);
	struct pair *pair = pair_new(tls, "one.example");
	static uint8_t text[TLS_STREAM_MOST];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7);
	exchange(pair);
	assert_true(tls_stream_give(pair->server, pair->server_io, text, sizeof(text)));
	tls_stream_sent(pair->server, pair->server_io, 0);
	assert_true(tls_stream_keep(pair->server, pair->server_io));
	assert_int_equal(pair->server_io->out_size, 0);
	assert_true(tls_stream_kept(pair->server) > sizeof(text));
	pair->cut = 1000;
	assert_true(carry(pair, false));
	/* What is said before the rest is taken comes behind it. */
	tls_stream_finish(pair->server, pair->server_io);
	assert_true(tls_stream_keep(pair->server, pair->server_io));
	exchange(pair);
	assert_int_equal(tls_stream_kept(pair->server), 0);
	assert_int_equal(pair->plain_size[1], sizeof(text));
	assert_memory_equal(pair->plain[1], text, sizeof(text));
	assert_int_equal(tls_stream_state(pair->client), TLS_STREAM_ENDED);
	pair_free(pair);
	tls_free(tls);
}

/* One octet of a record changed: the stream is over, and nothing of the record is believed. */
static void test_forged(void **state)
{
	struct tls *tls = tls_with(world.one);
	struct pair *pair = pair_new(tls, "one.example");
	uint8_t out[1024 + TLS_STREAM_SLACK], octets[1024];
	struct fw_slice waiting;

	(void)state;
	exchange(pair);
	assert_true(tls_stream_give(pair->client, pair->client_io, (const uint8_t *)"hello", 5));
	waiting = tls_stream_waiting(pair->client, pair->client_io);
	memcpy(octets, waiting.data, waiting.size);
	octets[waiting.size - 1] ^= 1;
	assert_int_equal(tls_stream_take(pair->server, pair->server_io, octets, waiting.size, out, sizeof(out)), 0);
	assert_int_equal(tls_stream_state(pair->server), TLS_STREAM_FAILED);
	assert_true(tls_stream_waiting(pair->server, pair->server_io).size != 0); /* the alert */
	pair_free(pair);
	tls_free(tls);
}

static void test_plain_http(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct tls *tls = tls_with(world.one);
	uint8_t out[1024 + TLS_STREAM_SLACK];

	(void)state;
	for (size_t cut = 1; cut < sizeof(request); cut++) {
		struct pair *pair = pair_new(tls, "one.example");

		for (size_t at = 0; at < sizeof(request) - 1 && tls_stream_state(pair->server) == TLS_STREAM_SHAKING;
		     at += cut)
			tls_stream_take(pair->server, pair->server_io, (const uint8_t *)request + at,
					cut < sizeof(request) - 1 - at ? cut : sizeof(request) - 1 - at, out,
					sizeof(out));
		assert_int_equal(tls_stream_state(pair->server), TLS_STREAM_PLAIN);
		pair_free(pair);
	}
	tls_free(tls);
}

static const char *server_sees(struct tls_snapshot *snapshot, const char *name)
{
	const struct tls_certificate *found = tls_names_find(snapshot, name);

	return found == NULL ? "none" : found->names[0];
}

static void test_names(void **state)
{
	struct tls *tls = tls_with(world.two);
	struct tls_snapshot *snapshot = tls_current(tls);

	(void)state;
	assert_string_equal(server_sees(snapshot, "two.example"), "two.example");
	assert_string_equal(server_sees(snapshot, "TWO.Example."), "two.example");
	assert_string_equal(server_sees(snapshot, "a.two.example"), "two.example");
	assert_string_equal(server_sees(snapshot, "a.b.two.example"), "none");
	assert_string_equal(server_sees(snapshot, ".two.example"), "none");
	assert_string_equal(server_sees(snapshot, "*.two.example"), "two.example");
	assert_string_equal(server_sees(snapshot, ""), "none");
	assert_string_equal(server_sees(snapshot, "..."), "none");
	assert_string_equal(server_sees(snapshot, "one.example"), "none");
	tls_release(snapshot);
	tls_free(tls);
}

static void test_reload(void **state)
{
	struct tls *tls = tls_with(world.one);
	struct pair *old = pair_new(tls, "one.example"), *half = pair_new(tls, "one.example"), *next;

	(void)state;
	exchange(old);
	assert_true(carry(half, true)); /* in the middle of its handshake */
	assert_true(reload(tls, world.two));
	next = pair_new(tls, "a.two.example");
	exchange(next);
	say(next, "new certificate");
	say(old, "the old one stays");
	exchange(half);
	say(half, "who began before goes on with what was then");
	pair_free(next);

	/* What does not hold changes nothing. */
	assert_false(reload(tls, world.broken));
	assert_non_null(strstr(world.said, "f.yaml: error: \"tls.certificate\": \""));
	assert_non_null(strstr(world.said, "has no usable certificate"));
	assert_false(reload(tls, "/nowhere/at/all.pem"));
	next = pair_new(tls, "a.two.example");
	exchange(next);
	say(next, "still");
	pair_free(next);
	pair_free(old);
	pair_free(half);
	tls_free(tls);
}

/* A client that keeps its ticket: OpenSSL's own, since upstreams are not resumed. */
struct resuming {
	SSL_CTX *context;
	SSL_SESSION *session;
};
static struct resuming resuming;

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(resuming.session);
	resuming.session = session;
	return 1;
}

/* Connects with the ticket there is. True when it was taken. */
static bool resumed(struct tls *tls, int version)
{
	struct tls_io *io = tls_stream_io(tls);
	bool plain, hit;
	struct tls_stream *server = tls_stream_accept(tls, io, &plain);
	SSL *ssl = SSL_new(resuming.context);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	uint8_t octets[16384], text[16384 + TLS_STREAM_SLACK];

	SSL_set_bio(ssl, in, out);
	SSL_set_max_proto_version(ssl, version);
	SSL_set_connect_state(ssl);
	if (resuming.session != NULL)
		SSL_set_session(ssl, resuming.session);
	for (unsigned i = 0; i < 6; i++) {
		int size;
		struct fw_slice waiting;

		SSL_read(ssl, text, sizeof(text)); /* the handshake, and tickets behind it */
		while ((size = BIO_read(out, octets, sizeof(octets))) > 0)
			tls_stream_take(server, io, octets, (size_t)size, text, sizeof(text));
		waiting = tls_stream_waiting(server, io);
		if (waiting.size != 0)
			BIO_write(in, waiting.data, (int)waiting.size);
		tls_stream_sent(server, io, waiting.size);
	}
	assert_int_equal(tls_stream_state(server), TLS_STREAM_OPEN);
	hit = SSL_session_reused(ssl) == 1;
	if (hit && version == TLS1_2_VERSION) /* OpenSSL tells of no renewed ticket here */
		on_session(ssl, SSL_get1_session(ssl));
	SSL_shutdown(ssl); /* or its session would be dropped as broken */
	SSL_free(ssl);
	tls_stream_free(server);
	tls_bio_free(io);
	return hit;
}

static void pass(struct tls *tls, uint64_t seconds)
{
	tls->tickets.until_ns -= seconds * 1000000000; /* as if that time had passed */
}

static void test_tickets(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct tls *tls = tls_with(world.one);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		resuming.context = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_session_cache_mode(resuming.context, SSL_SESS_CACHE_CLIENT);
		SSL_CTX_sess_set_new_cb(resuming.context, on_session);
		assert_false(resumed(tls, versions[i]));
		assert_non_null(resuming.session);
		assert_true(resumed(tls, versions[i]));
		assert_true(resumed(tls, versions[i]));
		pass(tls, TLS_TICKET_SECONDS); /* its key is the one before now */
		assert_true(resumed(tls, versions[i]));
		pass(tls, TLS_TICKET_SECONDS); /* and was replaced by a ticket of the current one, which is that now */
		assert_true(resumed(tls, versions[i]));
		pass(tls, 2 * TLS_TICKET_SECONDS); /* nobody came for long: no key of then is left */
		assert_false(resumed(tls, versions[i]));
		assert_true(resumed(tls, versions[i]));
		assert_true(reload(tls, world.one)); /* keys outlive reloads */
		assert_true(resumed(tls, versions[i]));
		assert_true(reload(tls, world.two)); /* but not the certificate under which they were given */
		assert_false(resumed(tls, versions[i]));
		assert_true(reload(tls, world.one));
		SSL_SESSION_free(resuming.session);
		resuming.session = NULL;
		SSL_CTX_free(resuming.context);
	}
	tls_free(tls);
}

static void test_ticket_keys(void **state)
{
	static const uint64_t hour = (uint64_t)TLS_TICKET_SECONDS * 1000000000;
	struct tls_tickets tickets;
	struct tls_ticket_key a[TLS_TICKET_KEYS], b[TLS_TICKET_KEYS], c[TLS_TICKET_KEYS];
	unsigned count;

	(void)state;
	assert_true(tls_tickets_init(&tickets));
	assert_true(tls_tickets_at(&tickets, 5, a, &count));
	assert_int_equal(count, 1);
	assert_true(tls_tickets_at(&tickets, 5 + hour - 1, b, &count));
	assert_memory_equal(a, b, sizeof(a[0]));
	assert_true(tls_tickets_at(&tickets, 5 + hour, b, &count));
	assert_int_equal(count, 2);
	assert_memory_equal(&b[1], &a[0], sizeof(a[0]));
	assert_memory_not_equal(&b[0], &a[0], sizeof(a[0]));
	/* Asked late, it still is on its beat. */
	assert_true(tls_tickets_at(&tickets, 5 + 3 * hour - 1, c, &count));
	assert_memory_equal(&c[1], &b[0], sizeof(b[0]));
	assert_true(tls_tickets_at(&tickets, 5 + 3 * hour, a, &count));
	assert_memory_equal(&a[1], &c[0], sizeof(b[0]));
	/* After two hours of nothing no key of then opens anything. */
	assert_true(tls_tickets_at(&tickets, 5 + 9 * hour, b, &count));
	assert_int_equal(count, 1);
	tls_tickets_fini(&tickets);
	assert_int_equal(tickets.keys[0].cipher[0] | tickets.keys[0].mac[31], 0); /* wiped */
}

/* Handshakes of several threads while keys are replaced and certificates reloaded. */
struct crowd {
	struct tls *tls;
	_Atomic bool over;
};

static void *shake_hands(void *user)
{
	struct crowd *crowd = user;

	for (unsigned i = 0; i < 12; i++) {
		struct pair *pair = pair_new(crowd->tls, "one.example");

		exchange(pair);
		if (tls_stream_state(pair->server) != TLS_STREAM_OPEN)
			abort();
		pair_free(pair);
	}
	return NULL;
}

static void *rotate(void *user)
{
	struct crowd *crowd = user;
	struct tls_ticket_key keys[TLS_TICKET_KEYS];
	unsigned count;

	for (uint64_t at = 1; !atomic_load(&crowd->over); at += (uint64_t)TLS_TICKET_SECONDS * 1000000000) {
		tls_tickets_at(&crowd->tls->tickets, at, keys, &count);
		usleep(200);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct crowd crowd = { .tls = tls_with(world.one) };
	pthread_t threads[3], rotating;

	(void)state;
	assert_int_equal(pthread_create(&rotating, NULL, rotate, &crowd), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, shake_hands, &crowd), 0);
	for (unsigned i = 0; i < 20; i++)
		assert_true(reload(crowd.tls, world.one));
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&crowd.over, true);
	pthread_join(rotating, NULL);
	tls_free(crowd.tls);
}

/* Each allocation of ours fails once: a stream less, or one that is over, and nothing is lost. */
static void test_memory(void **state)
{
	struct tls *tls = tls_with(world.one);
	static uint8_t text[4096];
	bool plain, whole = false;

	(void)state;
	for (unsigned n = 1; !whole && n < 100; n++) {
		struct tls_io *io;
		struct tls_stream *stream;
		bool kept = false;

		mem_fail_at(n);
		io = tls_stream_io(tls);
		stream = io != NULL ? tls_stream_connect(tls, io, "one.example") : NULL;
		if (stream != NULL) {
			kept = tls_stream_keep(stream, io); /* its first flight */
			assert_int_equal(io->out_size, 0);
			assert_int_equal(tls_stream_kept(stream) != 0, kept);
		}
		tls_stream_free(stream);
		stream = io != NULL ? tls_stream_accept(tls, io, &plain) : NULL;
		if (stream != NULL) {
			tls_stream_take(stream, io, (const uint8_t *)"SSH-2.0-x\r\n", 11, text, sizeof(text));
			assert_int_equal(tls_stream_state(stream), TLS_STREAM_FAILED);
			assert_non_null(tls_stream_failure(stream));
		}
		whole = stream != NULL && kept && strcmp(tls_stream_failure(stream), "TLS: out of memory") != 0;
		tls_stream_free(stream);
		tls_bio_free(io);
	}
	mem_fail_at(0);
	assert_true(whole);
	/* Reloading is all or nothing. */
	for (unsigned n = 1, reloaded = 0; reloaded == 0; n++) {
		struct fw_policy *policy = policy_with(world.one);

		world.said[0] = '\0';
		mem_fail_at(n);
		reloaded = tls_reload(tls, policy, collect, NULL);
		mem_fail_at(0);
		if (!reloaded)
			assert_non_null(strstr(world.said, "out of memory"));
		assert_true(tls_serves(tls));
		fw_policy_unref(policy);
	}
	tls_free(tls);
}

static void test_nothing_to_serve(void **state)
{
	struct fw_policy *policy = NULL;
	struct tls *tls;
	struct tls_io *io;
	bool plain = false;

	(void)state;
	assert_int_equal(fw_policy_load("f.yaml", slice_text(""), collect, NULL, &policy), FW_OK);
	tls = tls_new(policy, collect, NULL);
	assert_non_null(tls);
	assert_false(tls_serves(tls));
	io = tls_stream_io(tls);
	assert_null(tls_stream_accept(tls, io, &plain));
	assert_true(plain);
	assert_null(tls_stream_connect(tls, io, "one.example"));
	world.said[0] = '\0';
	tls_describe(tls, collect, NULL);
	assert_string_equal(world.said, "");
	tls_bio_free(io);
	tls_free(tls);
	fw_policy_unref(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends),
		cmocka_unit_test(test_wrong_name),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_plain_http),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_tickets),
		cmocka_unit_test(test_ticket_keys),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_nothing_to_serve),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, set_up_world, tear_down_world);
}

/* Session tickets (RFC 5077 4, RFC 8446 4.6.1) are the client's to keep: what it needs to resume is sealed with a key
 * that only this process has, in memory. A key is current for an hour and opens tickets for one more. */
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "shell/tls_parts.h"

#define KEY_NS ((uint64_t)TLS_TICKET_SECONDS * 1000000000)

bool tls_tickets_init(struct tls_tickets *tickets)
{
	memset(tickets, 0, sizeof(*tickets));
	return pthread_mutex_init(&tickets->lock, NULL) == 0;
}

void tls_tickets_fini(struct tls_tickets *tickets)
{
	pthread_mutex_destroy(&tickets->lock);
	mem_wipe(tickets->keys, sizeof(tickets->keys));
}

/* The keys that are due now. Nobody used the server for two hours: both are new. */
static bool rotate(struct tls_tickets *tickets, uint64_t now_ns)
{
	struct tls_ticket_key made;
	bool recent = tickets->count != 0 && now_ns - tickets->until_ns < KEY_NS;

	if (tickets->count != 0 && (int64_t)(now_ns - tickets->until_ns) < 0)
		return true;
	if (RAND_bytes((uint8_t *)&made, sizeof(made)) != 1)
		return false;
	if (recent)
		tickets->keys[1] = tickets->keys[0];
	else
		mem_wipe(tickets->keys, sizeof(tickets->keys));
	tickets->keys[0] = made;
	tickets->count = recent ? 2 : 1;
	/* On its own beat, so that no key is current for longer because the server was asked late. */
	tickets->until_ns = recent ? tickets->until_ns + KEY_NS : now_ns + KEY_NS;
	mem_wipe(&made, sizeof(made));
	return true;
}

bool tls_tickets_at(struct tls_tickets *tickets, uint64_t now_ns, struct tls_ticket_key ret_keys[TLS_TICKET_KEYS],
		    unsigned *ret_count)
{
	bool made;

	pthread_mutex_lock(&tickets->lock);
	made = rotate(tickets, now_ns);
	memcpy(ret_keys, tickets->keys, sizeof(tickets->keys));
	*ret_count = tickets->count;
	pthread_mutex_unlock(&tickets->lock);
	return made;
}

static bool prepare(const struct tls_ticket_key *key, uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seal)
{
	char digest[] = "SHA256";
	OSSL_PARAM parameters[3] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac, sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()
	};

	return EVP_MAC_CTX_set_params(mac, parameters) == 1 &&
	       EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, seal ? 1 : 0) == 1;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* 1: done; 2: done, and the ticket should be replaced; 0: not ours, a full handshake; -1: failed. */
static int with_keys(const struct tls_ticket_key *keys, unsigned count, uint8_t *name, uint8_t *iv,
		     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seal, bool once)
{
	if (seal) {
		memcpy(name, keys[0].name, TLS_TICKET_NAME);
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
			return -1;
		return prepare(&keys[0], iv, cipher, mac, true) ? 1 : -1;
	}
	for (unsigned i = 0; i < count; i++)
		if (memcmp(name, keys[i].name, TLS_TICKET_NAME) == 0)
			return !prepare(&keys[i], iv, cipher, mac, false) ? -1 : i == 0 && !once ? 1 : 2;
	return 0;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
		     int seal)
{
	struct tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct tls_ticket_key keys[TLS_TICKET_KEYS];
	bool once = SSL_version(ssl) >= TLS1_3_VERSION; /* RFC 8446 C.4: clients should not show a ticket twice */
	unsigned count;
	int result = -1;

	if (tls_tickets_at(tickets, now(), keys, &count))
		result = with_keys(keys, count, name, iv, cipher, mac, seal != 0, once);
	mem_wipe(keys, sizeof(keys));
	return result;
}

void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *context)
{
	SSL_CTX_set_app_data(context, tickets);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
	SSL_CTX_set_timeout(context, TLS_TICKET_SECONDS);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 1);
}

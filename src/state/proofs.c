/* proofs.c: proofs of possession that were used (RFC 9449 11.1), by their SHA-256. */
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "state/store_parts.h"

enum { CHAINS = LIMIT_PROOFS, END = 0, SEARCH = 4096 };
#define NONCE_NS (UINT64_C(300) * 1000000000)
_Static_assert((CHAINS & (CHAINS - 1)) == 0, "the table is indexed by masking");

int proofs_init(struct proofs *proofs, const struct hash_key *key)
{
	*proofs = (struct proofs){ .key = *key };
	proofs->slots = mem_table(LIMIT_PROOFS + 1, sizeof(*proofs->slots), MEM_SMALL);
	proofs->chains = mem_table(CHAINS, sizeof(*proofs->chains), MEM_SMALL);
	return proofs->slots != NULL && proofs->chains != NULL ? 0 : -1;
}

void proofs_fini(struct proofs *proofs)
{
	mem_table_free(proofs->slots, LIMIT_PROOFS + 1, sizeof(*proofs->slots), MEM_SMALL);
	mem_table_free(proofs->chains, CHAINS, sizeof(*proofs->chains), MEM_SMALL);
}

/* What an attacker can choose are jti and key of a proof; where it goes he cannot tell without our key. */
static uint32_t *chain_of(const struct proofs *proofs, const uint8_t proof[32])
{
	return &proofs->chains[hash_bytes(&proofs->key, proof, 32) & (CHAINS - 1)];
}

static bool is_over(const struct proof_slot *slot, struct fw_time now)
{
	return now.monotonic_ns >= slot->until_ns && now.wall_us >= slot->until_wall_us;
}

static void forget(struct proofs *proofs, uint32_t index)
{
	struct proof_slot *slot = &proofs->slots[index];
	uint32_t *link = chain_of(proofs, slot->proof);

	while (*link != index)
		link = &proofs->slots[*link].next;
	*link = slot->next;
	*slot = (struct proof_slot){ .next = proofs->free };
	proofs->free = index;
}

void proofs_sweep(struct proofs *proofs, struct fw_time now, uint32_t steps)
{
	if (steps > proofs->touched)
		steps = proofs->touched;
	while (steps-- != 0) {
		proofs->cursor = proofs->cursor >= proofs->touched ? 1 : proofs->cursor + 1;
		if (proofs->slots[proofs->cursor].used && is_over(&proofs->slots[proofs->cursor], now))
			forget(proofs, proofs->cursor);
	}
}

/* END: there is none. */
static uint32_t free_slot(struct proofs *proofs, struct fw_time now)
{
	uint32_t index;

	if (proofs->free == END && proofs->touched == LIMIT_PROOFS)
		proofs_sweep(proofs, now, SEARCH);
	index = proofs->free;
	if (index != END)
		proofs->free = proofs->slots[index].next;
	else if (proofs->touched < LIMIT_PROOFS)
		index = ++proofs->touched;
	return index;
}

enum fw_answer_code proofs_take(struct proofs *proofs, const uint8_t proof[32], uint64_t until_wall_us,
				struct fw_time now)
{
	uint64_t left_us = until_wall_us > now.wall_us ? until_wall_us - now.wall_us : 0;
	uint32_t at = *chain_of(proofs, proof);

	while (at != END && memcmp(proofs->slots[at].proof, proof, 32) != 0)
		at = proofs->slots[at].next;
	if (at != END && !is_over(&proofs->slots[at], now))
		return FW_ANSWER_REPLAYED;
	if (at != END)
		forget(proofs, at);
	at = free_slot(proofs, now);
	if (at == END)
		return FW_ANSWER_FULL;
	proofs->slots[at] = (struct proof_slot){ .until_ns = now.monotonic_ns + left_us * 1000,
						 .until_wall_us = until_wall_us,
						 .next = *chain_of(proofs, proof),
						 .used = true };
	memcpy(proofs->slots[at].proof, proof, 32);
	*chain_of(proofs, proof) = at;
	return FW_ANSWER_YES;
}

bool store_proof_is_older(const struct store *store, uint64_t issued_wall_us)
{
	return issued_wall_us / 1000000 < store->begun_wall_us / 1000000;
}

static bool nonce_of(const struct store *store, uint64_t window, char ret_nonce[STORE_NONCE])
{
	uint8_t mac[32];

	if (!digest_hmac_sha256(slice(store->nonce_key, sizeof(store->nonce_key)), slice(&window, sizeof(window)), mac))
		return false;
	return encode_base64(mac, 16, 1, ret_nonce) == STORE_NONCE;
}

bool store_nonce_make(const struct store *store, uint64_t now_ns, char ret_nonce[STORE_NONCE])
{
	return nonce_of(store, now_ns / NONCE_NS + 1, ret_nonce);
}

bool store_nonce_holds(const struct store *store, uint64_t now_ns, struct fw_slice nonce)
{
	uint64_t window = now_ns / NONCE_NS + 1;
	char known[STORE_NONCE];

	for (uint64_t age = 0; age < 2; age++)
		if (nonce_of(store, window - age, known) && secret_equal(slice(known, sizeof(known)), nonce))
			return true;
	return false;
}

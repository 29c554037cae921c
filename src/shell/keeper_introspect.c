/* What an issuer says of a token (RFC 7662). Answers are kept as long as the configuration says, by the hash of the
 * token alone; whoever is logged in already is asked about anew. */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"

/* KEPT_MOST: octets of an answer that is kept; a larger one is asked for each time. */
enum { SETS = LIMIT_INTROSPECTIONS / 4, WAYS = 4, KEPT_MOST = 8192, SCRATCH_MOST = 4 << 20, ID_MOST = 512 };
static const char *const types[2] = { "application/json", NULL };

struct keeper_answer {
	uint8_t key[32];
	uint64_t until_ms; /* uv_now; 0: free */
	uint8_t *claims;   /* NULL: not active */
	size_t size;
};

/* A question on its way to the issuer. */
struct asking {
	struct keeper_introspection *all;
	struct asking *next, **link;
	struct keeper_question *question;
	struct fetch *fetch;
	uint8_t key[32];
	uint64_t cache_ms;
};

static void forget(struct keeper_answer *kept)
{
	if (kept->claims != NULL)
		mem_wipe(kept->claims, kept->size);
	mem_free(kept->claims);
	*kept = (struct keeper_answer){ 0 };
}

static struct keeper_answer *set_of(struct keeper_introspection *all, const uint8_t key[32])
{
	uint32_t number;

	memcpy(&number, key, sizeof(number));
	return &all->answers[number % SETS * WAYS];
}

static void keep(struct keeper_introspection *all, const uint8_t key[32], struct fw_slice claims, uint64_t until_ms)
{
	struct keeper_answer *set = set_of(all, key), *place = set;
	uint8_t *copy = claims.size != 0 ? mem_alloc(claims.size) : NULL;

	for (unsigned i = 0; i < WAYS; i++) {
		if (memcmp(set[i].key, key, sizeof(set[i].key)) == 0) {
			place = &set[i];
			break;
		}
		if (set[i].until_ms < place->until_ms)
			place = &set[i];
	}
	forget(place);
	if (claims.size > KEPT_MOST || (claims.size != 0 && copy == NULL)) {
		mem_free(copy);
		return;
	}
	if (copy != NULL)
		memcpy(copy, claims.data, claims.size);
	*place = (struct keeper_answer){ .until_ms = until_ms, .claims = copy, .size = claims.size };
	memcpy(place->key, key, sizeof(place->key));
}

static const struct keeper_answer *find(struct keeper_introspection *all, const uint8_t key[32], uint64_t now_ms)
{
	struct keeper_answer *set = set_of(all, key);

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].until_ms > now_ms && memcmp(set[i].key, key, sizeof(set[i].key)) == 0)
			return &set[i];
	return NULL;
}

static void answer(struct keeper_question *question, enum fw_answer_code code, struct fw_slice claims,
		   const char *cause)
{
	keeper_question_answer(question,
			       &(struct fw_answer){ .code = code, .claims = claims, .cause = slice_text(cause) });
}

/* The answer's one member that decides whether there are others: 1, 0, or -1: it is no answer. */
static int is_active(struct fw_slice text)
{
	struct arena arena;
	struct json json;
	int active = -1;

	arena_init(&arena, SCRATCH_MOST);
	if (json_parse(&arena, text, 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT) {
		uint32_t node = json_member(&json, 0, "active", 6);

		if (node != 0 && json.nodes[node].kind == JSON_TRUE)
			active = 1;
		else if (node != 0 && json.nodes[node].kind == JSON_FALSE)
			active = 0;
	}
	arena_fini(&arena);
	return active;
}

static void take(struct keeper_introspection *all, struct asking *asking, const struct fetch_result *result)
{
	uint64_t until_ms = uv_now(all->keeper->options.loop) + asking->cache_ms;
	int active = result->fault == NULL ? is_active(result->body) : -1;

	if (result->fault != NULL || active < 0) {
		const char *cause =
			result->fault != NULL ? result->fault : "the issuer answered neither active nor not";

		log_warn(all->keeper->options.log, issuer, "%s", cause);
		answer(asking->question, FW_ANSWER_FAILED, slice(NULL, 0), cause);
		return;
	}
	keep(all, asking->key, active ? result->body : slice(NULL, 0), until_ms);
	if (active)
		answer(asking->question, FW_ANSWER_YES, result->body, NULL);
	else
		answer(asking->question, FW_ANSWER_NO, slice(NULL, 0), "not active");
}

static void end(struct asking *asking)
{
	*asking->link = asking->next;
	if (asking->next != NULL)
		asking->next->link = asking->link;
	mem_free(asking);
}

static void on_answer(void *user, const struct fetch_result *result)
{
	struct asking *asking = user;

	take(asking->all, asking, result);
	end(asking);
}

/* application/x-www-form-urlencoded: all but letters and digits. Three octets of room for each. */
static size_t escape(struct fw_slice text, char *ret_text)
{
	static const char digits[] = "0123456789ABCDEF";
	char *at = ret_text;

	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if ((c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z')) {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = digits[c >> 4];
		*at++ = digits[c & 15];
	}
	return (size_t)(at - ret_text);
}

/* RFC 6749 2.3.1: both are escaped before they are joined. NULL: memory is short. */
static char *authorization_of(const struct policy_introspection *rules)
{
	size_t most = 3 * (strlen(rules->client_id) + strlen(rules->client_secret)) + 1, size;
	char *plain = mem_alloc(most), *made = mem_alloc(6 + 4 * (most / 3 + 1) + 1);

	if (plain != NULL && made != NULL) {
		size = escape(slice_text(rules->client_id), plain);
		plain[size++] = ':';
		size += escape(slice_text(rules->client_secret), plain + size);
		memcpy(made, "Basic ", 6);
		made[6 + encode_base64((const uint8_t *)plain, size, 0, made + 6)] = '\0';
		mem_wipe(plain, most);
	} else {
		mem_free(made);
		made = NULL;
	}
	mem_free(plain);
	return made;
}

static void forget_text(char *text, size_t size)
{
	if (text != NULL)
		mem_wipe(text, size);
	mem_free(text);
}

static struct fetch *start(struct asking *asking, const struct policy_issuer *issuer, struct fw_slice token)
{
	static const char hint[] = "token_type_hint=access_token&token=";
	struct fetcher *fetcher = keeper_issuers_fetcher(&asking->all->keeper->issuers);
	size_t room = sizeof(hint) + 3 * token.size;
	char *authorization = authorization_of(&issuer->introspection), *form = mem_alloc(room);
	struct fetch *fetch = NULL;

	if (form != NULL && authorization != NULL && fetcher != NULL) {
		memcpy(form, hint, sizeof(hint) - 1);
		fetch = fetch_start(
			fetcher, &(struct fetch_options){
					 .url = issuer->introspection.url,
					 .form = slice(form, sizeof(hint) - 1 + escape(token, form + sizeof(hint) - 1)),
					 .authorization = authorization,
					 .ca_file = issuer->provider.ca_file,
					 .allow_http = issuer->provider.allow_http,
					 .allow_private = issuer->provider.allow_private,
					 .timeout_ms = (uint32_t)issuer->provider.timeout * 1000,
					 .most = LIMIT_CLAIMS,
					 .types = { types[0], types[1] },
					 .done = on_answer,
					 .user = asking });
	}
	forget_text(form, room);
	forget_text(authorization, authorization != NULL ? strlen(authorization) : 0);
	return fetch;
}

static void key_of(const struct policy_issuer *issuer, struct fw_slice token, uint8_t ret_key[32])
{
	uint8_t digests[2][32];

	digest_sha256(token, digests[0]);
	digest_sha256(slice_text(issuer->introspection.url), digests[1]);
	digest_sha256(slice((const uint8_t *)digests, sizeof(digests)), ret_key);
}

static void answer_kept(struct keeper_introspection *all, struct keeper_question *question,
			const struct keeper_answer *kept)
{
	uint64_t rest_ms = kept->until_ms - uv_now(all->keeper->options.loop);

	if (kept->claims == NULL) {
		answer(question, FW_ANSWER_NO, slice(NULL, 0), "not active");
		return;
	}
	keeper_question_answer(question, &(struct fw_answer){ .code = FW_ANSWER_YES,
							      .claims = slice(kept->claims, kept->size),
							      .retry_after_ms = (uint32_t)rest_ms });
}

static void on_question(void *user, struct keeper_question *question)
{
	struct keeper_introspection *all = user;
	const struct policy_issuer *issuer = policy_issuer_find(all->keeper->options.policy, question->need.user_id);
	const struct keeper_answer *kept;
	struct asking *asking;
	uint8_t key[32];

	if (issuer == NULL || issuer->introspection.url == NULL) {
		answer(question, FW_ANSWER_NO, slice(NULL, 0), "its issuer is not asked any more");
		return;
	}
	key_of(issuer, question->need.key, key);
	kept = question->need.number == 0 ? find(all, key, uv_now(all->keeper->options.loop)) : NULL;
	if (kept != NULL) {
		answer_kept(all, question, kept);
		return;
	}
	asking = mem_zero(1, sizeof(*asking));
	if (asking != NULL) {
		*asking = (struct asking){ .all = all,
					   .question = question,
					   .cache_ms = (uint64_t)issuer->introspection.cache * 1000,
					   .next = all->asking,
					   .link = &all->asking };
		memcpy(asking->key, key, sizeof(asking->key));
		if (asking->next != NULL)
			asking->next->link = &asking->next;
		all->asking = asking;
		asking->fetch = start(asking, issuer, question->need.key);
		if (asking->fetch != NULL)
			return;
		end(asking);
	}
	keeper_question_answer(question,
			       &(struct fw_answer){ .code = FW_ANSWER_LIMITED,
						    .retry_after_ms = 1000,
						    .cause = slice_text("too many questions to the issuer") });
}

bool keeper_introspect_start(struct keeper_introspection *all, struct keeper *keeper)
{
	all->keeper = keeper;
	all->answers = mem_zero(LIMIT_INTROSPECTIONS, sizeof(*all->answers));
	keeper_asks_handle(&keeper->asks, FW_NEED_INTROSPECT, on_question, all);
	return all->answers != NULL;
}

void keeper_introspect_stop(struct keeper_introspection *all)
{
	while (all->asking != NULL) {
		struct asking *asking = all->asking;

		fetch_cancel(asking->fetch);
		answer(asking->question, FW_ANSWER_FAILED, slice(NULL, 0), "the server is stopping");
		end(asking);
	}
	for (unsigned i = 0; all->answers != NULL && i < LIMIT_INTROSPECTIONS; i++)
		forget(&all->answers[i]);
	mem_free(all->answers);
	all->answers = NULL;
}

#include "shell/issuer_keys.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "shell/file.h"

enum { PATH_ROOM = 4096, NAME_OCTETS = 16, FILE_MOST = LIMIT_FETCH_BODY + 8192, SCRATCH_MOST = 64 << 20 };
/* Seconds in a file: more are none. */
#define NUMBER_MOST ((int64_t)1 << 40)

struct entry {
	char *issuer, *url;
	uint8_t *jwks;
	size_t size;
	uint64_t wall_us, age_s;
};

struct issuer_keys {
	pthread_mutex_t lock;
	struct entry entries[LIMIT_ISSUERS];
	unsigned count;
	unsigned next; /* to give way to another, when issuers that are gone fill it */
};

struct issuer_keys *issuer_keys_new(void)
{
	struct issuer_keys *keys = mem_zero(1, sizeof(*keys));

	if (keys != NULL)
		pthread_mutex_init(&keys->lock, NULL);
	return keys;
}

static void forget(struct entry *entry)
{
	mem_free(entry->issuer);
	mem_free(entry->url);
	mem_free(entry->jwks);
	*entry = (struct entry){ 0 };
}

struct issuer_keys *issuer_keys_free(struct issuer_keys *keys)
{
	if (keys == NULL)
		return NULL;
	for (unsigned i = 0; i < keys->count; i++)
		forget(&keys->entries[i]);
	pthread_mutex_destroy(&keys->lock);
	mem_free(keys);
	return NULL;
}

const char *issuer_keys_url(const struct policy_issuer *issuer, char ret_room[PROVIDER_URL_MOST])
{
	if (issuer->provider.jwks_url != NULL)
		return issuer->provider.jwks_url;
	return provider_discovery_url(issuer->rules.issuer, ret_room) ? ret_room : "";
}

static struct entry *find(struct issuer_keys *keys, const char *issuer)
{
	for (unsigned i = 0; i < keys->count; i++)
		if (strcmp(keys->entries[i].issuer, issuer) == 0)
			return &keys->entries[i];
	return NULL;
}

static struct entry *place(struct issuer_keys *keys, const char *issuer)
{
	struct entry *entry = find(keys, issuer);

	if (entry != NULL)
		return entry;
	if (keys->count < LIMIT_ISSUERS)
		return &keys->entries[keys->count++];
	keys->next = (keys->next + 1) % LIMIT_ISSUERS;
	return &keys->entries[keys->next];
}

bool issuer_keys_put(struct issuer_keys *keys, const struct issuer_keys_set *set)
{
	struct entry made = { .issuer = mem_text(set->issuer, strlen(set->issuer)),
			      .url = mem_text(set->url, strlen(set->url)),
			      .jwks = mem_alloc(set->jwks.size + 1),
			      .size = set->jwks.size,
			      .wall_us = set->wall_us,
			      .age_s = set->age_s };
	struct entry *entry;

	if (made.issuer == NULL || made.url == NULL || made.jwks == NULL) {
		forget(&made);
		return false;
	}
	if (made.size != 0)
		memcpy(made.jwks, set->jwks.data, made.size);
	pthread_mutex_lock(&keys->lock);
	entry = place(keys, set->issuer);
	forget(entry);
	*entry = made;
	pthread_mutex_unlock(&keys->lock);
	return true;
}

/* timeout: what takes its place may be on its way. A clock that was set back makes nothing old. */
static bool counts(const struct entry *entry, const struct provider *provider, uint64_t wall_us)
{
	uint64_t most_s = entry->age_s + (uint64_t)provider->max_stale + (uint64_t)provider->timeout;

	return wall_us <= entry->wall_us || (wall_us - entry->wall_us) / 1000000 < most_s;
}

/* The set of an issuer that counts, of the place where it is asked for now; NULL: there is none. */
static const struct entry *find_for(struct issuer_keys *keys, const struct policy_issuer *issuer, uint64_t wall_us)
{
	const struct entry *entry = find(keys, issuer->rules.issuer);
	char room[PROVIDER_URL_MOST];

	if (entry == NULL || strcmp(entry->url, issuer_keys_url(issuer, room)) != 0)
		return NULL;
	return counts(entry, &issuer->provider, wall_us) ? entry : NULL;
}

bool issuer_keys_count(struct issuer_keys *keys, const struct policy_issuer *issuer, uint64_t wall_us)
{
	bool found;

	pthread_mutex_lock(&keys->lock);
	found = find_for(keys, issuer, wall_us) != NULL;
	pthread_mutex_unlock(&keys->lock);
	return found;
}

struct fw_policy *issuer_keys_apply(struct issuer_keys *keys, struct fw_policy *policy, uint64_t wall_us)
{
	struct policy_fetched sets[LIMIT_ISSUERS];
	struct fw_policy *made;
	size_t count = 0;
	bool asked = false;

	pthread_mutex_lock(&keys->lock);
	for (size_t i = 0; i < policy->issuer_count; i++) {
		const struct policy_issuer *issuer = &policy->issuers[i];
		const struct entry *entry;

		if (!provider_is_asked(&issuer->provider))
			continue;
		asked = true;
		entry = find_for(keys, issuer, wall_us);
		if (entry != NULL)
			sets[count++] =
				(struct policy_fetched){ issuer->rules.issuer, slice(entry->jwks, entry->size) };
	}
	made = asked ? policy_with_keys(policy, sets, count) : fw_policy_ref(policy);
	pthread_mutex_unlock(&keys->lock);
	return made;
}

void issuer_keys_each(struct issuer_keys *keys, issuer_keys_function *each, void *user)
{
	pthread_mutex_lock(&keys->lock);
	for (unsigned i = 0; i < keys->count; i++) {
		const struct entry *entry = &keys->entries[i];

		each(user, &(struct issuer_keys_set){ .issuer = entry->issuer,
						      .url = entry->url,
						      .jwks = slice(entry->jwks, entry->size),
						      .wall_us = entry->wall_us,
						      .age_s = entry->age_s });
	}
	pthread_mutex_unlock(&keys->lock);
}

/* DATA/issuers/HEX.json: a name of any issuer is the name of a file. */
static bool path_of(const char *data_directory, const char *issuer, char ret_path[PATH_ROOM])
{
	uint8_t digest[32];
	char name[2 * NAME_OCTETS + 1] = "";
	int size;

	digest_sha256(slice_text(issuer), digest);
	encode_hex(digest, NAME_OCTETS, name);
	size = snprintf(ret_path, PATH_ROOM, "%s/issuers/%s.json", data_directory, name);
	return size > 0 && size < PATH_ROOM;
}

static int make_folder(const char *data_directory)
{
	char path[PATH_ROOM];
	int size = snprintf(path, sizeof(path), "%s/issuers", data_directory);

	if (size < 0 || (size_t)size >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -1;
}

/* {"issuer":…,"url":…,"fetched_at":…,"age":…,"jwks":{…}} */
static bool write_entry(const struct entry *entry, struct pool *pool, struct buf *out)
{
	struct json_writer w = { .out = out, .pool = pool };

	json_write_open(&w, '{');
	json_write_key(&w, "issuer");
	json_write_string(&w, entry->issuer);
	json_write_key(&w, "url");
	json_write_string(&w, entry->url);
	json_write_key(&w, "fetched_at");
	json_write_integer(&w, (int64_t)(entry->wall_us / 1000000));
	json_write_key(&w, "age");
	json_write_integer(&w, (int64_t)entry->age_s);
	json_write_key(&w, "jwks");
	json_write_raw(&w, slice(entry->jwks, entry->size));
	json_write_close(&w, '}');
	return !w.failed;
}

int issuer_keys_save(struct issuer_keys *keys, const char *data_directory, const char *issuer)
{
	const struct entry *entry;
	struct buf out = { 0 };
	char path[PATH_ROOM];
	struct pool pool;
	int result = -1;
	bool written;

	errno = ENAMETOOLONG;
	if (!path_of(data_directory, issuer, path) || make_folder(data_directory) != 0)
		return -1;
	pool_init(&pool);
	pthread_mutex_lock(&keys->lock);
	entry = find(keys, issuer);
	written = entry != NULL && write_entry(entry, &pool, &out);
	pthread_mutex_unlock(&keys->lock);
	errno = ENOMEM;
	if (written)
		result = file_replace(path, slice(buf_data(&out), buf_size(&out)));
	buf_clear(&out, &pool);
	pool_fini(&pool);
	return result;
}

static bool text_is(const struct json *json, const char *name, const char *text, struct arena *arena)
{
	uint32_t node = json_member(json, 0, name, strlen(name));

	return node != 0 && json->nodes[node].kind == JSON_STRING && slice_is(json_text(json, node, arena), text);
}

/* Positive; 0: there is none. */
static uint64_t number_of(const struct json *json, const char *name)
{
	uint32_t node = json_member(json, 0, name, strlen(name));
	int64_t number;

	return node != 0 && json_integer(json, node, &number) && number > 0 && number < NUMBER_MOST ? (uint64_t)number
												    : 0;
}

static void take_file(struct issuer_keys *keys, const char *issuer, const char *url, struct fw_slice text,
		      struct arena *arena)
{
	struct issuer_keys_set set = { .issuer = issuer, .url = url };
	struct json json;
	uint32_t jwks;

	if (json_parse(arena, text, 0, &json, NULL) != JSON_OK || json.nodes[0].kind != JSON_OBJECT ||
	    !text_is(&json, "issuer", issuer, arena) || !text_is(&json, "url", url, arena))
		return;
	jwks = json_member(&json, 0, "jwks", 4);
	set.wall_us = number_of(&json, "fetched_at") * 1000000;
	set.age_s = number_of(&json, "age");
	if (jwks == 0 || set.wall_us == 0)
		return;
	set.jwks = json_raw(&json, jwks);
	issuer_keys_put(keys, &set);
}

/* Whatever its age: its place is what decides. */
static bool has(struct issuer_keys *keys, const struct policy_issuer *issuer)
{
	return issuer_keys_count(keys, issuer, 0);
}

void issuer_keys_load(struct issuer_keys *keys, const char *data_directory, const struct fw_policy *policy)
{
	for (size_t i = 0; i < policy->issuer_count; i++) {
		const struct policy_issuer *issuer = &policy->issuers[i];
		char path[PATH_ROOM], room[PROVIDER_URL_MOST];
		const char *name = issuer->rules.issuer, *url = issuer_keys_url(issuer, room);
		struct arena arena;
		uint8_t *bytes;
		size_t size;

		if (name == NULL || !provider_is_asked(&issuer->provider) || has(keys, issuer) ||
		    !path_of(data_directory, name, path) || file_read(path, FILE_MOST, &bytes, &size) != 0)
			continue;
		arena_init(&arena, SCRATCH_MOST);
		take_file(keys, name, url, slice(bytes, size), &arena);
		arena_fini(&arena);
		mem_free(bytes);
	}
}

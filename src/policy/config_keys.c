#include "policy/config_build.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"

enum { SECRET_LEAST = 32, SECRET_MOST = 4096 };

static void set_secret(struct config *config, struct config_place place, struct jwt_key *key, struct fw_slice text)
{
	bool encoded = slice_starts(text, "base64:");
	ptrdiff_t size;

	if (encoded)
		text = slice_from(text, 7);
	if (text.size > SECRET_MOST) {
		config_report_error(config, place, "a secret has at most %d octets", (int)SECRET_MOST);
		return;
	}
	key->secret = config_value_zero(config, text.size + 4, 1);
	if (key->secret == NULL)
		return;
	if (encoded) {
		size = decode_base64((const char *)text.data, text.size, 1, key->secret);
		if (size < 0) {
			config_report_error(config, place,
					    "behind \"base64:\" stands base64url without padding (RFC 4648, 5)");
			return;
		}
		key->secret_size = (size_t)size;
	} else {
		if (text.size != 0)
			memcpy(key->secret, text.data, text.size);
		key->secret_size = text.size;
	}
	if (key->secret_size < SECRET_LEAST) /* RFC 7518 3.2: as many octets as the hash has */
		config_report_error(config, place, "a secret has at least %d octets; this one has %d",
				    (int)SECRET_LEAST, (int)key->secret_size);
}

static const char *const jwt_names[] = { "kid", "secret", "algorithm", "public_key" };

struct jwt_reader {
	struct jwt_key *key;
	bool has_algorithm;
	struct fw_slice pem;
	struct config_place pem_place;
};

static void set_jwt_member(struct config *config, void *user, unsigned index, struct config_place place,
			   struct fy_node *value)
{
	struct jwt_reader *reader = user;
	struct fw_slice text;

	if (!config_yaml_is_text(config, place, jwt_names[index], value, &text))
		return;
	if (index == 1) {
		set_secret(config, place, reader->key, text);
	} else if (index == 2) {
		reader->has_algorithm = true;
		if (!jose_find(text, &reader->key->algorithm))
			config_report_error(config, place,
					    "an algorithm is one of HS256, HS384, HS512, RS256, RS384, "
					    "RS512, PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA");
	} else if (index == 3) {
		reader->pem = text;
		reader->pem_place = place;
	} else if (!config_check_id(text, 64)) {
		config_report_error(config, place, "a kid is a name of at most 64 letters, digits, _, - and .");
	} else {
		reader->key->kid = config_value_text(config, text);
	}
}

/* A secret for HS256 unless said otherwise, or the public half of a pair under the one algorithm that is named. */
static void finish_jwt_key(struct config *config, struct config_place place, const struct jwt_reader *reader)
{
	struct jwt_key *key = reader->key, read;
	const char *fault;

	if ((key->secret != NULL) == (reader->pem.data != NULL)) {
		config_report_error(config, place,
				    reader->pem.data == NULL ? "a key needs a secret"
							     : "a key has a secret or a public_key");
		return;
	}
	if (key->secret != NULL) {
		fault = jose_is_secret(key->algorithm) ? jose_key_fault(key) : "this algorithm needs a public_key";
		if (fault != NULL)
			config_report_error(config, place, "this key cannot be used: %s", fault);
		return;
	}
	if (!reader->has_algorithm || jose_is_secret(key->algorithm)) {
		config_report_error(config, place, "a public_key needs an algorithm, such as RS256");
		return;
	}
	fault = jose_read_pem(reader->pem, key->algorithm, &read);
	if (fault != NULL)
		config_report_error(config, reader->pem_place, "this public_key cannot be used: %s", fault);
	else
		key->pair = read.pair;
}

static bool same_kid(const struct jwt_key *a, const struct jwt_key *b)
{
	return a->kid != NULL && b->kid != NULL && strcmp(a->kid, b->kid) == 0;
}

static void read_jwt_key(struct config *config, struct config_place place, struct fy_node *node)
{
	struct fw_policy *policy = config->policy;
	struct jwt_key *key = &policy->jwt_keys[policy->jwt_key_count];
	struct jwt_reader reader = { .key = key };
	unsigned before = config->errors;

	if (!config_yaml_is_map(config, place, "a key", node))
		return;
	policy->jwt_key_count++; /* from now on it is wiped with the policy */
	config_walk_map(config, node, "a key", jwt_names, 4, set_jwt_member, &reader);
	if (config->errors == before)
		finish_jwt_key(config, place, &reader);
	for (struct jwt_key *other = policy->jwt_keys; other < key; other++)
		if (same_kid(other, key))
			config_report_error(config, place, "two keys have the same kid");
	/* A token without kid is verified by the only key: with several it could not be said which. */
	if (key->kid == NULL && config->errors == before &&
	    fy_node_sequence_item_count(config_topmost(config->jwt_keys)->value) > 1)
		config_report_error(config, place, "where there are several keys each needs a kid");
}

static void read_jwt_keys(struct config *config)
{
	const struct config_section *section = config_topmost(config->jwt_keys);
	struct config_place place = { .node = section->key };
	struct fy_node *item;
	void *at = NULL;
	int count;

	if (!config_yaml_is_list(config, place, "\"authentication.jwt.keys\"", section->value))
		return;
	count = fy_node_sequence_item_count(section->value);
	if (count > LIMIT_CREDENTIAL_KEYS) {
		config_report_error(config, place, "there are more than %d keys", (int)LIMIT_CREDENTIAL_KEYS);
		return;
	}
	config->policy->jwt_keys = config_value_zero(config, (size_t)count, sizeof(*config->policy->jwt_keys));
	while (config->policy->jwt_keys != NULL && (item = fy_node_sequence_iterate(section->value, &at)) != NULL) {
		/* A bare value in the list may be the secret itself: then the list's name is pointed at. */
		struct config_place here = fy_node_is_mapping(item) ? config_yaml_place(item, place) : place;

		if (config_yaml_kind(config, place, item) == CONFIG_MAP)
			read_jwt_key(config, here, item);
		else
			config_report_error(config, here, "each key is a mapping with kid and secret");
	}
}

/* The key of the data directory, where the file names none. */
static void use_default_key(struct config *config)
{
	struct fw_slice secret = config->options->default_jwt_secret;
	struct jwt_key *key;

	if (secret.size < SECRET_LEAST)
		return;
	key = config_value_zero(config, 1, sizeof(*key));
	if (key == NULL)
		return;
	key->secret = config_value_zero(config, secret.size, 1);
	if (key->secret == NULL)
		return;
	memcpy(key->secret, secret.data, secret.size);
	key->secret_size = secret.size;
	config->policy->jwt_keys = key;
	config->policy->jwt_key_count = 1;
}

struct api_reader {
	struct policy_api_key *key;
	bool has_id, has_hash;
};

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hash(struct fw_slice text, uint8_t ret_hash[32])
{
	if (text.size != 64)
		return false;
	for (size_t i = 0; i < 64; i++) {
		int digit = hex_digit(ascii_lower(text.data[i]));

		if (digit < 0)
			return false;
		ret_hash[i / 2] = (uint8_t)(ret_hash[i / 2] << 4 | digit);
	}
	return true;
}

static bool id_holds(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!((text.data[i] >= 'a' && text.data[i] <= 'z') || (text.data[i] >= '0' && text.data[i] <= '9')))
			return false;
	return text.size == 8;
}

static void set_api_member(struct config *config, void *user, unsigned index, struct config_place place,
			   struct fy_node *value)
{
	static const char *const what[] = { "id", "hash", "name", "role" };
	struct api_reader *reader = user;
	struct fw_slice text;

	if (!config_yaml_is_text(config, place, what[index], value, &text))
		return;
	if (index == 0) {
		reader->has_id = true;
		if (id_holds(text))
			memcpy(reader->key->id, text.data, text.size);
		else
			config_report_error(config, place,
					    "an id is the 8 small letters and digits of the key's third part");
	} else if (index == 1) {
		reader->has_hash = true;
		if (!read_hash(text, reader->key->hash))
			config_report_error(config, place,
					    "a hash is the SHA-256 of the whole key: 64 hexadecimal digits");
	} else if (index == 2) {
		if (config_check_id(text, 64))
			reader->key->name = config_value_text(config, text);
		else
			config_report_error(config, place, "a name is of at most 64 letters, digits, _, - and .");
	} else {
		reader->key->role = config_rbac_role(config, config_yaml_place(value, place), text);
	}
}

static void read_api_key(struct config *config, struct config_place place, struct fy_node *node,
			 struct policy_api_key *keys)
{
	static const char *const names[] = { "id", "hash", "name", "role" };
	struct policy_api_key *key = &keys[config->policy->api_key_count++];
	struct api_reader reader = { .key = key };

	key->role = policy_role_find(config->policy, slice_text("user"));
	config_walk_map(config, node, "an API key", names, 4, set_api_member, &reader);
	if (!reader.has_id || !reader.has_hash)
		config_report_error(config, place, "an API key needs an id and a hash");
	if (key->name == NULL)
		key->name = key->id;
	for (struct policy_api_key *other = keys; reader.has_id && other < key; other++)
		if (strcmp(other->id, key->id) == 0)
			config_report_error(config, place, "two API keys have the same id");
}

static void read_api_keys(struct config *config)
{
	const struct config_section *section = config_topmost(config->api_keys);
	struct config_place place = { .node = section->key };
	struct policy_api_key *keys;
	struct fy_node *item;
	void *at = NULL;
	int count;

	if (!config_yaml_is_list(config, place, "\"authentication.api_keys\"", section->value))
		return;
	count = fy_node_sequence_item_count(section->value);
	if (count > LIMIT_CREDENTIAL_KEYS) {
		config_report_error(config, place, "there are more than %d keys", (int)LIMIT_CREDENTIAL_KEYS);
		return;
	}
	keys = config_value_zero(config, (size_t)count, sizeof(*keys));
	config->policy->api_keys = keys;
	while (keys != NULL && (item = fy_node_sequence_iterate(section->value, &at)) != NULL) {
		if (config_yaml_kind(config, place, item) == CONFIG_MAP)
			read_api_key(config, config_yaml_place(item, place), item, keys);
		else
			config_report_error(config, place, "each API key is a mapping with id, hash, name and role");
	}
}

void config_keys(struct config *config)
{
	config->hiding = true; /* messages point at the name in front of a value */
	if (config_topmost(config->jwt_keys)->key != NULL)
		read_jwt_keys(config);
	else
		use_default_key(config);
	if (config_topmost(config->api_keys)->key != NULL)
		read_api_keys(config);
	config->hiding = false;
}

/* authentication.issuers: who else issues login tokens, with which keys, and what their roles mean here. A set of keys
 * is a text, "${file:…}" as a rule, read anew with the configuration; or it is fetched while the server runs. */
#include "policy/config_build.h"

#include <string.h>

#include "base/slice.h"

enum member {
	ISSUER,
	AUDIENCE,
	JWKS,
	PUBLIC_KEY,
	ALGORITHM,
	KID,
	TYPE,
	USER,
	USER_PREFIX,
	ROLES_FROM,
	ROLES,
	DEFAULT_ROLE,
	REQUIRE_BOUND,
	INTROSPECTION,
	PROVIDER, /* here the rows of providers.def begin */
	MEMBERS = PROVIDER + CONFIG_PROVIDER_ROWS
};
static const char *const own_names[PROVIDER] = { "issuer",	  "audience",	  "jwks",  "public_key",
						 "algorithm",	  "kid",	  "type",  "user",
						 "user_prefix",	  "roles_from",	  "roles", "default_role",
						 "require_bound", "introspection" };

enum { NAME_MOST = 512, TYPE_MOST = 64 };

struct reader {
	struct policy_issuer *issuer;
	struct config_place jwks_place, pem_place, algorithm_place;
	struct fw_slice jwks, pem;
	const char *kid;
	enum jose_algorithm algorithm;
	bool has_algorithm;
};

static const char *name_of_member(unsigned index)
{
	return index < PROVIDER ? own_names[index] : config_provider_names[index - PROVIDER];
}

static void add_role(struct config *config, struct policy_issuer *issuer, struct policy_issuer_role *roles,
		     struct config_place place, const struct policy_issuer_role *role)
{
	for (size_t i = 0; i < issuer->role_count; i++) {
		if (strcmp(roles[i].name, role->name) != 0)
			continue;
		config_report_error(config, place, "\"%.64s\" is two roles here; a name can be only one", role->name);
		return;
	}
	if (issuer->role_count == LIMIT_ISSUER_ROLES)
		config_report_error(config, place, "there are more than %d names of roles", (int)LIMIT_ISSUER_ROLES);
	else
		roles[issuer->role_count++] = *role;
}

/* {admin: [ops, "chat admins"], user: [staff]} */
static void read_roles(struct config *config, struct policy_issuer *issuer, struct config_place place,
		       struct fy_node *map)
{
	struct policy_issuer_role *roles;
	struct fy_node_pair *pair;
	void *at = NULL;

	if (!config_yaml_is_map(config, place, "\"roles\"", map))
		return;
	roles = config_value_zero(config, LIMIT_ISSUER_ROLES, sizeof(*roles));
	issuer->roles = roles;
	while (roles != NULL && (pair = fy_node_mapping_iterate(map, &at)) != NULL) {
		struct config_place here = { .node = fy_node_pair_key(pair) };
		struct policy_issuer_role role;
		struct texts names = { NULL, 0 };
		struct fw_slice ours;

		if (!config_yaml_key(config, here, fy_node_pair_key(pair), &ours))
			continue;
		role.role = config_rbac_role(config, here, ours);
		if (role.role == POLICY_NONE ||
		    !config_value_texts(config, here, "roles", fy_node_pair_value(pair), NULL, &names))
			continue;
		for (size_t i = 0; i < names.count; i++) {
			role.name = names.items[i];
			add_role(config, issuer, roles, here, &role);
		}
	}
}

static void set_default_role(struct config *config, struct policy_issuer *issuer, struct config_place place,
			     struct fw_slice text)
{
	issuer->default_role = slice_is(text, "none") ? POLICY_NONE : config_rbac_role(config, place, text);
}

static void set_required(struct config *config, struct policy_issuer *issuer, struct config_place place,
			 struct fw_slice text)
{
	static const char *const words[] = { "none", "certificate", "dpop", "either" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!slice_is(text, words[i]))
			continue;
		issuer->require_bound = (uint8_t)i;
		return;
	}
	config_report_error(config, place, "\"require_bound\" is one of none, certificate, dpop and either");
}

/* A name in a token is compared octet by octet: nothing is trimmed or made small (RFC 8725 3.8). */
static const char *name_of(struct config *config, struct config_place place, const char *what, struct fw_slice text,
			   size_t most)
{
	if (text.size != 0 && text.size <= most)
		return config_value_text(config, text);
	config_report_error(config, place, "\"%s\" is a text of 1 to %d octets", what, (int)most);
	return NULL;
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place place,
		       struct fy_node *value)
{
	struct reader *reader = user;
	struct policy_issuer *issuer = reader->issuer;
	struct fw_slice text;

	if (index == ROLES) {
		read_roles(config, issuer, place, value);
		return;
	}
	if (index == INTROSPECTION) {
		config_provider_introspection(config, issuer, place, value);
		return;
	}
	if (!config_yaml_is_text(config, place, name_of_member(index), value, &text))
		return;
	if (index >= PROVIDER) {
		config_provider_set(config, &issuer->provider, index - PROVIDER, place, text);
		return;
	}
	switch ((enum member)index) {
	case ISSUER:
		issuer->rules.issuer = name_of(config, place, "issuer", text, NAME_MOST);
		break;
	case AUDIENCE:
		issuer->rules.audience = name_of(config, place, "audience", text, NAME_MOST);
		break;
	case JWKS:
		reader->jwks = text;
		reader->jwks_place = place;
		break;
	case PUBLIC_KEY:
		reader->pem = text;
		reader->pem_place = place;
		break;
	case ALGORITHM:
		reader->has_algorithm = jose_find(text, &reader->algorithm) && !jose_is_secret(reader->algorithm);
		reader->algorithm_place = place;
		if (!reader->has_algorithm) /* HS: whoever verifies could issue as well */
			config_report_error(config, place,
					    "an algorithm of an issuer is one of RS256, RS384, RS512, PS256, PS384, "
					    "PS512, ES256, ES384, ES512 and EdDSA");
		break;
	case KID:
		reader->kid = name_of(config, place, "kid", text, NAME_MOST);
		break;
	case TYPE:
		issuer->rules.type = name_of(config, place, "type", text, TYPE_MOST);
		break;
	case USER:
		issuer->user_claim = name_of(config, place, "user", text, NAME_MOST);
		break;
	case USER_PREFIX:
		issuer->user_prefix = name_of(config, place, "user_prefix", text, LIMIT_USER_ID / 2);
		break;
	case ROLES_FROM:
		issuer->roles_claim = name_of(config, place, "roles_from", text, NAME_MOST);
		break;
	case DEFAULT_ROLE:
		set_default_role(config, issuer, config_yaml_place(value, place), text);
		break;
	case REQUIRE_BOUND:
		set_required(config, issuer, place, text);
		break;
	case ROLES:
	case INTROSPECTION:
	case PROVIDER:
	case MEMBERS:
		break;
	}
}

/* The algorithm is that of RSA keys which name none: all others say it themselves (RFC 7517 4.4). */
static bool check_algorithm(struct config *config, const struct reader *reader, const char *beside)
{
	if (!reader->has_algorithm || jose_is_rsa(reader->algorithm))
		return true;
	config_report_error(config, reader->algorithm_place,
			    "beside \"%s\" the algorithm is that of RSA keys that name none: the others say it "
			    "themselves",
			    beside);
	return false;
}

static void read_jwks(struct config *config, const struct reader *reader)
{
	struct policy_issuer *issuer = reader->issuer;
	struct jwk_set set = { 0 };
	char why[PROVIDER_WHY];
	int result;

	if (!check_algorithm(config, reader, "jwks"))
		return;
	set.keys = issuer->keys = config_value_zero(config, JWK_SET_MOST, sizeof(*issuer->keys));
	if (set.keys == NULL)
		return;
	result = provider_read_set(&config->policy->arena, &config->scratch, issuer->rsa, reader->jwks, &set, why);
	issuer->rules.key_count = set.count;
	if (result == FW_ERR_MEMORY)
		config->short_of_memory = true;
	else if (result != FW_OK)
		config_report_error(config, reader->jwks_place, "\"jwks\" %s%s", why,
				    slice_starts(reader->jwks, "{") ? "" : "; write ${file:…}");
	else if (set.skipped != 0)
		config_report_warning(config, reader->jwks_place,
				      "%zu of the keys in \"jwks\" are not used; the first: %s", set.skipped,
				      set.first_fault);
}

static void read_pem(struct config *config, const struct reader *reader)
{
	struct policy_issuer *issuer = reader->issuer;
	const char *fault;

	if (!reader->has_algorithm) {
		config_report_error(config, reader->pem_place, "\"public_key\" needs an \"algorithm\", such as RS256");
		return;
	}
	issuer->keys = config_value_zero(config, 1, sizeof(*issuer->keys));
	if (issuer->keys == NULL)
		return;
	fault = jose_read_pem(reader->pem, reader->algorithm, &issuer->keys[0]);
	issuer->keys[0].kid = reader->kid;
	issuer->rules.key_count = fault == NULL ? 1 : 0;
	if (fault != NULL)
		config_report_error(config, reader->pem_place, "\"public_key\" cannot be used: %s", fault);
}

/* Out of one place, and of no other: which set counts must not be a question. */
static void read_keys(struct config *config, struct config_place place, const struct reader *reader)
{
	struct provider *provider = &reader->issuer->provider;
	int places = (reader->jwks.data != NULL) + (reader->pem.data != NULL) + provider->discovery +
		     (provider->jwks_url != NULL);

	if (places > 1 || (places == 0 && reader->issuer->introspection.url == NULL))
		config_report_error(config, place,
				    "an issuer needs either \"jwks\" or \"public_key\", or its keys are fetched by "
				    "\"discovery\" or from \"jwks_url\"");
	else if (reader->jwks.data != NULL)
		read_jwks(config, reader);
	else if (reader->pem.data != NULL)
		read_pem(config, reader);
	if (reader->issuer->introspection.url != NULL)
		config_provider_check_introspection(config, place, reader->issuer);
	if (reader->jwks.data == NULL && reader->pem.data == NULL && check_algorithm(config, reader, "discovery"))
		config_provider_check(config, place, reader->issuer->rules.issuer, provider);
}

/* One name may be two persons at two issuers: then they must be told apart here. */
static void check_users(struct config *config, struct config_place place, const struct policy_issuer *issuer)
{
	const struct policy_issuer *other = config->policy->issuers;

	for (; other < issuer; other++) {
		if (other->rules.issuer != NULL && issuer->rules.issuer != NULL &&
		    strcmp(other->rules.issuer, issuer->rules.issuer) == 0)
			config_report_error(config, place, "this issuer is listed a second time");
		else if (strcmp(other->user_prefix, issuer->user_prefix) == 0)
			config_report_error(config, place,
					    "users of two issuers would be taken for one another: give each a "
					    "user_prefix of its own, such as \"corp:\"");
	}
}

static void read_issuer(struct config *config, struct config_place place, struct fy_node *node)
{
	struct fw_policy *policy = config->policy;
	struct policy_issuer *issuer = &policy->issuers[policy->issuer_count++];
	struct reader reader = { .issuer = issuer };
	const char *names[MEMBERS];
	unsigned before = config->errors;

	for (unsigned i = 0; i < MEMBERS; i++)
		names[i] = name_of_member(i);
	*issuer = (struct policy_issuer){ .user_prefix = "",
					  .user_claim = "sub",
					  .default_role = policy->role_default,
					  .require_bound = policy->settings.jwt_require_bound };
	config_provider_defaults(&issuer->provider);
	config_walk_map(config, node, "an issuer", names, MEMBERS, set_member, &reader);
	if (config->errors != before || config->short_of_memory)
		return;
	if (issuer->rules.issuer == NULL)
		config_report_error(config, place, "an issuer needs \"issuer\", what its tokens have as iss");
	if (issuer->rules.audience == NULL) /* else a token made for any other service would be taken */
		config_report_error(config, place,
				    "an issuer needs \"audience\", what its tokens for this service "
				    "have as aud");
	issuer->rsa = reader.has_algorithm ? reader.algorithm : JOSE_RS256;
	read_keys(config, place, &reader);
	if (reader.kid != NULL && reader.pem.data == NULL)
		config_report_error(config, place, "\"kid\" is for \"public_key\": keys of a set have their own");
	issuer->rules.keys = issuer->keys;
	check_users(config, place, issuer);
}

void config_issuers(struct config *config)
{
	const struct config_section *section = config_topmost(config->issuers);
	struct config_place place = { .node = section->key };
	struct fy_node *item;
	void *at = NULL;
	int count;

	if (section->key == NULL || !config_yaml_is_list(config, place, "\"authentication.issuers\"", section->value))
		return;
	count = fy_node_sequence_item_count(section->value);
	if (count > LIMIT_ISSUERS) {
		config_report_error(config, place, "there are more than %d issuers", (int)LIMIT_ISSUERS);
		return;
	}
	config->hiding = true; /* a set of keys is long, and a mistake may have put a private one there */
	config->policy->issuers = config_value_zero(config, (size_t)count, sizeof(*config->policy->issuers));
	while (config->policy->issuers != NULL && (item = fy_node_sequence_iterate(section->value, &at)) != NULL) {
		struct config_place here = config_yaml_place(item, place);

		if (config_yaml_kind(config, place, item) == CONFIG_MAP)
			read_issuer(config, here, item);
		else
			config_report_error(config, here, "each issuer is a mapping with issuer, audience and jwks");
	}
	config->hiding = false;
}

void config_issuers_derive(struct config *config)
{
	const struct jwt_rules *own = &config->policy->jwt;

	for (size_t i = 0; i < config->policy->issuer_count; i++) {
		struct jwt_rules *rules = &config->policy->issuers[i].rules;

		rules->skew_s = own->skew_s;
		rules->max_life_s = own->max_life_s;
		rules->max_size = own->max_size;
	}
}

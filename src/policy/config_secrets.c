/* routes[].outbound.secrets and routes[].inbound: what becomes of secrets and personal data in messages. */
#include "policy/config_build.h"

#include "base/slice.h"

static const char *const kind_names[SECRET_KINDS] = {
#define SECRET_KIND(name, help) #name,
#include "tables/secret_kinds.def"
#undef SECRET_KIND
};
static const char *const action_names[SECRET_ACTIONS] = { "off", "flag", "mask", "stop" };
/* What a word for all of them does not mean: ordinary in messages, so they are named. */
enum { BY_NAME = 1u << SECRET_KIND_email | 1u << SECRET_KIND_phone };

const char *config_secrets_action(unsigned action)
{
	return action_names[action];
}

const char *config_secrets_kind(unsigned kind)
{
	return kind_names[kind];
}

static bool read_action(struct config *config, struct config_place place, struct fw_slice text, uint8_t *ret_action)
{
	char shown[64];

	for (unsigned i = 0; i < SECRET_ACTIONS; i++)
		if (slice_is(text, action_names[i])) {
			*ret_action = (uint8_t)i;
			return true;
		}
	config_report_error(config, place,
			    "\"%s\" is nothing that is done with a secret: there are off, flag, mask and stop",
			    config_report_quote(config, text, shown));
	return false;
}

static void set_kind(struct config *config, void *user, unsigned index, struct config_place key, struct fy_node *value)
{
	struct policy_secrets *secrets = user;
	struct fw_slice text;

	if (config_yaml_is_text(config, key, kind_names[index], value, &text) &&
	    read_action(config, config_yaml_place(value, key), text, &secrets->action[index]) &&
	    secrets->action[index] != SECRET_OFF)
		secrets->kinds |= 1u << index;
}

void config_secrets_read(struct config *config, struct config_place key, struct fy_node *value,
			 struct policy_secrets *secrets)
{
	struct fw_slice text;
	uint8_t action;

	if (config_yaml_kind(config, key, value) == CONFIG_MAP) {
		config_walk_map(config, value, "\"secrets\"", kind_names, SECRET_KINDS, set_kind, secrets);
		return;
	}
	if (!config_yaml_is_text(config, key, "secrets", value, &text) ||
	    !read_action(config, config_yaml_place(value, key), text, &action) || action == SECRET_OFF)
		return;
	secrets->kinds = ((1u << SECRET_KINDS) - 1) & ~(uint32_t)BY_NAME;
	for (unsigned i = 0; i < SECRET_KINDS; i++)
		secrets->action[i] = (secrets->kinds >> i & 1) != 0 ? action : SECRET_OFF;
}

static void set_secrets(struct config *config, void *user, unsigned index, struct config_place key,
			struct fy_node *value)
{
	(void)index;
	config_secrets_read(config, key, value, user);
}

void config_secrets(struct config *config, struct config_place place, const char *what, struct fy_node *value,
		    struct policy_secrets *secrets)
{
	static const char *const names[] = { "secrets" };

	if (config_yaml_is_map(config, place, what, value))
		config_walk_map(config, value, what, names, 1, set_secrets, secrets);
}

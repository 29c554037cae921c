/* The configuration of a manager: file or text, and what its options say beside it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "shell/assertion_keys.h"
#include "shell/load.h"
#include "shell/manager_parts.h"
#include "shell/server_files.h"

enum { OWN_SETTINGS = 6, LISTEN_ROOM = 512, NUMBER_ROOM = 16, KEY_SIZE = 32 };

static const char default_host[] = "localhost";
enum { DEFAULT_PORT = 8765 };

static char *copy_text(const char *text)
{
	return mem_text(text, strlen(text));
}

/* False: memory is short. text NULL: nothing to copy. */
static bool copy_to(char **ret_copy, const char *text)
{
	*ret_copy = text != NULL ? copy_text(text) : NULL;
	return text == NULL || *ret_copy != NULL;
}

static bool add(struct manager_config *config, const char *path, const char *value, const char *origin)
{
	struct config_override *override = &config->overrides[config->override_count];

	if (value == NULL)
		return true;
	config->override_count++;
	override->path = copy_text(path);
	override->value = copy_text(value);
	override->origin = copy_text(origin != NULL ? origin : path);
	return override->path != NULL && override->value != NULL && override->origin != NULL;
}

static bool add_listen(struct manager_config *config, const struct fw_manager_options *options)
{
	const char *host = options->host != NULL ? options->host : default_host;
	bool bare_v6 = strchr(host, ':') != NULL && host[0] != '[';
	int port = options->port == FW_PORT_ANY ? 0 : options->port == 0 ? DEFAULT_PORT : options->port;
	char text[LISTEN_ROOM];

	if (options->host == NULL && options->port == 0)
		return true;
	snprintf(text, sizeof(text), "%s%s%s:%d", bare_v6 ? "[" : "", host, bare_v6 ? "]" : "", port);
	return add(config, "listen", text, "host and port");
}

static bool add_workers(struct manager_config *config, unsigned workers)
{
	char text[NUMBER_ROOM];

	snprintf(text, sizeof(text), "%u", workers);
	return add(config, "workers", workers != 0 ? text : NULL, "workers");
}

bool manager_config_copy(struct manager_config *config, const struct fw_manager_options *options)
{
	size_t room;

	if (!size_add(options->setting_count, OWN_SETTINGS, &room))
		return false;
	config->overrides = mem_zero(room, sizeof(*config->overrides));
	if (config->overrides == NULL || !copy_to(&config->file, options->config_file) ||
	    !copy_to(&config->text, options->config_text))
		return false;
	for (size_t i = 0; i < options->setting_count; i++)
		if (!add(config, options->settings[i].path, options->settings[i].value, options->settings[i].origin))
			return false;
	return add_listen(config, options) && add(config, "environment", options->environment, "environment") &&
	       add(config, "mode", options->mode, "mode") &&
	       add(config, "upstream.url", options->upstream, "upstream") &&
	       add(config, "admin.listen", options->admin, "admin") && add_workers(config, options->workers);
}

static void wipe(char *text)
{
	if (text != NULL)
		mem_wipe(text, strlen(text)); /* a configuration may have keys in it */
	mem_free(text);
}

void manager_config_free(struct manager_config *config)
{
	for (size_t i = 0; i < config->override_count; i++) {
		mem_free((void *)(uintptr_t)config->overrides[i].path);
		wipe((char *)(uintptr_t)config->overrides[i].value);
		mem_free((void *)(uintptr_t)config->overrides[i].origin);
	}
	mem_free(config->overrides);
	mem_free(config->file);
	wipe(config->text);
	*config = (struct manager_config){ 0 };
}

struct judged {
	const struct fw_manager *manager;
	struct fw_error *error; /* NULL: not wanted */
};

static void report(void *user, const char *text)
{
	struct judged *judged = user;
	const char *error = strstr(text, "error: "), *end = strchr(text, '\n');
	bool is_error = strstr(text, "warning: ") == NULL || (error != NULL && (end == NULL || error < end));

	if (judged->manager->hears != NULL)
		reload_hear(judged->manager->hears, text);
	manager_say(judged->manager, is_error ? FW_LOG_ERROR : FW_LOG_WARNING, "config", "%s", text);
	if (is_error && judged->error != NULL && judged->error->text[0] == '\0')
		snprintf(judged->error->text, sizeof(judged->error->text), "%.*s",
			 (int)(end != NULL ? (size_t)(end - text) : strlen(text)), text);
}

/* The embedding program's own. */
static int define_roles(const struct fw_manager *manager, struct fw_policy **policy, struct fw_error *reterr_error)
{
	struct fw_error error;
	int result = FW_OK;

	for (size_t i = 0; i < manager->role_count && result == FW_OK; i++)
		result = fw_role_define(*policy, &manager->roles[i], &error);
	if (result == FW_OK)
		return FW_OK;
	*policy = fw_policy_unref(*policy);
	manager_say(manager, FW_LOG_ERROR, "config", "roles: error: %s", error.text);
	return manager_say_error(reterr_error, result, "roles: %s", error.text);
}

static int compile(struct fw_manager *manager, const uint8_t key[KEY_SIZE], struct fw_policy **ret_policy,
		   struct fw_error *reterr_error)
{
	const struct manager_config *config = &manager->config;
	struct judged judged = { manager, reterr_error };
	struct load_options options = {
		.path = config->file,
		.text = config->text,
		.overrides = config->overrides,
		.override_count = config->override_count,
		.default_jwt_secret = slice(key, KEY_SIZE),
		.variables = manager->variables,
		.demo = manager->demo,
		.without_hub = manager->without_hub,
		.keeps_shown = true,
		.report = report,
		.user = &judged,
	};
	int result = load_policy(&options, ret_policy);

	if (result == FW_ERR_IO)
		return manager_say_error(reterr_error, result, "cannot read \"%s\": %s", config->file, strerror(errno));
	if (result == FW_ERR_MEMORY)
		return manager_say_error(reterr_error, result, "out of memory");
	if (reterr_error != NULL)
		reterr_error->code = result;
	return result == FW_OK ? define_roles(manager, ret_policy, reterr_error) : result;
}

/* The digest is of use to who compares it, and of none to who would guess a secret that went into it: it is made under
 * a key of this data directory. */
static int mark(const uint8_t key[KEY_SIZE], struct manager_loaded *loaded, struct fw_error *reterr_error)
{
	uint8_t derived[32];
	bool made = digest_hmac_sha256(slice(key, KEY_SIZE), slice_text("framewall configuration digest"), derived) &&
		    fingerprint_make(loaded->policy, slice(derived, sizeof(derived)), &loaded->fingerprint);

	mem_wipe(derived, sizeof(derived));
	if (made)
		return FW_OK;
	loaded->policy = fw_policy_unref(loaded->policy);
	return manager_say_error(reterr_error, FW_ERR_MEMORY, "out of memory");
}

static int add_keys(struct fw_manager *manager, struct fw_policy **policy, struct fw_error *reterr_error)
{
	char text[512];
	int result = assertion_keys_load(*policy, manager->data_directory, text, sizeof(text));

	if (result == FW_OK)
		return FW_OK;
	*policy = fw_policy_unref(*policy);
	return manager_say_error(reterr_error, result, "%s", text);
}

int manager_config_load(struct fw_manager *manager, struct manager_loaded *ret_loaded, struct fw_error *reterr_error)
{
	struct fw_policy **policy = &ret_loaded->policy;
	uint8_t key[KEY_SIZE];
	int result;

	if (reterr_error != NULL)
		*reterr_error = (struct fw_error){ 0 };
	if (server_jwt_key(manager->data_directory, key) != 0)
		return manager_say_error(reterr_error, FW_ERR_IO, "cannot use \"%s/keys/jwt.key\": %s%s",
					 manager->data_directory, strerror(errno),
					 errno == EINVAL
						 ? "; it must hold 32 octets"
						 : "; choose a data directory (--data) that this user may write");
	result = compile(manager, key, policy, reterr_error);
	if (result == FW_OK)
		result = add_keys(manager, policy, reterr_error);
	if (result == FW_OK)
		result = mark(key, ret_loaded, reterr_error);
	mem_wipe(key, sizeof(key));
	return result;
}

int manager_config_tls(struct fw_manager *manager, const struct fw_policy *policy, struct fw_error *reterr_error)
{
	struct judged judged = { manager, reterr_error };
	bool holds;

	if (reterr_error != NULL)
		*reterr_error = (struct fw_error){ 0 };
	if (manager->tls != NULL) {
		holds = tls_reload(manager->tls, policy, report, &judged);
	} else {
		manager->tls = tls_new(policy, report, &judged);
		holds = manager->tls != NULL;
	}
	if (holds)
		return FW_OK;
	if (reterr_error != NULL)
		reterr_error->code = FW_ERR_INVALID;
	return FW_ERR_INVALID;
}

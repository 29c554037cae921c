/* config_encryption.c: what values of `encryption` do not go together. */
#include "policy/config_build.h"

#include "base/slice.h"

enum { ITERATIONS = 600000 }; /* OWASP Password Storage Cheat Sheet, PBKDF2-HMAC-SHA-256 */

static struct config_place place_of(const struct config *config, const char *path)
{
	return config->origins[config_scalar_find(path)].place;
}

/* One source, or none. */
static void check_sources(struct config *config, const char *key_file, const struct texts *command,
			  const char *passphrase, const char *path, const char *section)
{
	unsigned count = (unsigned)(key_file[0] != '\0') + (command->count != 0) + (passphrase[0] != '\0');

	if (count > 1)
		config_report_error(
			config, place_of(config, path),
			"of \"%s.key_file\", \"%s.key_command\" and \"%s.passphrase_file\" one alone may be given",
			section, section, section);
}

static bool is_listed(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (slice_is(slice_text(texts->items[i]), text))
			return true;
	return false;
}

/* A field that somebody takes out would be believed to be in clear, or one that does not exist to be sealed. */
static void check_fields(struct config *config)
{
	static const char *const fields[] = { "password_hash", "session_tokens", "api_keys", "sensitive_user_data" };
	enum { FIELDS = sizeof(fields) / sizeof(*fields) };
	const struct texts *listed = &config->policy->settings.encrypted_fields;
	struct config_place place = place_of(config, "encryption.encrypted_fields");
	char shown[64];

	for (size_t i = 0; i < FIELDS; i++)
		if (!is_listed(listed, fields[i]))
			config_report_error(
				config, place,
				"\"encryption.encrypted_fields\" leaves out %s, which is always sealed; list it",
				fields[i]);
	for (size_t i = 0; i < listed->count; i++) {
		const struct texts known = { (const char **)(uintptr_t)fields, FIELDS };

		if (!is_listed(&known, listed->items[i]))
			config_report_error(
				config, place,
				"\"encryption.encrypted_fields\": there is no field \"%s\"; they are password_hash, "
				"session_tokens, api_keys, sensitive_user_data",
				config_report_quote(config, slice_text(listed->items[i]), shown));
	}
}

void config_encryption(struct config *config)
{
	const struct settings *settings = &config->policy->settings;

	check_sources(config, settings->encryption_key_file, &settings->encryption_key_command,
		      settings->encryption_passphrase_file, "encryption.key_file", "encryption");
	check_sources(config, settings->previous_key_file, &settings->previous_key_command,
		      settings->previous_passphrase_file, "encryption.previous.key_file", "encryption.previous");
	check_fields(config);
	if (settings->derivation_iterations < ITERATIONS)
		config_report_warning(
			config, place_of(config, "encryption.key_derivation.iterations"),
			"\"encryption.key_derivation.iterations\" is below 600000: who has a copy of the data "
			"guesses a passphrase so much faster; leave it out, or better use \"encryption.key_file\"");
}

/* Certificates for clients: tls.certificate with tls.key, then tls.certificates. Files are named here, not read: that
 * is done where they are used (shell/tls_load.c). */
#include "policy/config_build.h"

#include <string.h>

#include "base/mem.h"
#include "base/slice.h"

/* Whoever writes ${file:KEY} here means well; but then the key would be shown as the name of a file that is not there.
 */
static const char not_content[] = "is the name of a file: write it as it is, without ${file:…}";

/* Keys of assertions are no part of TLS, and files all the same. */
static void place_assertion_keys(struct config *config)
{
	struct texts *keys = &config->policy->settings.assertion_keys;
	const struct config_origin *origin = &config->origins[config_scalar_find("assertion.keys")];
	enum config_from from = origin->from;

	for (size_t i = 0; i < keys->count; i++) {
		if (config_expand_is_in(config, keys->items[i]))
			config_report_error(config, origin->place, "\"assertion.keys\" %s", not_content);
		else if (*keys->items[i] == '\0')
			config_report_error(config, origin->place,
					    "\"assertion.keys\": the name of a PEM file is missing");
		else if (from == CONFIG_FROM_FILE || from == CONFIG_FROM_OVERLAY)
			keys->items[i] = config_value_beside(config, slice_text(keys->items[i]));
	}
}

/* The same for the rows, where the file gave them: on the command line a path is seen from where one is. */
static void place_rows(struct config *config)
{
	struct settings *settings = &config->policy->settings;
	const struct {
		const char *path;
		const char **member;
	} rows[] = {
		{ "tls.certificate", &settings->tls_certificate },
		{ "tls.key", &settings->tls_key },
		{ "tls.client_ca", &settings->tls_client_ca },
		{ "admin.tls.certificate", &settings->admin_tls_certificate },
		{ "admin.tls.key", &settings->admin_tls_key },
		{ "admin.tls.client_ca", &settings->admin_client_ca },
		{ "upstream.tls.ca_file", &settings->upstream_tls_ca_file },
		{ "upstream.tls.certificate", &settings->upstream_tls_certificate },
		{ "upstream.tls.key", &settings->upstream_tls_key },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct config_origin *origin = &config->origins[config_scalar_find(rows[i].path)];
		enum config_from from = origin->from;

		if (origin->secret)
			config_report_error(config, origin->place, "\"%s\" %s", rows[i].path, not_content);
		else if (**rows[i].member != '\0' && (from == CONFIG_FROM_FILE || from == CONFIG_FROM_OVERLAY))
			*rows[i].member = config_value_beside(config, slice_text(*rows[i].member));
	}
	place_assertion_keys(config);
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place key,
		       struct fy_node *value)
{
	struct policy_certificate *certificate = user;
	struct fw_slice text;

	if (!config_yaml_is_text(config, key, index == 0 ? "certificate" : "key", value, &text))
		return;
	if (config->secret) {
		config_report_error(config, key, "\"%s\" %s", index == 0 ? "certificate" : "key", not_content);
		return;
	}
	if (text.size == 0) {
		config_report_error(config, key, "the name of a PEM file is missing");
		return;
	}
	if (index == 0)
		certificate->certificate = config_value_beside(config, text);
	else
		certificate->key = config_value_beside(config, text);
}

static void read_certificate(struct config *config, struct config_place place, struct fy_node *node,
			     struct policy_certificate *certificate)
{
	static const char *const names[] = { "certificate", "key" };
	unsigned before = config->errors;

	if (config_yaml_kind(config, place, node) != CONFIG_MAP) {
		config_report_error(config, place, "each certificate is a mapping with certificate and key");
		return;
	}
	config_walk_map(config, node, "a certificate", names, 2, set_member, certificate);
	if (certificate->certificate == NULL && config->errors == before)
		config_report_error(config, place, "the PEM file is missing: certificate: FILE");
	if (certificate->key == NULL)
		certificate->key = certificate->certificate;
	certificate->place = config_report_place(config, place);
}

static unsigned count_list(struct config *config, const struct config_section *section)
{
	struct config_place key = { .node = section->key };
	int count;

	if (section->key == NULL || !config_yaml_is_list(config, key, "\"tls.certificates\"", section->value))
		return 0;
	count = fy_node_sequence_item_count(section->value);
	if (count <= LIMIT_CERTIFICATES)
		return (unsigned)count;
	config_report_error(config, key, "there are more than %d certificates", (int)LIMIT_CERTIFICATES);
	return 0;
}

static void read_all(struct config *config)
{
	const struct settings *settings = &config->policy->settings;
	const struct config_section *section = config_topmost(config->certificates);
	struct config_place key = { .node = section->key };
	unsigned listed = count_list(config, section), count = listed + (*settings->tls_certificate != '\0');
	struct policy_certificate *certificates, *next;
	struct fy_node *item;
	void *at = NULL;

	if (count == 0)
		return;
	certificates = next = config_value_zero(config, count, sizeof(*certificates));
	if (certificates == NULL)
		return;
	config->policy->certificates = certificates;
	config->policy->certificate_count = count;
	/* It comes first, so that what the command line says is the certificate that is shown without a name. */
	if (*settings->tls_certificate != '\0')
		*next++ = (struct policy_certificate){ settings->tls_certificate,
						       *settings->tls_key != '\0' ? settings->tls_key
										  : settings->tls_certificate,
						       config->policy->source };
	while (listed != 0 && (item = fy_node_sequence_iterate(section->value, &at)) != NULL)
		read_certificate(config, config_yaml_place(item, key), item, next++);
}

static void check_admin(struct config *config)
{
	const struct settings *settings = &config->policy->settings;
	struct config_place place = { .origin = config->options->name };
	bool asks = settings->admin_client_certificate != CLIENT_CERTIFICATE_NONE;

	if (*settings->admin_tls_key != '\0' && *settings->admin_tls_certificate == '\0')
		config_report_error(config, place, "\"admin.tls.key\" is of no use without \"admin.tls.certificate\"");
	if (asks && *settings->admin_tls_certificate == '\0')
		config_report_error(config, place,
				    "\"admin.tls.client_certificate\" asks for certificates, but operators connect "
				    "without TLS: name an \"admin.tls.certificate\"");
	if (asks && *settings->admin_client_ca == '\0')
		config_report_error(config, place,
				    "\"admin.tls.client_certificate\" asks for certificates: name in "
				    "\"admin.tls.client_ca\" who signs them");
	if (!asks && (*settings->admin_client_ca != '\0' || settings->admin_roles.count != 0))
		config_report_warning(config, place,
				      "\"admin.tls.client_ca\" and \"admin.tls.roles\" have no effect while "
				      "\"admin.tls.client_certificate\" is none");
}

/* What one setting asks for and another one makes impossible or idle. */
static void check(struct config *config)
{
	const struct fw_policy *policy = config->policy;
	const struct settings *settings = &policy->settings;
	struct config_place place = { .origin = config->options->name };
	bool asks = settings->tls_client_certificate != CLIENT_CERTIFICATE_NONE;

	if (*settings->tls_key != '\0' && *settings->tls_certificate == '\0')
		config_report_error(config, place, "\"tls.key\" is of no use without \"tls.certificate\"");
	if (*settings->upstream_tls_key != '\0' && *settings->upstream_tls_certificate == '\0')
		config_report_error(config, place,
				    "\"upstream.tls.key\" is of no use without \"upstream.tls.certificate\"");
	if (asks && policy->certificate_count == 0)
		config_report_error(config, place,
				    "\"tls.client_certificate\" asks for certificates, but clients connect without "
				    "TLS: name a \"tls.certificate\"");
	if (asks && *settings->tls_client_ca == '\0')
		config_report_error(config, place,
				    "\"tls.client_certificate\" asks for certificates: name in \"tls.client_ca\" who "
				    "signs them");
	if (!asks && *settings->tls_client_ca != '\0')
		config_report_warning(config, place,
				      "\"tls.client_ca\" has no effect while \"tls.client_certificate\" is none");
	if (settings->upstream_tls_verify == VERIFY_OFF)
		config_report_warning(config, place,
				      "\"upstream.tls.verify\" is off: anybody between here and the upstream can read "
				      "and change what passes; name the authority in \"upstream.tls.ca_file\" instead");
}

void config_tls(struct config *config)
{
	config->policy->source = config_value_text(config, slice_text(config->options->name));
	place_rows(config);
	if (config->short_of_memory)
		return;
	read_all(config);
	check(config);
	check_admin(config);
}

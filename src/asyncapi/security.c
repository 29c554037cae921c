/* security.c: the scopes that an operation asks for, as one permission. */
#include <string.h>

#include "asyncapi/import.h"

static bool is_any(struct fw_slice permission)
{
	return slice_is(permission, "any");
}

/* A permission is a name of parts with dots: read:orders is read.orders. */
static struct fw_slice as_permission(struct import *import, struct fw_slice scope)
{
	enum { MOST = 120 };
	char out[MOST];
	size_t size = 0;

	for (size_t i = 0; i < scope.size && size < MOST; i++) {
		uint8_t c = scope.data[i];
		bool part = ascii_is_alpha(c) || ascii_is_digit(c) || c == '_' || c == '-';

		if (part)
			out[size++] = (char)c;
		else if (size != 0 && out[size - 1] != '.' && (c == ':' || c == '/' || c == '.'))
			out[size++] = '.';
		else if (c != ':' && c != '/' && c != '.')
			out[size++] = '_';
	}
	while (size != 0 && out[size - 1] == '.')
		size--;
	if (size == 0 || slice_is(slice(out, size), "any"))
		return slice_text("scope");
	return slice_text(import_text(import, slice(out, size)));
}

/* Several scopes have no one name: the operation's stands for them. */
static struct fw_slice of_operation(struct import *import, const struct document_node *place, struct fw_slice operation,
				    const char *why)
{
	struct fw_slice name = as_permission(import, operation);
	char text[160];

	snprintf(text, sizeof(text), "operation.%.*s", (int)name.size, (const char *)name.data);
	import_note(import, place, "%s: the permission \"%s\" stands for it; give it to the roles that have them", why,
		    text);
	return slice_text(import_text(import, slice_text(text)));
}

/* What logs in by which method: see authentication.methods. */
static void look_at(struct import *import, const struct document_node *scheme)
{
	static const struct {
		const char *type, *method;
	} rows[] = { { "http", "jwt" },
		     { "oauth2", "jwt" },
		     { "openIdConnect", "jwt" },
		     { "httpApiKey", "api_key" },
		     { "apiKey", "api_key" } };
	struct fw_slice type = import_member_text(import, scheme, "type");

	import->secured = true;
	if (slice_is(type, "http") && !slice_is_nocase(import_member_text(import, scheme, "scheme"), "bearer")) {
		import_note(import, scheme, "of \"http\" only bearer tokens log in here");
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!slice_is(type, rows[i].type))
			continue;
		import->methods[strcmp(rows[i].method, "api_key") == 0] = true;
		if (slice_is(import_member_text(import, scheme, "in"), "query"))
			import_note(import, scheme,
				    "a credential in the query is off, since it ends up in logs: see authentication");
		return;
	}
	if (slice_is(type, "X509"))
		import_note(import, scheme,
			    "certificates of clients are asked for by tls.client_certificate and "
			    "demanded by routes[].require");
	else
		import_note(import, scheme, "nobody logs in here by \"%s\"", import_shown(import, type));
}

/* The scopes that one alternative asks for. */
struct asked {
	const struct document_node *place;
	struct fw_slice first;
	unsigned count;
};

static void add_scopes(struct asked *asked, const struct document_node *list)
{
	if (list == NULL || list->kind != DOCUMENT_LIST)
		return;
	for (const struct document_node *scope = list->first; scope != NULL; scope = scope->next) {
		if (asked->count++ == 0)
			asked->first = scope->text;
	}
}

/* 3.x: a scheme with the scopes that are needed. 2.x: names of schemes, each with its scopes. */
static void read_alternative(struct import *import, const struct document_node *item, struct asked *asked)
{
	const struct document_node *schemes =
		import_follow(import, document_named(import_follow(import, document_named(import->root, "components")),
						     "securitySchemes"));

	if (import->three) {
		const struct document_node *scheme = import_follow(import, item);

		if (scheme == NULL)
			return;
		look_at(import, scheme);
		add_scopes(asked, import_follow(import, document_named(scheme, "scopes")));
		return;
	}
	for (const struct document_node *named = item->first; named != NULL; named = named->next) {
		const struct document_node *scheme = import_follow(import, document_member(schemes, named->key));

		if (scheme != NULL)
			look_at(import, scheme);
		else
			import_error(import, named, "there is no security scheme \"%s\"",
				     import_shown(import, named->key));
		add_scopes(asked, named);
	}
}

struct fw_slice import_permission(struct import *import, const struct document_node *list, struct fw_slice operation)
{
	struct fw_slice permission = slice_text("any");
	bool first = true, free = false;

	list = import_follow(import, list);
	if (list == NULL || list->kind != DOCUMENT_LIST)
		return permission;
	for (const struct document_node *item = list->first; item != NULL; item = item->next) {
		struct asked asked = { .place = item };
		struct fw_slice one;

		read_alternative(import, item, &asked);
		if (asked.count == 0) {
			free = true;
			continue;
		}
		one = asked.count == 1 ? as_permission(import, asked.first)
				       : of_operation(import, item, operation, "it asks for several scopes");
		if (asked.count == 1 && !slice_equal(one, asked.first))
			import_note(import, item, "the permission of the scope \"%s\" is \"%s\"",
				    import_shown(import, asked.first), import_shown(import, one));
		if (first)
			permission = one;
		else if (!slice_equal(one, permission))
			permission = of_operation(import, item, operation, "it asks for one of several scopes");
		first = false;
	}
	return free ? slice_text("any") : permission;
}

struct fw_slice import_permissions_both(struct import *import, const struct document_node *place, struct fw_slice one,
					struct fw_slice two, struct fw_slice operation)
{
	if (is_any(one) || slice_equal(one, two))
		return two;
	if (is_any(two))
		return one;
	return of_operation(import, place, operation, "the server and the operation ask for a scope each");
}

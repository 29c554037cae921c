#include "codec/extensions.h"

#include "base/encode.h"
#include "base/slice.h"

#include <string.h>

const char extensions_offer[] =
	"permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits";

enum parameter { SERVER_NO_TAKEOVER, CLIENT_NO_TAKEOVER, SERVER_BITS, CLIENT_BITS, PARAMETERS };

static const char *const parameter_names[PARAMETERS] = {
	[SERVER_NO_TAKEOVER] = "server_no_context_takeover",
	[CLIENT_NO_TAKEOVER] = "client_no_context_takeover",
	[SERVER_BITS] = "server_max_window_bits",
	[CLIENT_BITS] = "client_max_window_bits",
};

/* A value without its quotes. One that is longer than any good one is only known by its size. */
struct value {
	bool there;
	size_t size;
	uint8_t octets[2];
};

/* One extension of a list. */
struct extension {
	bool deflate; /* it is permessage-deflate */
	bool bad;     /* a parameter is unknown, repeated or has a bad value */
	uint8_t seen; /* bits of enum parameter */
	struct extensions_deflate parameters;
};

static void skip_blanks(struct fw_slice *rest)
{
	while (rest->size != 0 && (rest->data[0] == ' ' || rest->data[0] == '\t'))
		*rest = slice_from(*rest, 1);
}

static bool take_octet(struct fw_slice *rest, uint8_t octet)
{
	if (rest->size == 0 || rest->data[0] != octet)
		return false;
	*rest = slice_from(*rest, 1);
	return true;
}

static bool take_token(struct fw_slice *rest, struct fw_slice *ret_token)
{
	size_t size = 0;

	while (size < rest->size && http1_is_token(slice(rest->data + size, 1)))
		size++;
	*ret_token = slice(rest->data, size);
	*rest = slice_from(*rest, size);
	return size != 0;
}

static void value_add(struct value *value, uint8_t octet)
{
	if (value->size < sizeof(value->octets))
		value->octets[value->size] = octet;
	value->size++;
}

/* RFC 6455 9.1: a value in quotes must be a token once it is unescaped. */
static bool take_quoted(struct fw_slice *rest, struct value *value)
{
	while (!take_octet(rest, '"')) {
		take_octet(rest, '\\');
		if (rest->size == 0 || !http1_is_token(slice(rest->data, 1)))
			return false;
		value_add(value, rest->data[0]);
		*rest = slice_from(*rest, 1);
	}
	return value->size != 0;
}

static bool take_value(struct fw_slice *rest, struct value *value)
{
	struct fw_slice token;

	value->there = true;
	if (take_octet(rest, '"'))
		return take_quoted(rest, value);
	if (!take_token(rest, &token))
		return false;
	for (size_t i = 0; i < token.size; i++)
		value_add(value, token.data[i]);
	return true;
}

/* RFC 7692 7.1.2: a decimal integer without leading zeroes, 8 to 15. 0: it is not. */
static uint8_t window_bits(const struct value *value)
{
	const uint8_t *octets = value->octets;

	if (value->size == 1 && (octets[0] == '8' || octets[0] == '9'))
		return octets[0] - '0';
	if (value->size == 2 && octets[0] == '1' && octets[1] >= '0' && octets[1] <= '5')
		return (uint8_t)(10 + octets[1] - '0');
	return 0;
}

static void set_parameter(struct extension *extension, struct fw_slice name, const struct value *value, bool answer)
{
	struct extensions_deflate *parameters = &extension->parameters;
	uint8_t bits = window_bits(value);
	unsigned which;

	for (which = 0; which < PARAMETERS; which++)
		if (slice_is(name, parameter_names[which]))
			break;
	if (which == PARAMETERS || (extension->seen >> which & 1) != 0) {
		extension->bad = true;
		return;
	}
	extension->seen |= (uint8_t)(1u << which);
	switch (which) {
	case SERVER_NO_TAKEOVER:
		parameters->server_no_takeover = true;
		extension->bad |= value->there;
		break;
	case CLIENT_NO_TAKEOVER:
		parameters->client_no_takeover = true;
		extension->bad |= value->there;
		break;
	case SERVER_BITS:
		parameters->server_bits = bits;
		extension->bad |= bits == 0;
		break;
	default:
		/* RFC 7692 7.1.2.2: in an offer it may stand without a value. */
		parameters->client_bits_offered = true;
		parameters->client_bits = bits;
		extension->bad |= bits == 0 && (value->there || answer);
		break;
	}
}

/* extension = token *( ";" token [ "=" ( token | quoted-string ) ] ), with blanks between (RFC 6455 9.1). */
static bool take_extension(struct fw_slice *rest, bool answer, struct extension *ret_extension)
{
	struct fw_slice name;

	*ret_extension = (struct extension){ 0 };
	if (!take_token(rest, &name))
		return false;
	ret_extension->deflate = slice_is(name, "permessage-deflate");
	skip_blanks(rest);
	while (take_octet(rest, ';')) {
		struct value value = { 0 };

		skip_blanks(rest);
		if (!take_token(rest, &name))
			return false;
		skip_blanks(rest);
		if (take_octet(rest, '=')) {
			skip_blanks(rest);
			if (!take_value(rest, &value))
				return false;
			skip_blanks(rest);
		}
		set_parameter(ret_extension, name, &value, answer);
	}
	return rest->size == 0 || rest->data[0] == ',';
}

/* The lists of all fields are one list (RFC 6455 11.3.2). */
struct walk {
	const struct http1_head *head;
	struct fw_slice rest;
	unsigned field;
	bool answer;
};

/* 1: ret_extension is the next one; 0: there is no other; -1: malformed. Empty elements count for nothing (RFC 9110
 * 5.6.1.2). */
static int next_extension(struct walk *walk, struct extension *ret_extension)
{
	for (;;) {
		skip_blanks(&walk->rest);
		if (take_octet(&walk->rest, ','))
			continue;
		if (walk->rest.size != 0)
			return take_extension(&walk->rest, walk->answer, ret_extension) ? 1 : -1;
		while (walk->field < walk->head->count &&
		       !slice_is_nocase(walk->head->fields[walk->field].name, "Sec-WebSocket-Extensions"))
			walk->field++;
		if (walk->field == walk->head->count)
			return 0;
		walk->rest = walk->head->fields[walk->field++].value;
	}
}

enum extensions_result extensions_offered(const struct http1_head *request, struct extensions_deflate *ret_offer)
{
	enum extensions_result result = EXTENSIONS_NONE;
	struct walk walk = { .head = request };
	struct extension extension;
	int more;

	*ret_offer = (struct extensions_deflate){ 0 };
	while ((more = next_extension(&walk, &extension)) > 0) {
		if (result == EXTENSIONS_DEFLATE || !extension.deflate || extension.bad)
			continue;
		*ret_offer = extension.parameters;
		result = EXTENSIONS_DEFLATE;
	}
	return more < 0 ? EXTENSIONS_MALFORMED : result;
}

size_t extensions_write_answer(const struct extensions_deflate *offer, char ret_text[EXTENSIONS_TEXT])
{
	char *end = stpcpy(ret_text, "permessage-deflate; server_no_context_takeover; client_no_context_takeover");

	if (offer->server_bits != 0) {
		/* RFC 7692 7.1.2.1: accepted by the same value in the answer. */
		end = stpcpy(end, "; server_max_window_bits=");
		end += encode_u64(offer->server_bits, end);
	}
	return (size_t)(end - ret_text);
}

static const char *check_answer(const struct extension *extension)
{
	if (!extension->deflate)
		return "the upstream chose an extension that was not offered";
	if (extension->bad)
		return "RFC 7692 7.1: a parameter of the upstream's permessage-deflate is unknown, repeated or bad";
	/* RFC 7692 7.1.1.1: without it the offer was not accepted as it was made. */
	if (!extension->parameters.server_no_takeover)
		return "RFC 7692 7.1.1.1: the upstream did not agree to server_no_context_takeover";
	return NULL;
}

const char *extensions_answered(const struct http1_head *response, enum extensions_result *ret_result,
				struct extensions_deflate *ret_answer)
{
	struct walk walk = { .head = response, .answer = true };
	struct extension extension;
	const char *cause = NULL;
	int more;

	*ret_result = EXTENSIONS_NONE;
	*ret_answer = (struct extensions_deflate){ 0 };
	while (cause == NULL && (more = next_extension(&walk, &extension)) != 0) {
		if (more < 0)
			return "RFC 6455 9.1: the upstream's Sec-WebSocket-Extensions is malformed";
		if (*ret_result == EXTENSIONS_DEFLATE)
			return "the upstream chose more extensions than were offered";
		cause = check_answer(&extension);
		*ret_result = EXTENSIONS_DEFLATE;
		*ret_answer = extension.parameters;
	}
	return cause;
}

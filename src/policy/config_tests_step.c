/* config_tests_step.c: one step of a test: what is sent, and what must become of it. */
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "policy/config_tests_parts.h"

enum { TIMES_MOST = 100000 };

const char *const config_tests_members[MEMBERS] = { "name",    "path",	      "subprotocol", "origin",	 "host",
						    "headers", "from",	      "certificate", "tls",	 "user",
						    "role",    "permissions", "status",	     "events",	 "fires",
						    "steps",   "message",     "text",	     "hex",	 "direction",
						    "wait",    "times",	      "expect",	     "code",	 "stage",
						    "rule",    "reason",      "close",	     "rewritten" };

bool config_tests_text(struct config *config, struct config_place place, const char *what, struct fy_node *node,
		       struct fw_slice *ret_text)
{
	enum config_kind kind = config_yaml_kind(config, place, node);

	*ret_text = slice("", 0);
	if (kind == CONFIG_SCALAR)
		*ret_text = config_yaml_text(node, NULL);
	else if (kind == CONFIG_LIST || kind == CONFIG_MAP)
		config_report_error(config, place, "\"%s\" is a single value", what);
	return kind == CONFIG_SCALAR || kind == CONFIG_NOTHING;
}

void config_tests_word(struct config *config, struct config_place place, const char *what, struct fy_node *node,
		       const char **ret_word)
{
	struct fw_slice text;

	if (!config_tests_text(config, place, what, node, &text))
		return;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < 0x20 || text.data[i] == 0x7f) {
			config_report_error(config, place, "\"%s\" has the control character 0x%02x", what,
					    text.data[i]);
			return;
		}
	}
	*ret_word = config_value_text(config, text);
}

static bool read_number(struct config *config, struct config_place place, const char *what, struct fy_node *node,
			int64_t min, int64_t max, int64_t *ret_number)
{
	struct fw_slice text;

	return config_tests_text(config, place, what, node, &text) &&
	       config_value_integer(config, place, what, text, min, max, "", ret_number);
}

/* 500ms, 61s, 5m, 2h, 1d */
static void set_wait(struct config *config, struct config_place place, struct fy_node *node, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "ms", 1000000 },
		      { "s", 1000000000 },
		      { "m", (uint64_t)60 * 1000000000 },
		      { "h", (uint64_t)3600 * 1000000000 },
		      { "d", (uint64_t)86400 * 1000000000 } };
	struct fw_slice text;
	uint64_t number = 0;
	size_t digits = 0;

	if (!config_tests_text(config, place, "wait", node, &text))
		return;
	while (digits < text.size && digits < 9 && text.data[digits] >= '0' && text.data[digits] <= '9')
		number = number * 10 + text.data[digits++] - '0';
	for (size_t i = 0; digits != 0 && i < sizeof(units) / sizeof(units[0]); i++) {
		if (!slice_is(slice_from(text, digits), units[i].name))
			continue;
		if (number == 0 || number > (uint64_t)366 * 86400 * 1000000000 / units[i].ns)
			break;
		*ret_ns = number * units[i].ns;
		return;
	}
	config_report_error(config, place, "\"wait\" is a time such as 500ms, 61s, 5m, 2h or 1d, a year at most");
}

static bool choose(struct config *config, struct config_place place, const char *what, struct fy_node *node,
		   const char *const *words, unsigned count, uint8_t *ret_index)
{
	struct config_suggest suggest;
	struct fw_slice text;
	char shown[64], hint[128];

	if (!config_tests_text(config, place, what, node, &text))
		return false;
	config_suggest_start(&suggest, text);
	for (unsigned i = 0; i < count; i++) {
		config_suggest_offer(&suggest, words[i], strlen(words[i]));
		if (!slice_is(text, words[i]))
			continue;
		*ret_index = (uint8_t)i;
		return true;
	}
	config_report_error(config, place, "\"%s\" is one of %s, %s%s%s, not \"%s\"%s", what, words[0], words[1],
			    count > 2 ? ", " : "", count > 2 ? words[2] : "", config_report_quote(config, text, shown),
			    config_suggest_text(&suggest, hint));
	return false;
}

static void set_hex(struct config *config, struct config_place place, struct fy_node *node, struct policy_step *step)
{
	struct fw_slice text;
	uint8_t *octets;
	size_t half = 0;

	if (!config_tests_text(config, place, "hex", node, &text))
		return;
	octets = config_value_zero(config, text.size + 1, 1);
	for (size_t i = 0; octets != NULL && i < text.size; i++) {
		if (text.data[i] == ' ')
			continue;
		if (ascii_hex(text.data[i]) < 0) {
			half = 1;
			break;
		}
		octets[half / 2] = (uint8_t)(octets[half / 2] << 4 | ascii_hex(text.data[i]));
		half++;
	}
	if (half % 2 != 0)
		config_report_error(config, place, "\"hex\" is pairs of hex digits: the octets of a binary message");
	step->binary = true;
	step->message = slice(octets, half / 2);
}

static void take_message(struct config *config, struct reading *reading, unsigned index, struct config_place place,
			 struct fy_node *value)
{
	struct policy_step *step = reading->step;
	struct fw_slice text;

	if (step->said) {
		config_report_error(config, place, "one of message, text and hex");
		return;
	}
	step->said = true;
	step->expands = index != HEX;
	if (index == MESSAGE)
		config_json(config, place, value, &step->message);
	else if (index == HEX)
		set_hex(config, place, value, step);
	else if (config_tests_text(config, place, "text", value, &text))
		step->message = slice(config_value_text(config, text), text.size);
}

static void take_expect(struct config *config, struct policy_expect *expect, unsigned index, struct config_place place,
			struct fy_node *value)
{
	static const char *const verdicts[] = { "pass", "refuse", "close" };
	struct fw_slice text;
	int64_t number = 0;

	switch (index) {
	case EXPECT:
		expect->given = choose(config, place, "expect", value, verdicts, 3, &expect->verdict);
		break;
	case CODE:
		config_tests_word(config, place, "code", value, &expect->code);
		break;
	case STAGE:
		config_tests_word(config, place, "stage", value, &expect->stage);
		break;
	case RULE:
		config_tests_word(config, place, "rule", value, &expect->rule);
		break;
	case REASON:
		config_tests_word(config, place, "reason", value, &expect->reason);
		break;
	case STATUS:
	case CLOSE:
		read_number(config, place, config_tests_members[index], value, index == CLOSE ? 1000 : 400,
			    index == CLOSE ? 4999 : 599, &number);
		*(index == CLOSE ? &expect->close : &expect->status) = (unsigned)number;
		break;
	default: /* REWRITTEN: text is compared as text */
		if (config_yaml_kind(config, place, value) != CONFIG_SCALAR)
			config_json(config, place, value, &expect->rewritten);
		else if (config_tests_text(config, place, "rewritten", value, &text))
			expect->rewritten = slice(config_value_text(config, text), text.size);
		break;
	}
}

void config_tests_take(struct config *config, struct reading *reading, unsigned index, struct config_place place,
		       struct fy_node *value)
{
	static const char *const directions[] = { "in", "out" };
	struct policy_step *step = reading->step;

	switch (index) {
	case MESSAGE:
	case TEXT:
	case HEX:
		take_message(config, reading, index, place, value);
		break;
	case DIRECTION:
		choose(config, place, "direction", value, directions, 2, &step->kind);
		break;
	case WAIT:
		set_wait(config, place, value, &step->wait_ns);
		break;
	case TIMES:
		read_number(config, place, "times", value, 1, TIMES_MOST, &step->times);
		break;
	default:
		take_expect(config, &step->expect, index, place, value);
	}
}

/* What a step needs; the place is that of the step. */
void config_tests_check(struct config *config, struct policy_step *step, struct config_place place)
{
	bool expects = step->expect.given || step->expect.code != NULL || step->expect.stage != NULL ||
		       step->expect.rule != NULL || step->expect.reason != NULL || step->expect.close != 0 ||
		       step->expect.rewritten.data != NULL;

	if (step->wait_ns != 0) {
		if (step->said)
			config_report_error(config, place, "a step that waits sends nothing: write two steps");
		if (expects && (!step->expect.given || step->expect.verdict == 1))
			config_report_error(config, place,
					    "while time passes a connection stays (pass) or ends (close)");
		step->kind = STEP_WAIT;
		return;
	}
	if (!step->said)
		config_report_error(config, place, "nothing happens: message, text, hex or wait");
	else if (!step->expect.given)
		config_report_error(config, place, "\"expect\" is missing: pass, refuse or close");
	else if (step->expect.verdict != 0 && step->expect.rewritten.data != NULL)
		config_report_error(config, place, "what is refused is not rewritten");
	else if (step->expect.verdict == 0 && (step->expect.code != NULL || step->expect.close != 0))
		config_report_error(config, place, "what passes has no code and no close");
}

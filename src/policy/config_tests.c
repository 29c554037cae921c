#include "policy/policy_tests.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "policy/config_tests_parts.h"

static unsigned line_of(struct config *config, struct config_place place)
{
	return config_report_line(config, config_report_offset(place));
}

static void set_path(struct config *config, struct config_place place, struct fy_node *node, const char **ret_path)
{
	config_tests_word(config, place, "path", node, ret_path);
	if (*ret_path != NULL && (**ret_path != '/' || strchr(*ret_path, ' ') != NULL))
		config_report_error(config, place, "\"path\" is a path such as /chat, without blanks");
}

static void set_flag(struct config *config, struct config_place place, const char *what, struct fy_node *node,
		     bool *ret_flag)
{
	struct fw_slice text;

	if (config_tests_text(config, place, what, node, &text))
		config_value_boolean(config, place, what, text, ret_flag);
}

static void set_permissions(struct config *config, struct config_place place, struct fy_node *node,
			    const char **ret_list)
{
	struct texts texts = { 0 };
	size_t size = 0;
	char *list, *end;

	if (!config_value_texts(config, place, "permissions", node, NULL, &texts))
		return;
	for (size_t i = 0; i < texts.count; i++) {
		size += strlen(texts.items[i]) + 1;
		if (*texts.items[i] == '\0' || strchr(texts.items[i], ' ') != NULL)
			config_report_error(config, place, "a permission is a name such as chat.send");
	}
	if (texts.count == 0 || size > LIMIT_API_KEY_SCOPES) {
		config_report_error(config, place,
				    "\"permissions\" narrows a role: at least one, and %d characters at most",
				    (int)LIMIT_API_KEY_SCOPES);
		return;
	}
	end = list = config_value_zero(config, size, 1);
	for (size_t i = 0; list != NULL && i < texts.count; i++) {
		if (i != 0)
			end = stpcpy(end, " ");
		end = stpcpy(end, texts.items[i]);
	}
	*ret_list = list;
}

static void set_headers(struct config *config, struct config_place place, struct fy_node *node, const char **ret_lines)
{
	struct fy_node_pair *pair;
	char *lines = NULL;
	void *at = NULL;

	if (!config_yaml_is_map(config, place, "\"headers\"", node))
		return;
	while ((pair = fy_node_mapping_iterate(node, &at)) != NULL) {
		struct config_place key = { .node = fy_node_pair_key(pair) };
		const char *value = NULL;
		struct fw_slice name;
		char *more, *end;

		if (!config_yaml_key(config, key, key.node, &name))
			return;
		config_tests_word(config, key, "headers", fy_node_pair_value(pair), &value);
		if (value == NULL)
			return;
		if (name.size == 0 || strcspn((const char *)name.data, ": \t\r\n") < name.size) {
			config_report_error(config, key, "that is no name of a header");
			return;
		}
		more = config_value_zero(config, (lines != NULL ? strlen(lines) : 0) + name.size + strlen(value) + 5,
					 1);
		if (more == NULL)
			return;
		end = lines != NULL ? stpcpy(more, lines) : more;
		memcpy(end, name.data, name.size);
		stpcpy(stpcpy(stpcpy(end + name.size, ": "), value), "\r\n");
		lines = more;
	}
	*ret_lines = lines;
}

static void set_from(struct config *config, struct config_place place, struct fy_node *node, struct fw_addr *ret_from)
{
	struct fw_slice text;
	char shown[64];

	if (config_tests_text(config, place, "from", node, &text) && !addr_parse(text, ret_from))
		config_report_error(config, place, "\"from\" is an address, not \"%s\"",
				    config_report_quote(config, text, shown));
}

static void set_events(struct config *config, struct config_place place, struct fy_node *node, struct policy_test *test)
{
	const char *path = NULL;

	config_tests_word(config, place, "events", node, &path);
	if (path != NULL && *path == '\0')
		config_report_error(config, place, "\"events\" is the name of a file of records");
	else if (path != NULL)
		test->events = config_value_beside(config, slice_text(path));
}

/* {SCENARIO: [WHOM...]}; of {} nothing may fire. */
static void set_fires(struct config *config, struct config_place place, struct fy_node *node, struct policy_test *test)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	if (!config_yaml_is_map(config, place, "\"fires\"", node))
		return;
	test->fires = config_value_zero(config, (size_t)fy_node_mapping_item_count(node) + 1, sizeof(*test->fires));
	while (test->fires != NULL && (pair = fy_node_mapping_iterate(node, &at)) != NULL) {
		struct policy_test_fires *fires = &test->fires[test->fires_count++];
		struct config_place key = { .node = fy_node_pair_key(pair) };
		struct fw_slice name;

		if (!config_yaml_key(config, key, key.node, &name) || !config_walk_first(config, node, key.node))
			continue;
		fires->scenario = config_value_text(config, name);
		config_value_texts(config, key, "fires", fy_node_pair_value(pair), NULL, &fires->whom);
	}
}

/* Nothing at all is no test. */
static bool is_written(struct config *config, struct config_place place, const char *what, struct fy_node *node)
{
	unsigned errors = config->errors;

	if (config_yaml_is_map(config, place, what, node))
		return true;
	if (config->errors == errors)
		config_report_error(config, place, "%s is empty", what);
	return false;
}

static void take_step_member(struct config *config, void *user, unsigned index, struct config_place place,
			     struct fy_node *value)
{
	config_tests_take(config, user, STEP + index, place, value);
}

static void read_step(struct config *config, struct reading *reading, struct policy_step *step, struct fy_node *node,
		      struct config_place place)
{
	unsigned errors;

	place = config_yaml_place(node, place);
	*step = (struct policy_step){ .line = line_of(config, place), .times = 1 };
	errors = config->errors;
	reading->step = step;
	if (!is_written(config, place, "a step", node))
		return;
	config_walk_map(config, node, "a step", config_tests_members + STEP, MEMBERS - STEP, take_step_member, reading);
	if (config->errors == errors) /* else the reason for what is missing was said */
		config_tests_check(config, step, place);
}

static void take_member(struct config *config, void *user, unsigned index, struct config_place place,
			struct fy_node *value)
{
	struct reading *reading = user;
	struct policy_test *test = reading->test;

	switch (index) {
	case PATH:
		set_path(config, place, value, &test->path);
		break;
	case HEADERS:
		set_headers(config, place, value, &test->headers);
		break;
	case FROM:
		set_from(config, place, value, &test->from);
		break;
	case CERTIFICATE:
		set_flag(config, place, "certificate", value, &test->certificate);
		break;
	case TLS:
		set_flag(config, place, "tls", value, &test->tls);
		break;
	case PERMISSIONS:
		set_permissions(config, place, value, &test->permissions);
		break;
	case STATUS:
		config_tests_take(config, reading, index, place, value);
		break;
	case EVENTS:
		set_events(config, place, value, test);
		break;
	case FIRES:
		set_fires(config, place, value, test);
		break;
	case STEPS:
		reading->steps = value;
		reading->steps_place = place;
		break;
	case NAME:
	case SUBPROTOCOL:
	case ORIGIN:
	case HOST:
	case USER:
	case ROLE: {
		const char **const words[] = { [NAME] = &test->name,	 [SUBPROTOCOL] = &test->subprotocol,
					       [ORIGIN] = &test->origin, [HOST] = &test->host,
					       [USER] = &test->user,	 [ROLE] = &test->role };

		config_tests_word(config, place, config_tests_members[index], value, words[index]);
		break;
	}
	default:
		if (reading->first_of_step == NULL)
			reading->first_of_step = config_tests_members[index];
		config_tests_take(config, reading, index, place, value);
	}
}

static void read_steps(struct config *config, struct reading *reading)
{
	struct policy_test *test = reading->test;
	int count;

	if (!config_yaml_is_list(config, reading->steps_place, "\"steps\"", reading->steps))
		return;
	count = fy_node_sequence_item_count(reading->steps);
	test->steps = config_value_zero(config, (size_t)count + 1, sizeof(*test->steps));
	for (int i = 0; test->steps != NULL && i < count; i++)
		read_step(config, reading, &test->steps[test->step_count++],
			  fy_node_sequence_get_by_index(reading->steps, i), reading->steps_place);
	if (reading->first_of_step != NULL)
		config_report_error(config, reading->steps_place, "\"%s\" belongs into one of the steps",
				    reading->first_of_step);
}

static void check_test(struct config *config, struct reading *reading, struct config_place place,
		       struct policy_step *only)
{
	struct policy_test *test = reading->test;

	if (test->name == NULL)
		config_report_error(config, place, "a test has a name: name: what it shows");
	if (test->role == NULL && (test->user != NULL || test->permissions != NULL))
		config_report_error(config, place, "\"%s\" needs a role: whose it is",
				    test->user != NULL ? "user" : "permissions");
	if ((test->events != NULL) != (test->fires != NULL)) {
		config_report_error(config, place,
				    "\"events\" and \"fires\" need one another: which records, and what "
				    "they make fire ({}: nothing)");
		return;
	}
	if (test->events != NULL && (test->steps != NULL || only->said || only->wait_ns != 0 || only->expect.given))
		config_report_error(config, place, "a test of events sends nothing and has no \"expect\"");
	if (test->events != NULL || test->steps != NULL)
		return;
	if (only->said || only->wait_ns != 0) {
		config_tests_check(config, only, place);
		test->steps = config_value_zero(config, 1, sizeof(*only));
		if (test->steps != NULL)
			test->steps[test->step_count++] = *only;
		if (only->expect.status != 0)
			config_report_error(config, place, "\"status\" is of a handshake, which has no message");
		return;
	}
	/* A test of the connection itself. */
	if (!only->expect.given)
		config_report_error(config, place,
				    "a test sends something (message, text, hex, steps), or says what becomes of the "
				    "connection (expect)");
	test->expect = only->expect;
}

static void read_test(struct config *config, struct policy_tests *tests, struct policy_test *test, struct fy_node *node,
		      struct config_place place)
{
	struct policy_step only = { .times = 1 };
	struct reading reading = { .tests = tests, .test = test, .step = &only };
	unsigned errors = config->errors;

	place = config_yaml_place(node, place);
	only.line = test->line = line_of(config, place);
	if (!is_written(config, place, "a test", node))
		return;
	config_walk_map(config, node, "a test", config_tests_members, MEMBERS, take_member, &reading);
	if (reading.steps != NULL)
		read_steps(config, &reading);
	if (config->errors == errors)
		check_test(config, &reading, place, &only);
}

static void read_tests(struct config *config, struct policy_tests *tests, struct config_place place,
		       struct fy_node *list)
{
	int count;

	if (!config_yaml_is_list(config, place, "\"tests\"", list))
		return;
	count = fy_node_sequence_item_count(list);
	tests->tests = config_value_zero(config, (size_t)count + 1, sizeof(*tests->tests));
	if (tests->tests == NULL)
		return;
	tests->count = (unsigned)count;
	for (int i = 0; i < count; i++)
		read_test(config, tests, &tests->tests[i], fy_node_sequence_get_by_index(list, i), place);
}

static void take_user(struct config *config, void *user, unsigned index, struct config_place place,
		      struct fy_node *value)
{
	struct reading *reading = user;

	config_tests_word(config, place, index == 0 ? "password" : "role", value,
			  index == 0 ? &reading->user->password : &reading->user->role);
}

static void read_users(struct config *config, struct policy_tests *tests, struct config_place place,
		       struct fy_node *map)
{
	static const char *const names[] = { "password", "role" };
	struct fy_node_pair *pair;
	void *at = NULL;
	int count;

	if (!config_yaml_is_map(config, place, "\"users\"", map))
		return;
	count = fy_node_mapping_item_count(map);
	tests->users = config_value_zero(config, (size_t)count + 1, sizeof(*tests->users));
	while (tests->users != NULL && (pair = fy_node_mapping_iterate(map, &at)) != NULL) {
		struct reading reading = { .user = &tests->users[tests->user_count++] };
		struct config_place key = { .node = fy_node_pair_key(pair) };
		struct fw_slice name;

		if (!config_yaml_key(config, key, key.node, &name) ||
		    !config_yaml_is_map(config, key, "a user", fy_node_pair_value(pair)))
			continue;
		reading.user->name = config_value_text(config, name);
		config_walk_map(config, fy_node_pair_value(pair), "a user", names, 2, take_user, &reading);
		if (reading.user->password == NULL || reading.user->role == NULL)
			config_report_error(config, key, "a user has a password and a role");
	}
}

static void set_clock(struct config *config, struct policy_tests *tests, struct config_place place,
		      struct fy_node *value)
{
	struct fw_slice text;
	char whole[] = "1970-01-01T00:00:00.000000Z";

	if (!config_tests_text(config, place, "clock", value, &text))
		return;
	if (text.size == 20 && text.data[19] == 'Z')
		memcpy(whole, text.data, 19);
	if (text.size != 20 || !decode_rfc3339(whole, &tests->clock_us) || tests->clock_us == 0)
		config_report_error(config, place, "\"clock\" is a moment such as 2026-11-29T12:00:00Z");
}

static void take_top(struct config *config, void *user, unsigned index, struct config_place place,
		     struct fy_node *value)
{
	if (index == 0)
		set_clock(config, user, place, value);
	else if (index == 1)
		read_users(config, user, place, value);
	else
		read_tests(config, user, place, value);
}

static void read_all(struct config *config, struct policy_tests *tests, struct fy_document *document)
{
	static const char *const names[] = { "clock", "users", "tests" };
	struct fy_node *root = document != NULL ? fy_document_root(document) : NULL;
	struct config_place place = { .origin = config->options->name };

	config->root = root;
	if (root != NULL && config_yaml_is_map(config, place, "a file of tests", root))
		config_walk_map(config, root, "a file of tests", names, 3, take_top, tests);
	if (config->errors == 0 && tests->count == 0)
		config_report_error(config, place, "there is no test in it: tests: […]");
}

int policy_tests_load(const char *name, struct fw_slice text, fw_report_function *report, void *user,
		      struct policy_tests *ret_tests)
{
	struct config_options options = { .name = name, .text = text, .report = report, .user = user };
	struct config config = { .options = &options, .text = text, .policy = config_new_policy() };
	struct fy_document *document = NULL;
	int result;

	*ret_tests = (struct policy_tests){ .owner = config.policy };
	if (config.policy == NULL)
		return FW_ERR_MEMORY;
	arena_init(&config.scratch, LIMIT_POLICY_BYTES);
	result = config_yaml_open(&config, &document);
	if (result == FW_OK)
		read_all(&config, ret_tests, document);
	config_report_give(&config);
	config_yaml_close(&config, document);
	arena_fini(&config.scratch);
	if (result == FW_ERR_MEMORY || config.short_of_memory)
		return FW_ERR_MEMORY;
	return config.errors == 0 ? FW_OK : FW_ERR_INVALID;
}

void policy_tests_free(struct policy_tests *tests)
{
	fw_policy_unref(tests->owner);
	*tests = (struct policy_tests){ 0 };
}

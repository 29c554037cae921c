/* Message types of the configuration's own: what is refused, and at which place. */
#include "policy_of.h"

#define OWN(type) "messages:\n  go:\n    permission: any\n" type
#define FIELD(field) OWN("    fields:\n      a: " field "\n")

static void refused(void **state)
{
	(void)state;
	refused_for("messages: {go: {max_bytes: 100}}",
		    "f.yaml:1:12: error: name the \"permission\" that the type asks for, or any");
	refused_for("messages: {go: {fields: {a: {type: text}}}}", "name the \"permission\"");
	refused_for("messages: {go: {when: {certificate: any}}}", "there is no message type \"go\"");
	refused_for("messages: {chat_message: {permission: any}}",
		    "f.yaml:1:27: error: a message of the contract has a permission");
	refused_for("messages: {chat_message: {fields: {text: {max: 5}}}}", "unknown key \"max\" in a field");
	refused_for("messages: {auth: {permission: any}}", "a message of the contract");
	refused_for("validation: {builtin_messages: false}\nmessages: {auth: {permission: any}}",
		    "a message of the contract");
	refused_for("validation: {builtin_messages: false}\nmessages: {delete_task: {when: {certificate: any}}}",
		    "there is no message type \"delete_task\"");
	refused_for("messages: {\"a\\\"b\": {permission: any}}", "none of them a quote");
	refused_for("messages: {go: {permission: any, max_byte: 5}}",
		    "unknown key \"max_byte\" in a message type; did you mean \"max_bytes\"?");
	refused_for("messages: {go: {permission: any, max_bytes: 5}}", "f.yaml:1:45: error: ");
	refused_for("messages: {go: {permission: any, role: nobody}}", "there is no role \"nobody\"");
	refused_for("messages: {go: {permission: any, csrf: 1}}", "is true or false");
	refused_for("messages: {go: {permission: any, fields: [a]}}", "\"fields\"");
	refused_for("validation: {schema_documents: {name: a.json}}", "\"name\" is no URI of a schema");
	refused_for("validation: {schema_documents: {\"https://example.com/a#b\": a.json}}", "is no URI of a schema");
	refused_for("validation: {schema_documents: {\"https://example.com/a\": a.json}}", "no files are read here");
	refused_for("validation: {schema_documents: [a]}", "\"schema_documents\"");
	refused_for("messages: {go: {permission: any, schema: {\"$ref\": \"https://example.com/a\"}}}",
		    "f.yaml:1:52: error: the schema at \"/$ref\"");
	refused_for("messages: {go: {direction: server}}", "name the \"permission\"");
	refused_for("messages: {go: {permission: any, direction: out}}", "f.yaml:1:45: error: \"out\" is no direction");
	refused_for("messages: {go: {permission: any, direction: server, csrf: true}}", "a server sends no token");
	refused_for("messages: {go: {permission: any, direction: server, when: {certificate: any}}}",
		    "only messages of clients have conditions and rates");
	refused_for("messages: {go: {permission: any, direction: server, messages_per_minute: 5}}",
		    "only messages of clients have conditions and rates");
	refused_for("messages: {go: {permission: any, direction: server, fields: {a: {set: [admin]}}}}",
		    "clients do not send this type");
	refused_for("messages: {go: {permission: any, direction: server, fields: {a: {tipe: text}}}}",
		    "unknown key \"tipe\" in a field");
	refused_for("messages: {go: {permission: any, receive: {permission: any}}}",
		    "f.yaml:1:34: error: \"receive\" is for types of \"direction: both\"");
	refused_for("messages: {go: {permission: any, direction: both, receive: {role: admin}}}",
		    "name the \"permission\" that who receives it needs");
	refused_for("messages: {go: {permission: any, direction: both, receive: {permission: any, csrf: true}}}",
		    "unknown key \"csrf\" in \"receive\"");
	refused_for("messages: {go: {permission: any, direction: both, receive: {permission: any, max_bytes: 1}}}",
		    "max_bytes");
	refused_for("messages: {go: {permission: any, direction: both, receive: {permission: any, fields: {a: {see: "
		    "[admin]}}}}}",
		    "who may see a field is said in the \"fields\" of the type");
	refused_for("messages: {pong: {permission: any, direction: server}}", "servers send this type by the contract");
	refused_for("messages: {chat_message: {permission: any, direction: server}}", "a message of the contract");
	refused_for("routes: [{path: /a, upstream: \"ws://h:1\", outbound: {unknown_types: mask}}]",
		    "f.yaml:1:69: error: \"mask\" is nothing that is done with such a message");
	refused_for("routes: [{path: /a, upstream: \"ws://h:1\", outbound: {invalid: 1}}]",
		    "there are pass, flag and stop");
	refused_for("routes: [{path: /a, upstream: \"ws://h:1\", opaque: true, outbound: {unknown_types: stop}}]",
		    "an opaque route knows no types");
	refused_for("routes: [{path: /a, upstream: \"ws://h:1\", inbound: {unknown_types: stop}}]",
		    "unknown key \"unknown_types\"");
	refused_for(FIELD("text"), "a field");
	refused_for(FIELD("{type: string}"), "there is no type of field \"string\"");
	refused_for(FIELD("{type: integr}"), "did you mean \"integer\"?");
	refused_for(FIELD("{class: xss}"), "there is no class \"xss\"");
	refused_for(FIELD("{type: integer, class: id}"), "f.yaml:5:26: error: \"class\" is for fields of type text");
	refused_for(FIELD("{type: boolean, min: 1}"), "\"min\" is for fields of type text, integer, number and array");
	refused_for(FIELD("{type: integer, values: [a]}"), "\"values\" is for fields of type text");
	refused_for(FIELD("{values: []}"), "lists nothing");
	refused_for(FIELD("{values: [a], class: id}"), "a class says nothing beside it");
	refused_for(FIELD("{min: 5, max: 4}"), "\"min\" is above \"max\"");
	refused_for(FIELD("{min: -1}"), "f.yaml:5:16: error: ");
	refused_for(FIELD("{type: integer, max: 9007199254740992}"), "error: ");
	refused_for(FIELD("{type: array}"), "an array needs its \"items\"");
	refused_for(FIELD("{type: object}"), "an object needs its \"fields\"");
	refused_for(FIELD("{items: {}}"), "\"items\" is for fields of type array");
	refused_for(FIELD("{type: array, items: {class: html}}"), "only fields of the message itself are HTML");
	refused_for(FIELD("{type: object, fields: {b: {set: [admin]}}}"), "by its path");
	refused_for(FIELD("{}\n      a.b: {type: text}"), "not behind a dot");
	refused_for(FIELD("{}\n      b.c: {set: [admin]}"), "the type has no field \"b\"");
	refused_for(FIELD("{}\n      a: {}"), "f.yaml:6:7: error: ");
	refused_for("messages:\n  go: {permission: any}\n  go: {permission: any}",
		    "f.yaml:3:3: error: \"go\" is given a second time; first in line 2");
	refused_for("messages: {chat_message: {fields: {text: {set: [admin]}, text: {set: [user]}}}}",
		    "\"text\" is given a second time");
	refused_for("routes: [{path: /a, upstream: \"ws://h:1\", dialect: json-rpc, types: {a: any, a: chat.send}}]",
		    "\"a\" is given a second time");
	refused_for("routes: [{path: /a, upstream: \"ws://h:1\", discriminator: op}]",
		    "is no JSON Pointer to the type");
	refused_for("routes: [{path: /a, upstream: \"ws://h:1\", discriminator: /a~2}]",
		    "is no JSON Pointer to the type");
	refused_for("routes: [{path: /a, discriminator: /op}]", "needs an upstream");
	refused_for("routes: [{path: /a, upstream: \"ws://h:1\", discriminator: none}]", "all are of one: name it");
	refused_for("routes: [{path: /a, upstream: \"ws://h:1\", types: {\"a*\": any}}]", "is for dialects");
	refused_for("routes: [{path: /a, types: {a: any}}]", "needs an upstream");
	refused_for("routes: [{path: /a, upstream: \"ws://h:1\", outbound: {type: no}}]", "no type of that name");
	refused_for("routes: [{path: /a, upstream: \"ws://h:1\", opaque: true, types: {a: any}}]", "knows no types");
	refused_for("routes: [{path: \"/a{b}\", upstream: \"ws://h:1\"}]", "has braces that name no segment");
	refused_for("routes: [{path: \"/{}\", upstream: \"ws://h:1\"}]", "has braces that name no segment");
	refused_for("routes: [{path: \"/{a}b\", upstream: \"ws://h:1\"}]", "has braces that name no segment");
	refused_for("routes: [{path: \"/{a\", upstream: \"ws://h:1\"}]", "has braces that name no segment");
	refused_for("routes: [{path: /a, upstream: \"ws://h:1\", opaque: true, discriminator: /op}]",
		    "is for plain JSON");
	refused_for("routes: [{path: /a, upstream: \"ws://h:1\", dialect: json-rpc, discriminator: /op}]",
		    "is for plain JSON");
}

/* What is read in two places is said once. */
static void said_once(void **state)
{
	(void)state;
	refused_with("messages: {go: {permission: any, max_byte: 5}}\n",
		     "f.yaml:1:34: error: unknown key \"max_byte\" in a message type; did you mean \"max_bytes\"?\n"
		     "messages: {go: {permission: any, max_byte: 5}}\n"
		     "                                 ^\n");
	refused_with("messages: {go: {permission: any, fields: {a: {typ: text, set: [admin]}}}}\n",
		     "f.yaml:1:47: error: unknown key \"typ\" in a field; did you mean \"type\"?\n"
		     "messages: {go: {permission: any, fields: {a: {typ: text, set: [admin]}}}}\n"
		     "                                              ^\n");
	refused_with(
		"messages: {go: {permission: any, schema: {}, fields: {a: {typ: text}}}}\n",
		"f.yaml:1:55: warning: nothing is said of this field; say who may set it, or who may see it: set, see\n"
		"messages: {go: {permission: any, schema: {}, fields: {a: {typ: text}}}}\n"
		"                                                      ^\n"
		"f.yaml:1:59: error: unknown key \"typ\" in a field; did you mean \"type\"?\n"
		"messages: {go: {permission: any, schema: {}, fields: {a: {typ: text}}}}\n"
		"                                                          ^\n");
}

static const struct policy_message *message_of(const struct fw_policy *policy, const char *name)
{
	uint16_t number = policy_message_find(policy, slice_text(name));

	assert_int_not_equal(number, POLICY_NONE);
	return &policy->messages[number];
}

static void overlays(void **state)
{
	static const char file[] = "messages:\n"
				   "  go: {permission: any, max_bytes: 100, fields: {a: {}, b: {set: [admin]}}}\n"
				   "environment: staging\n"
				   "environment_overrides:\n"
				   "  staging: {messages: {go: %s}}\n";
	struct fw_policy *policy;
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), file, "{permission: chat.send, fields: {c: {}}}");
	policy = policy_of(text);
	assert_int_equal(message_of(policy, "go")->field_count, 1);
	assert_int_not_equal(message_of(policy, "go")->permission, POLICY_NONE);
	assert_int_not_equal(message_of(policy, "go")->max_bytes, 100);
	fw_policy_unref(policy);
	snprintf(text, sizeof(text), file, "{when: {network: [10.0.0.0/8]}}");
	policy = policy_of(text);
	assert_int_equal(message_of(policy, "go")->field_count, 2);
	assert_non_null(message_of(policy, "go")->when);
	fw_policy_unref(policy);
	snprintf(text, sizeof(text), file, "{max_bytes: 200}");
	refused_for(text, "an overlay that defines a type anew says all of it");
}

/* 512 types, of 63 fields, 8 deep; one more of each is refused. */
static void many(void **state)
{
	static char text[1 << 16];
	size_t size;
	struct fw_policy *policy;

	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		size = (size_t)snprintf(text, sizeof(text), "messages:\n");
		for (unsigned i = 0; i < LIMIT_OWN_TYPES + more; i++)
			size += (size_t)snprintf(text + size, sizeof(text) - size, "  t%u: {permission: any}\n", i);
		if (more) {
			refused_for(text, "there are more than 512 message types");
			continue;
		}
		policy = policy_of(text);
		for (unsigned i = 0; i < LIMIT_OWN_TYPES; i++) {
			char name[16];

			snprintf(name, sizeof(name), "t%u", i);
			assert_string_equal(message_of(policy, name)->name, name);
		}
		fw_policy_unref(policy);
	}
	for (unsigned more = 0; more < 2; more++) {
		size = (size_t)snprintf(text, sizeof(text),
					"messages:\n  go:\n    permission: any\n    csrf: true\n    fields:\n");
		for (unsigned i = 0; i < LIMIT_FIELDS - 1 + more; i++)
			size += (size_t)snprintf(text + size, sizeof(text) - size, "      f%u: {required: true}\n", i);
		if (more) {
			refused_for(text, "there are more than 63 fields");
			continue;
		}
		policy = policy_of(text);
		assert_int_equal(message_of(policy, "go")->field_count, LIMIT_FIELDS);
		fw_policy_unref(policy);
	}
	policy = policy_of(FIELD(
		"{type: array, items: {type: array, items: {type: array, items: {type: array, items: {type: array, "
		"items: {type: array, items: {type: array, items: {type: text}}}}}}}}"));
	fw_policy_unref(policy);
	refused_for(FIELD("{type: array, items: {type: array, items: {type: array, items: {type: array, items: {type: "
			  "array, "
			  "items: {type: array, items: {type: array, items: {type: array, items: {}}}}}}}}}"),
		    "nested more than 8 deep");
}

/* The n-th allocation fails, for each n: no policy, or one that is whole. */
static void short_of_memory(void **state)
{
	static const char text[] =
		FIELD("{type: array, items: {type: object, fields: {b: {values: [x]}}}, set: [admin]}\n    csrf: true");
	struct fw_policy *policy;

	(void)state;
	for (uint64_t n = 1; n < 100000; n++) {
		int result;

		mem_fail_at(n);
		result = load_result(text, &policy);
		mem_fail_at(0);
		if (result == FW_OK)
			break;
		assert_int_equal(result, FW_ERR_MEMORY);
		assert_null(policy);
	}
	assert_int_equal(message_of(policy, "go")->field_count, 2);
	fw_policy_unref(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(refused), cmocka_unit_test(said_once),
					    cmocka_unit_test(overlays), cmocka_unit_test(many),
					    cmocka_unit_test(short_of_memory) };

	return cmocka_run_group_tests_name("config_define", tests, NULL, NULL);
}

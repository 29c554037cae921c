/* validation.allowed_html_attributes: what is read, what is refused, how layers and defaults go together. */
#include "policy_of.h"

#include "policy/html_attribute.h"

/* "a: href title, b: class" */
static const char *attributes_of(const char *yaml)
{
	static char text[1024];
	struct fw_policy *policy = policy_of(yaml);

	text[0] = '\0';
	for (unsigned i = 0; i < policy->html_attribute_count; i++) {
		const struct policy_html_attribute *attribute = &policy->html_attributes[i];
		bool first = i == 0 || strcmp(policy->html_attributes[i - 1].tag, attribute->tag) != 0;

		sprintf(text + strlen(text), "%s%s%s %s", first && i != 0 ? ", " : "", first ? attribute->tag : "",
			first ? ":" : "", attribute->name);
	}
	fw_policy_unref(policy);
	return text;
}

#define SECTION "validation: {allowed_html_attributes: "

static void layers(void **state)
{
	(void)state;
	assert_string_equal(attributes_of(""), "a: href title, span: class, div: class, code: class, pre: class");
	assert_string_equal(attributes_of(SECTION "{}}"), "");
	assert_string_equal(attributes_of(SECTION "{b: []}}"), "");
	assert_string_equal(attributes_of(SECTION "{b: [title, lang], ol: [start]}}"), "b: title lang, ol: start");
	assert_string_equal(attributes_of("environment: testing\n" SECTION "{b: [title], ol: [start]}}\n"
					  "environment_overrides: {testing: {" SECTION "{b: [lang]}}}}"),
			    "ol: start, b: lang");
	assert_string_equal(attributes_of("environment: testing\n"
					  "environment_overrides: {testing: {" SECTION "{b: [lang]}}}}"),
			    "b: lang");
	assert_string_equal(attributes_of(SECTION "{b: [lang]}}\nenvironment_overrides: {testing: {" SECTION "{}}}}"),
			    "b: lang");
}

static void refused(void **state)
{
	(void)state;
	refused_with(SECTION "{b: [titel]}}",
		     "f.yaml:1:44: error: \"titel\" is not an attribute that can stay at <b>; did you mean "
		     "\"title\"?\n" SECTION "{b: [titel]}}\n                                           ^\n");
	refused_for(SECTION "{b: [href]}}", "\"href\" is not an attribute that can stay at <b>\n");
	refused_for(SECTION "{a: [onclick]}}", "\"onclick\" is not an attribute that can stay at <a>\n");
	refused_for(SECTION "{a: [style]}}", "\"style\" is not an attribute");
	refused_for(SECTION "{a: [HREF]}}", "\"HREF\" is not an attribute");
	refused_for(SECTION "{b: [lang, lang]}}", "\"lang\" is listed a second time");
	refused_for(SECTION "{script: [title]}}", "\"script\" is a tag that cannot be made safe");
	refused_for(SECTION "{B: [title]}}", "\"B\" is not a tag name");
	refused_for(SECTION "{b: title}}", "is a list, not a single value");
	refused_for(SECTION "[b]}", "is a mapping (\"key: value\" lines), not a list");
	refused_for("environment_overrides: {testing: {" SECTION "{b: [style]}}}}", "\"style\" is not an attribute");
}

static void warned(void **state)
{
	(void)state;
	fw_policy_unref(policy_of(SECTION "{b: [lang], h1: [lang]}}"));
	assert_non_null(strstr(reported, "f.yaml:1:51: warning: attributes of <h1> have no effect: the tag is not in "
					 "\"validation.allowed_html_tags\"\n"));
	assert_null(strstr(reported, "<b>"));
}

/* What the table lets stay by default is what it lets be configured. */
static void defaults(void **state)
{
	unsigned count;
	const struct policy_html_attribute *list = html_attribute_defaults(&count);

	(void)state;
	assert_true(count > 0 && count <= LIMIT_HTML_ATTRIBUTES);
	for (unsigned i = 0; i < count; i++) {
		uint8_t value = 99;
		bool known;

		assert_string_equal(
			html_attribute_find(slice_text(list[i].name), slice_text(list[i].tag), &value, &known),
			list[i].name);
		assert_int_equal(value, list[i].value);
	}
}

static void at_most(void **state)
{
	static const char *const tags[] = { "a",  "b",	"i",  "u",	"p",	"em", "ol",
					    "ul", "li", "br", "strong", "code", "pre" };
	char yaml[2048] = SECTION "{";
	unsigned count = 0;
	struct fw_policy *policy;

	(void)state;
	for (unsigned i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		sprintf(yaml + strlen(yaml), "%s: [title, class, lang, dir%s], ", tags[i],
			strcmp(tags[i], "a") == 0 ? ", href" : "");
		count += strcmp(tags[i], "a") == 0 ? 5 : 4;
	}
	sprintf(yaml + strlen(yaml), "div: [title, class, lang, dir], span: [title, class, lang]");
	count += 7;
	assert_int_equal(count, 60);
	strcat(yaml, ", h1: [title, class, lang, dir]}}");
	policy = policy_of(yaml);
	assert_int_equal(policy->html_attribute_count, LIMIT_HTML_ATTRIBUTES);
	fw_policy_unref(policy);
	strcpy(strstr(yaml, "}}"), ", h2: [lang]}}");
	refused_for(yaml, "there are more than 64 attributes");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(layers), cmocka_unit_test(refused),
					    cmocka_unit_test(warned), cmocka_unit_test(defaults),
					    cmocka_unit_test(at_most) };

	return cmocka_run_group_tests_name("config html", tests, NULL, NULL);
}

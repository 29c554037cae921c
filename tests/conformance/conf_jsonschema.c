/* JSON Schema against json-schema-org/JSON-Schema-Test-Suite: both drafts, every test that is required must pass; of
 * the optional ones as many as are written down here, no fewer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "schema/jsonschema.h"
#include "vectors.h"

enum { DOCUMENTS_MOST = 128, STEPS = 1000000 };
static char root[4096];
static struct jsonschema_document documents[DOCUMENTS_MOST];
static size_t document_count;

struct tally {
	unsigned passed, failed, refused; /* refused: schemas that are not compiled */
	unsigned hostnames;		  /* of failed: what only tables of IDNA could tell */
	bool told;
};

/* remotes/ is what the suite serves at http://localhost:1234. */
static void read_remotes(const char *folder, const char *below)
{
	struct dirent **entries;
	int count = vectors_list(folder, &entries);

	for (int i = 0; i < count; i++) {
		char path[4400], uri[512], *text;
		size_t size;

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		snprintf(uri, sizeof(uri), "%s%s", below, entries[i]->d_name);
		if (strstr(entries[i]->d_name, ".json") == NULL) {
			strcat(uri, "/");
			read_remotes(path, uri);
			continue;
		}
		text = vectors_read(path, &size);
		assert_non_null(text);
		assert_true(document_count < DOCUMENTS_MOST);
		documents[document_count++] =
			(struct jsonschema_document){ slice_text(strdup(uri)), slice(text, size) };
	}
	vectors_list_free(entries, count);
}

static uint32_t member(const struct json *json, uint32_t object, const char *name)
{
	return json_member(json, object, name, strlen(name));
}

static void run_group(const struct json *json, uint32_t group, const struct jsonschema_options *options,
		      const char *where, struct tally *tally)
{
	uint32_t tests = member(json, group, "tests");
	struct jsonschema_error error;
	struct jsonschema *schema = jsonschema_compile(json_raw(json, member(json, group, "schema")), options, &error);
	struct fw_slice said = json_raw(json, member(json, group, "description"));

	if (schema == NULL) {
		if (tally->told)
			print_message("# %s: %.*s: not compiled: %s: %s\n", where, (int)said.size, said.data,
				      error.pointer, error.what);
		tally->refused += json->nodes[tests].count;
		return;
	}
	for (uint32_t test = tests + 1; test < json->nodes[tests].next; test = json->nodes[test].next) {
		struct arena arena;
		struct jsonschema_problems problems = { 0 };
		bool valid = json->nodes[member(json, test, "valid")].kind == JSON_TRUE;
		uint32_t data = member(json, test, "data");
		enum jsonschema_result result, brief;

		arena_init(&arena, (size_t)1 << 22);
		result = jsonschema_check(schema, json, data, &arena, STEPS, &problems);
		brief = jsonschema_check(schema, json, data, &arena, STEPS, NULL);
		if (result != brief || (problems.total != 0) != (result == JSONSCHEMA_INVALID) ||
		    result != (valid ? JSONSCHEMA_VALID : JSONSCHEMA_INVALID)) {
			struct fw_slice case_name = json_raw(json, member(json, test, "description"));

			if (tally->told && strstr(where, "hostname") == NULL)
				print_message("# %s: %.*s: %.*s: %d, in brief %d (%s %s)\n", where, (int)said.size,
					      said.data, (int)case_name.size, case_name.data, result, brief,
					      problems.count != 0 ? problems.list[0].instance : "",
					      problems.count != 0 ? problems.list[0].keyword : "");
			tally->failed++;
			tally->hostnames += strstr(where, "hostname") != NULL && result == brief;
		} else {
			tally->passed++;
		}
		arena_fini(&arena);
	}
	jsonschema_free(schema);
}

static void run_folder(const char *below, bool formats, struct tally *tally)
{
	char folder[4200];
	struct dirent **entries;
	int count;
	struct jsonschema_options options = {
		.documents = documents,
		.document_count = document_count,
		.draft = strstr(below, "draft7") != NULL ? JSONSCHEMA_7 : JSONSCHEMA_2020_12,
		.formats = formats,
	};

	snprintf(folder, sizeof(folder), "%s/tests/%s", root, below);
	count = vectors_list(folder, &entries);
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		char path[4600], *text;
		struct arena arena;
		struct json json;
		size_t size;

		if (strstr(entries[i]->d_name, ".json") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		text = vectors_read(path, &size);
		arena_init(&arena, (size_t)64 << 20);
		assert_int_equal(json_parse(&arena, slice(text, size), 0, &json, NULL), JSON_OK);
		for (uint32_t group = 1; group < json.nodes[0].next; group = json.nodes[group].next)
			run_group(&json, group, &options, entries[i]->d_name, tally);
		arena_fini(&arena);
		free(text);
	}
	vectors_list_free(entries, count);
}

static void tell(const char *below, const struct tally *tally)
{
	print_message("# %s: %u passed, %u failed, %u of schemas that are not compiled\n", below, tally->passed,
		      tally->failed, tally->refused);
}

static void all_pass(const char *below, unsigned least)
{
	struct tally tally = { .told = true };

	run_folder(below, false, &tally);
	tell(below, &tally);
	assert_int_equal(tally.failed + tally.refused, 0);
	assert_true(tally.passed >= least);
}

static void required_2020_12(void **state)
{
	(void)state;
	all_pass("draft2020-12", 1200);
}

static void required_7(void **state)
{
	(void)state;
	all_pass("draft7", 900);
}

/* What is not understood: the drafts before 7 and between the two. "content…" says something and asserts nothing. */
static void optional(void **state)
{
	static const struct {
		const char *below;
		unsigned refused, failed;
	} folders[] = { { "draft2020-12/optional", 1, 0 }, { "draft7/optional", 2, 4 } };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct tally tally = { .told = true };

		run_folder(folders[i].below, false, &tally);
		tell(folders[i].below, &tally);
		assert_true(tally.passed > 50);
		assert_int_equal(tally.failed, folders[i].failed);
		assert_int_equal(tally.refused, folders[i].refused);
	}
}

/* Every format but names of hosts in other letters: "idn-hostname" is not judged, and of A-labels only their letters.
 */
static void formats(void **state)
{
	static const struct {
		const char *below;
		unsigned hostnames;
	} folders[] = { { "draft2020-12/optional/format", 77 }, { "draft7/optional/format", 77 } };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct tally tally = { .told = true };

		run_folder(folders[i].below, true, &tally);
		tell(folders[i].below, &tally);
		assert_true(tally.passed > 500);
		assert_int_equal(tally.failed + tally.refused, tally.hostnames);
		assert_int_equal(tally.hostnames, folders[i].hostnames);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(required_2020_12),
		cmocka_unit_test(required_7),
		cmocka_unit_test(optional),
		cmocka_unit_test(formats),
	};
	char remotes[4200];
	struct dirent **entries;
	int count;

	vectors_path(root, "vectors/json-schema");
	snprintf(remotes, sizeof(remotes), "%s/tests/draft7", root);
	count = vectors_list(remotes, &entries);
	if (count == 0)
		return vectors_absent(root);
	vectors_list_free(entries, count);
	snprintf(remotes, sizeof(remotes), "%s/remotes", root);
	read_remotes(remotes, "http://localhost:1234/");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

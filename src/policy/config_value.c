#include "policy/config_build.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"

const char *config_value_text(struct config *config, struct fw_slice text)
{
	size_t room;
	char *copy = size_add(text.size, 1, &room) ? arena_alloc(&config->policy->arena, room) : NULL;

	if (copy == NULL) {
		config->short_of_memory = true;
		return NULL;
	}
	if (text.size != 0)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	return copy;
}

void *config_value_zero(struct config *config, size_t count, size_t size)
{
	size_t room;
	void *memory = size_mul(count, size, &room) ? arena_alloc(&config->policy->arena, room) : NULL;

	if (memory == NULL) {
		config->short_of_memory = true;
		return NULL;
	}
	return memset(memory, 0, room);
}

bool config_value_visible(struct config *config, struct config_place place, const char *what, struct fw_slice text)
{
	/* Behind a NUL nothing would be read. */
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
			config_report_error(config, place, "%s has the control character 0x%02x", what, c);
			return false;
		}
	}
	return true;
}

bool config_value_boolean(struct config *config, struct config_place place, const char *path, struct fw_slice text,
			  bool *ret_value)
{
	char shown[64];

	if (slice_is_nocase(text, "true") || slice_is_nocase(text, "false")) {
		*ret_value = slice_is_nocase(text, "true");
		return true;
	}
	config_report_error(config, place, "\"%s\" is true or false, not \"%s\"", path,
			    config_report_quote(config, text, shown));
	return false;
}

static bool read_integer(struct fw_slice text, int64_t *ret_value, bool *ret_huge)
{
	size_t i = text.size != 0 && text.data[0] == '-';

	*ret_value = 0;
	*ret_huge = false;
	/* 010 is eight to some readers and ten to others: not a number here. */
	if (i == text.size || (text.data[i] == '0' && text.size != i + 1))
		return false;
	for (; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		if (__builtin_mul_overflow(*ret_value, 10, ret_value) ||
		    __builtin_add_overflow(*ret_value, text.data[i] - '0', ret_value))
			*ret_huge = true;
	}
	if (text.data[0] == '-')
		*ret_value = -*ret_value;
	return true;
}

bool config_value_integer(struct config *config, struct config_place place, const char *path, struct fw_slice text,
			  int64_t min, int64_t max, const char *unit, int64_t *ret_value)
{
	const char *blank = *unit != '\0' ? " " : "";
	char shown[64];
	int64_t value;
	bool huge;

	config_report_quote(config, text, shown);
	if (!read_integer(text, &value, &huge)) {
		config_report_error(config, place, "\"%s\" is a whole number from %lld to %lld%s%s, not \"%s\"", path,
				    (long long)min, (long long)max, blank, unit, shown);
		return false;
	}
	if (huge || value < min || value > max) {
		config_report_error(config, place, "\"%s\" must be from %lld to %lld%s%s, not %s", path, (long long)min,
				    (long long)max, blank, unit, shown);
		return false;
	}
	*ret_value = value;
	return true;
}

static bool add_item(struct config *config, struct config_place place, const char *path, struct fy_node *node,
		     config_check *check, const char **ret_item)
{
	enum config_kind kind = config_yaml_kind(config, place, node);
	struct fw_slice text;

	place = config_yaml_place(node, place);
	if (kind == CONFIG_BAD)
		return false;
	if (kind != CONFIG_SCALAR) {
		config_report_error(config, place, "each entry of \"%s\" is a single value", path);
		return false;
	}
	if (!config_yaml_is_text(config, place, path, node, &text) ||
	    (check != NULL && !check(config, place, path, text)))
		return false;
	*ret_item = config_value_text(config, text);
	return *ret_item != NULL;
}

bool config_value_texts(struct config *config, struct config_place place, const char *path, struct fy_node *node,
			config_check *check, struct texts *ret_texts)
{
	struct fy_node *item;
	const char **items;
	char what[96];
	size_t count = 0;
	void *at = NULL;
	bool good = true;

	snprintf(what, sizeof(what), "\"%s\"", path);
	if (!config_yaml_is_list(config, place, what, node))
		return false;
	items = config_value_zero(config, (size_t)fy_node_sequence_item_count(node), sizeof(*items));
	if (items == NULL)
		return false;
	while ((item = fy_node_sequence_iterate(node, &at)) != NULL) {
		if (add_item(config, place, path, item, check, &items[count]))
			count++;
		else
			good = false;
	}
	*ret_texts = (struct texts){ items, count };
	return good;
}

const char *config_value_beside(struct config *config, struct fw_slice path)
{
	const char *name = config->options->name, *slash = path.data[0] != '/' ? strrchr(name, '/') : NULL;
	size_t folder = slash != NULL ? (size_t)(slash - name) + 1 : 0, room;
	char *whole;

	if (!size_add(path.size, folder, &room))
		return NULL;
	whole = config_value_zero(config, room + 1, 1);
	if (whole == NULL)
		return NULL;
	if (folder != 0)
		memcpy(whole, name, folder);
	memcpy(whole + folder, path.data, path.size);
	return whole;
}

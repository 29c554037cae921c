#include "shell/keeper_needs.h"

#include <string.h>

#include "base/mem.h"

struct list {
	char ***items;
	size_t *count;
	bool failed;
};

static void add(struct list *list, const char *path)
{
	char **more, *copy;

	if (path == NULL || path[0] == '\0' || list->failed)
		return;
	copy = mem_text(path, strlen(path));
	more = copy != NULL ? mem_resize(*list->items, (*list->count + 1) * sizeof(*more)) : NULL;
	if (more == NULL) {
		mem_free(copy);
		list->failed = true;
		return;
	}
	*list->items = more;
	more[(*list->count)++] = copy;
}

static void add_receivers(const struct fw_policy *policy, struct list *reads, struct list *writes)
{
	for (size_t i = 0; i < policy->receiver_count; i++) {
		const struct receiver *receiver = &policy->receivers[i];

		add(reads, receiver->ca_file);
		add(reads, receiver->certificate);
		add(reads, receiver->key);
		add(writes, receiver->dead_letters);
		if (receiver->kind == RECEIVER_FILE)
			add(writes, receiver->path);
	}
}

static void add_threats(const struct fw_policy *policy, struct list *reads)
{
	for (size_t i = 0; i < policy->threat_list_count; i++) {
		add(reads, policy->threat_lists[i].path);
		add(reads, policy->threat_lists[i].ca_file);
	}
}

static bool has_program(const struct fw_policy *policy)
{
	for (size_t i = 0; i < policy->receiver_count; i++)
		if (policy->receivers[i].kind == RECEIVER_PROGRAM)
			return true;
	return false;
}

bool keeper_needs_add_keys(struct keeper_needs *needs, const struct fw_policy *policy)
{
	const struct settings *settings = &policy->settings;
	struct list reads = { &needs->reads, &needs->read_count, false };

	add(&reads, settings->encryption_key_file);
	add(&reads, settings->encryption_passphrase_file);
	add(&reads, settings->previous_key_file);
	add(&reads, settings->previous_passphrase_file);
	if (settings->encryption_key_command.count != 0 || settings->previous_key_command.count != 0)
		needs->programs = true;
	return !reads.failed;
}

bool keeper_needs_of(const struct fw_policy *policy, const struct fw_policy *started, const char *data_directory,
		     struct keeper_needs *ret_needs)
{
	struct list reads = { &ret_needs->reads, &ret_needs->read_count, false };
	const char *folder = started->settings.log_directory, *copy = started->settings.checkpoint_copy;
	struct list writes = { &ret_needs->writes, &ret_needs->write_count, false };

	*ret_needs = (struct keeper_needs){ .data = mem_text(data_directory, strlen(data_directory)),
					    .programs = has_program(policy) };
	if (folder[0] != '\0' && (ret_needs->record = mem_text(folder, strlen(folder))) == NULL)
		reads.failed = true;
	if (copy[0] != '\0' && (ret_needs->copy = mem_text(copy, strlen(copy))) == NULL)
		writes.failed = true;
	add(&writes, started->settings.capture_file);
	add(&reads, policy->settings.password_breached);
	for (size_t i = 0; i < policy->issuer_count; i++)
		add(&reads, policy->issuers[i].provider.ca_file);
	add_receivers(policy, &reads, &writes);
	add_threats(policy, &reads);
	return ret_needs->data != NULL && !reads.failed && !writes.failed && keeper_needs_add_keys(ret_needs, policy);
}

static void free_list(char **items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mem_free(items[i]);
	mem_free(items);
}

void keeper_needs_free(struct keeper_needs *needs)
{
	mem_free(needs->data);
	mem_free(needs->record);
	mem_free(needs->copy);
	free_list(needs->reads, needs->read_count);
	free_list(needs->writes, needs->write_count);
	*needs = (struct keeper_needs){ 0 };
}

static bool has(char *const *items, size_t count, char *const *others, size_t other_count)
{
	for (size_t i = 0; i < other_count; i++) {
		size_t at = 0;

		while (at < count && strcmp(items[at], others[i]) != 0)
			at++;
		if (at == count)
			return false;
	}
	return true;
}

bool keeper_needs_covers(const struct keeper_needs *needs, const struct keeper_needs *others)
{
	return (needs->programs || !others->programs) &&
	       has(needs->reads, needs->read_count, others->reads, others->read_count) &&
	       has(needs->writes, needs->write_count, others->writes, others->write_count);
}

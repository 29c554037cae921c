#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"
#include "shell/store_keys.h"

enum { SLICE = 512, SLICES_MOST = 1 << 20, PAUSE_MS = 2 };

static char text[DATABASE_ERROR + 64];

static void record(struct keeper *keeper, const char *change)
{
	struct fw_record written = { .type = EVENT_system_changes,
				     .level = keeper->options.policy->event_levels[EVENT_system_changes] };

	written.details[written.detail_count++] = (struct fw_detail){ .key = "change", .text = slice_text(change) };
	keeper_record(keeper, &written);
}

static bool is_current(void *user, const struct vault_source *source)
{
	return database_is_current(user, source);
}

/* The configuration may name another source since the key was put in place: until all is sealed with that, the file is
 * the only one that has it. */
static void settle(struct keeper *keeper)
{
	const char *directory = keeper->options.data_directory;

	store_keys_settle(keeper->options.policy, directory,
			  store_keys_own_is(directory, is_current, keeper->database));
}

/* False: there is nothing more to do. */
static bool reseal_slice(struct keeper *keeper)
{
	char failed[DATABASE_ERROR];
	bool done;

	if (!database_reseal(keeper->database, SLICE, &done, failed)) {
		log_warn(keeper->options.log, admin, "fields of framewall.db keep their old key: %s", failed);
		keeper->reseal_failed = true;
		return false;
	}
	if (!done)
		return true;
	settle(keeper);
	record(keeper, "database sealed with a new key");
	return false;
}

static void on_reseal(uv_timer_t *timer)
{
	struct keeper *keeper = timer->data;

	if (reseal_slice(keeper))
		uv_timer_start(&keeper->reseal, on_reseal, PAUSE_MS, 0);
}

bool keeper_vault_reseals(const struct keeper *keeper)
{
	return keeper->has_reseal && uv_is_active((const uv_handle_t *)&keeper->reseal) != 0;
}

/* Is more than one key in use? */
static bool is_due(struct keeper *keeper)
{
	struct database_key keys[DATABASE_KEYS];
	char failed[DATABASE_ERROR];
	unsigned count;
	uint64_t stale;

	return database_keys(keeper->database, keys, &count, &stale, failed) && count > 1;
}

static void begin(struct keeper *keeper)
{
	unsigned slices = 0;

	keeper->reseal_failed = false;
	if (keeper->figures.gate != NULL)
		uv_timer_start(&keeper->reseal, on_reseal, PAUSE_MS, 0);
	else
		while (slices++ < SLICES_MOST && reseal_slice(keeper))
			;
}

static const char *open_with(struct keeper *keeper, const struct fw_policy *policy)
{
	const struct keeper_options *options = &keeper->options;
	struct vault_options *keys = mem_zero(1, sizeof(*keys));
	const char *failed;

	if (keys == NULL)
		return "cannot start the keeper: memory is short";
	failed = store_keys_read(policy, options->data_directory, &options->random, clock_wall_us(), keys);
	if (failed == NULL)
		failed = keeper_files_database(options->data_directory, keys, options->store, &keeper->database);
	vault_forget(keys);
	mem_free(keys);
	return failed;
}

const char *keeper_vault_start(struct keeper *keeper)
{
	const struct keeper_options *options = &keeper->options;
	const char *failed = open_with(keeper, options->policy);

	for (unsigned i = 0; failed != NULL && i < options->sealed_count; i++)
		if (open_with(keeper, options->sealed[i]) == NULL)
			failed = NULL;
	if (failed != NULL)
		return failed;
	uv_timer_init(options->loop, &keeper->reseal);
	keeper->reseal.data = keeper;
	keeper->has_reseal = true;
	keeper->handles++;
	if (is_due(keeper))
		uv_timer_start(&keeper->reseal, on_reseal, PAUSE_MS, 0);
	else
		settle(keeper); /* left over by who was cut off */
	return NULL;
}

void keeper_vault_stop(struct keeper *keeper)
{
	if (keeper->has_reseal)
		keeper_handle_close(keeper, (uv_handle_t *)&keeper->reseal);
	keeper->has_reseal = false;
}

/* Does a source besides the first give the key that is in use? Else it would be lost with this process. */
static bool keeps_old(struct keeper *keeper, const struct vault_options *keys)
{
	struct vault_options *rest = mem_zero(1, sizeof(*rest));
	char ignored[DATABASE_ERROR];
	bool keeps = false;

	if (rest == NULL)
		return false;
	*rest = *keys;
	rest->source_count = 0;
	for (unsigned i = 1; i < keys->source_count; i++)
		rest->sources[rest->source_count++] = keys->sources[i];
	if (rest->source_count != 0)
		keeps = database_knows(keeper->database, rest, ignored);
	vault_forget(rest);
	mem_free(rest);
	return keeps;
}

/* The key of the data directory is made here; any other by the operator. One that was made and could not be taken is
 * taken now. */
static const char *renew(struct keeper *keeper, const struct vault_options *keys, bool *ret_renewed)
{
	const struct keeper_options *options = &keeper->options;

	*ret_renewed = store_keys_are_own(options->policy) && database_is_current(keeper->database, &keys->sources[0]);
	if (!*ret_renewed)
		return NULL;
	settle(keeper);
	return store_keys_renew(options->data_directory, &options->random);
}

static const char *read_keys(struct keeper *keeper, struct vault_options *keys)
{
	const struct keeper_options *options = &keeper->options;

	return store_keys_read(options->policy, options->data_directory, &options->random, clock_wall_us(), keys);
}

static const char *take(struct keeper *keeper, struct vault_options *keys, unsigned *ret_status)
{
	char failed[DATABASE_ERROR];
	bool renewed;
	const char *wrong = read_keys(keeper, keys);

	*ret_status = 500;
	if (wrong == NULL)
		wrong = renew(keeper, keys, &renewed);
	if (wrong == NULL && renewed)
		wrong = read_keys(keeper, keys);
	if (wrong != NULL)
		return wrong;
	*ret_status = 409;
	if (database_is_current(keeper->database, &keys->sources[0]))
		return "the key is the one that is in use: put another one where the configuration says, and the old "
		       "one into "
		       "encryption.previous";
	if (!keeps_old(keeper, keys))
		return "the old key is not in encryption.previous: if the server ended now, nobody could read what it "
		       "sealed";
	*ret_status = 500;
	if (database_rekey(keeper->database, keys, failed))
		return NULL;
	snprintf(text, sizeof(text), "the key stays as it is: framewall.db: %s", failed);
	return text;
}

const char *keeper_vault_rotate(struct keeper *keeper, unsigned *ret_status)
{
	struct vault_options *keys;
	const char *failed;

	*ret_status = 409;
	if (is_due(keeper) && !keeper->reseal_failed)
		return "another rotation goes on";
	*ret_status = 500;
	keys = mem_zero(1, sizeof(*keys));
	if (keys == NULL)
		return "memory is short";
	failed = is_due(keeper) ? NULL : take(keeper, keys, ret_status); /* one that stopped goes on */
	vault_forget(keys);
	mem_free(keys);
	if (failed == NULL)
		begin(keeper);
	return failed;
}

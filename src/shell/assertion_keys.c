#include "shell/assertion_keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "crypto/signing_key.h"
#include "policy/policy.h"
#include "shell/file.h"
#include "shell/files.h"
#include "shell/random.h"
#include "shell/server_files.h"

enum { FILE_MOST = 16384, PATH_ROOM = 4096 };

static int failed(char *ret_text, size_t room, const char *path, const char *why)
{
	snprintf(ret_text, room, "cannot use the assertion key \"%s\": %s", path, why);
	return FW_ERR_IO;
}

static int take(struct fw_policy *policy, const char *path, char *ret_text, size_t room)
{
	char kid[SIGNING_KEY_KID];
	const char *fault;
	struct jwt_key key;
	uint8_t *bytes;
	size_t size;

	if (file_read(path, FILE_MOST, &bytes, &size) != 0)
		return failed(ret_text, room, path, strerror(errno));
	fault = signing_key_read(slice(bytes, size), &key, kid);
	mem_wipe(bytes, size);
	mem_free(bytes);
	if (fault != NULL)
		return failed(ret_text, room, path, fault);
	if (policy_add_assertion_key(policy, &key) != FW_OK) {
		jose_key_fini(&key);
		return failed(ret_text, room, path, "there are too many, or memory is short");
	}
	return FW_OK;
}

static int make(const char *path, char *ret_text, size_t room)
{
	struct fw_random random = random_system();
	uint8_t seed[SIGNING_KEY_SEED];
	char pem[SIGNING_KEY_PEM];
	size_t size;
	int result = -1;

	random.fill(random.user, seed, sizeof(seed));
	errno = ENOMEM;
	size = signing_key_make(seed, pem);
	if (size != 0)
		result = server_secret_make(path, slice(pem, size));
	mem_wipe(seed, sizeof(seed));
	mem_wipe(pem, sizeof(pem));
	return result == 0 ? FW_OK : failed(ret_text, room, path, strerror(errno));
}

/* The data directory's own: made when there is none. */
static int take_own(struct fw_policy *policy, const char *data_directory, char *ret_text, size_t room)
{
	char path[PATH_ROOM], old[PATH_ROOM];
	int size = snprintf(path, sizeof(path), "%s/keys/assertion.pem", data_directory), result = FW_OK;

	if (size < 0 || (size_t)size >= sizeof(path) - 4)
		return failed(ret_text, room, data_directory, strerror(ENAMETOOLONG));
	snprintf(old, sizeof(old), "%s/keys/assertion.old.pem", data_directory);
	if (!files_exist(path))
		result = make(path, ret_text, room);
	if (result == FW_OK)
		result = take(policy, path, ret_text, room);
	if (result == FW_OK && files_exist(old))
		result = take(policy, old, ret_text, room);
	return result;
}

int assertion_keys_load(struct fw_policy *policy, const char *data_directory, char *ret_text, size_t room)
{
	const struct texts *files = &policy->settings.assertion_keys;
	int result = FW_OK;

	if (!policy->settings.assertion)
		return FW_OK;
	if (files->count == 0)
		return take_own(policy, data_directory, ret_text, room);
	for (size_t i = 0; i < files->count && result == FW_OK; i++)
		result = take(policy, files->items[i], ret_text, room);
	return result;
}

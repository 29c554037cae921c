#include "shell/store_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "record/storage.h"
#include "shell/server_files.h"

enum { PATH_ROOM = 4096, KEY = 32, PASSPHRASE_LEAST = 12, PATIENCE_MS = 30000, WORDS = 64 };

extern char **environ;

static char text[2 * PATH_ROOM];

static const char *fail(const char *name, const char *path, const char *why)
{
	snprintf(text, sizeof(text), "%s: %s: %s", name, path, why);
	return text;
}

static bool read_hex(const uint8_t *octets, uint8_t ret_key[KEY])
{
	for (size_t i = 0; i < KEY; i++) {
		int high = ascii_hex(octets[2 * i]), low = ascii_hex(octets[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_key[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Base64 with its padding or without it, of either alphabet. */
static bool read_base64(const uint8_t *octets, size_t size, uint8_t ret_key[KEY])
{
	uint8_t room[KEY + 4];
	char copy[44];
	bool read;

	if (size == 44 && octets[43] == '=')
		size--;
	if (size != 43)
		return false;
	for (size_t i = 0; i < size; i++)
		copy[i] = octets[i] == '+' ? '-' : octets[i] == '/' ? '_' : (char)octets[i];
	read = decode_base64(copy, size, 1, room) == KEY;
	if (read)
		memcpy(ret_key, room, KEY);
	mem_wipe(room, sizeof(room));
	mem_wipe(copy, sizeof(copy));
	return read;
}

static bool read_key(const uint8_t *octets, size_t size, uint8_t ret_key[KEY])
{
	if (size == KEY) {
		memcpy(ret_key, octets, KEY);
		return true;
	}
	while (size != 0 && (octets[size - 1] == '\n' || octets[size - 1] == '\r'))
		size--;
	return size == (size_t)2 * KEY ? read_hex(octets, ret_key) : read_base64(octets, size, ret_key);
}

/* NULL, or what is wrong with what was read. */
static const char *take(struct vault_source *source, const char *path)
{
	uint8_t key[KEY];
	bool read;

	if (source->is_passphrase) {
		while (source->size != 0 &&
		       (source->secret[source->size - 1] == '\n' || source->secret[source->size - 1] == '\r'))
			source->size--;
		return source->size >= PASSPHRASE_LEAST
			       ? NULL
			       : fail(source->name, path, "a passphrase has at least 12 octets");
	}
	read = read_key(source->secret, source->size, key);
	if (read) {
		mem_wipe(source->secret, source->size);
		memcpy(source->secret, key, KEY);
		source->size = KEY;
	}
	mem_wipe(key, sizeof(key));
	return read ? NULL : fail(source->name, path, "a key is 32 octets, or their 64 hexadecimal digits or base64");
}

/* Octets until the end, or as many as there is room for and one more. -1 with errno; until_ms UINT64_MAX: no bound. */
static ssize_t read_all(int fd, uint8_t *ret_octets, size_t room)
{
	size_t size = 0;

	while (size < room) {
		ssize_t got = read(fd, ret_octets + size, room - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		size += (size_t)got;
	}
	return (ssize_t)size;
}

/* Whoever else could read it could open what it seals. */
static const char *read_file(struct vault_source *source, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *wrong = NULL;
	struct stat is;
	ssize_t size;

	if (fd < 0 || fstat(fd, &is) != 0) {
		wrong = fail(source->name, path, strerror(errno));
	} else if (!S_ISREG(is.st_mode)) {
		wrong = fail(source->name, path, "it is no plain file");
	} else if ((is.st_mode & 077) != 0) {
		wrong = fail(source->name, path, "others may read it; say chmod 600");
	} else {
		size = read_all(fd, source->secret, sizeof(source->secret));
		if (size < 0 || (size_t)size == sizeof(source->secret))
			wrong = fail(source->name, path, size < 0 ? strerror(errno) : "it is too long");
		else
			source->size = (size_t)size;
	}
	if (fd >= 0)
		close(fd);
	return wrong != NULL ? wrong : take(source, path);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What the program writes within the time it has. False: it was too long, or too slow. */
static bool listen_to(int fd, struct vault_source *source)
{
	uint64_t until = now_ms() + PATIENCE_MS;

	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		uint64_t now = now_ms();
		ssize_t got;

		if (now >= until || source->size == sizeof(source->secret))
			return false;
		if (poll(&wait, 1, (int)(until - now)) <= 0)
			continue;
		got = read(fd, source->secret + source->size, sizeof(source->secret) - source->size);
		if (got == 0)
			return true;
		if (got > 0)
			source->size += (size_t)got;
		else if (errno != EINTR && errno != EAGAIN)
			return false;
	}
}

static int spawn(const struct texts *command, const int ends[2], pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char *words[WORDS + 1] = { 0 };
	sigset_t none, all;
	int error;

	for (size_t i = 0; i < command->count; i++)
		words[i] = (char *)(uintptr_t)command->items[i];
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	error = posix_spawnp(ret_pid, words[0], &actions, &attributes, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return error;
}

/* What it says on standard error is the operator's to read; what it says on standard output nobody's. */
static const char *run_command(struct vault_source *source, const struct texts *command)
{
	const char *program = command->items[0];
	int ends[2], error, status = 0;
	bool heard;
	pid_t pid;

	if (command->count > WORDS)
		return fail(source->name, program, "it has too many arguments");
	if (pipe2(ends, O_CLOEXEC) != 0)
		return fail(source->name, program, strerror(errno));
	error = spawn(command, ends, &pid);
	close(ends[1]);
	if (error != 0) {
		close(ends[0]);
		return fail(source->name, program, strerror(error));
	}
	heard = listen_to(ends[0], source);
	close(ends[0]);
	if (!heard)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!heard)
		return fail(source->name, program, "it wrote too much, or was not done within 30 s");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fail(source->name, program, "it failed");
	return take(source, program);
}

static bool own_path(const char *data_directory, const char *end, char ret_path[PATH_ROOM])
{
	return (size_t)snprintf(ret_path, PATH_ROOM, "%s/keys/store.key%s", data_directory, end) < PATH_ROOM;
}

/* The database must not be sealed with a key whose name a loss of power could take away. */
static const char *sync_own(const char *data_directory)
{
	char folder[PATH_ROOM];

	snprintf(folder, sizeof(folder), "%s/keys", data_directory);
	if (storage_sync_folder(&storage_system, folder) == 0 &&
	    storage_sync_folder(&storage_system, data_directory) == 0)
		return NULL;
	return fail("cannot make the key of the database last", folder, strerror(errno));
}

static const char *make_own(const char *path, const struct fw_random *random)
{
	uint8_t key[KEY];
	int made;

	random->fill(random->user, key, sizeof(key));
	made = server_secret_make(path, slice(key, sizeof(key)));
	mem_wipe(key, sizeof(key));
	return made == 0 ? NULL : fail("cannot make the key of the database", path, strerror(errno));
}

static struct vault_source *add(struct vault_options *options, const char *name, bool is_passphrase)
{
	struct vault_source *source = &options->sources[options->source_count++];

	source->name = name;
	source->is_passphrase = is_passphrase;
	source->size = 0;
	return source;
}

/* NULL, or what failed; nothing is added where none of the three is given. */
static const char *add_given(struct vault_options *options, const char *key_file, const struct texts *command,
			     const char *passphrase, const char *const names[3])
{
	if (key_file[0] != '\0')
		return read_file(add(options, names[0], false), key_file);
	if (command->count != 0)
		return run_command(add(options, names[1], false), command);
	if (passphrase[0] != '\0')
		return read_file(add(options, names[2], true), passphrase);
	return NULL;
}

/* The key of the data directory: made where it is the one that is used. */
static const char *add_own(struct vault_options *options, const char *data_directory, const char *end, bool make,
			   const struct fw_random *random)
{
	const char *failed = NULL;
	char path[PATH_ROOM];

	if (!own_path(data_directory, end, path))
		return fail("DATA/keys/store.key", data_directory, strerror(ENAMETOOLONG));
	if (access(path, F_OK) != 0) {
		char folder[PATH_ROOM];

		if (!make)
			return NULL;
		snprintf(folder, sizeof(folder), "%s/keys", data_directory);
		mkdir(folder, 0700); /* else it is said below */
		failed = make_own(path, random);
		if (failed == NULL)
			failed = sync_own(data_directory);
	}
	return failed != NULL ? failed : read_file(add(options, "DATA/keys/store.key", false), path);
}

bool store_keys_are_own(const struct fw_policy *policy)
{
	const struct settings *settings = &policy->settings;

	return settings->encryption_key_file[0] == '\0' && settings->encryption_key_command.count == 0 &&
	       settings->encryption_passphrase_file[0] == '\0';
}

const char *store_keys_read(const struct fw_policy *policy, const char *data_directory, const struct fw_random *random,
			    uint64_t now_wall_us, struct vault_options *ret_options)
{
	static const char *const names[2][3] = {
		{ "encryption.key_file", "encryption.key_command", "encryption.passphrase_file" },
		{ "encryption.previous.key_file", "encryption.previous.key_command",
		  "encryption.previous.passphrase_file" },
	};
	const struct settings *settings = &policy->settings;
	bool own = store_keys_are_own(policy);
	const char *failed;

	ret_options->source_count = 0;
	ret_options->iterations = (uint32_t)settings->derivation_iterations;
	ret_options->salt_length = (uint8_t)settings->derivation_salt;
	ret_options->random = *random;
	ret_options->now_wall_us = now_wall_us;
	failed = add_given(ret_options, settings->encryption_key_file, &settings->encryption_key_command,
			   settings->encryption_passphrase_file, names[0]);
	if (failed == NULL && own)
		failed = add_own(ret_options, data_directory, "", true, random);
	if (failed == NULL)
		failed = add_given(ret_options, settings->previous_key_file, &settings->previous_key_command,
				   settings->previous_passphrase_file, names[1]);
	/* Of before: the key of a data directory that has another source now, and the one that is being replaced. */
	if (failed == NULL && !own)
		failed = add_own(ret_options, data_directory, "", false, random);
	if (failed == NULL)
		failed = add_own(ret_options, data_directory, ".previous", false, random);
	return failed;
}

/* At every moment between these steps both keys are there, if they are needed. */
const char *store_keys_renew(const char *data_directory, const struct fw_random *random)
{
	char path[PATH_ROOM], next[PATH_ROOM], previous[PATH_ROOM];
	const char *failed;

	if (!own_path(data_directory, "", path) || !own_path(data_directory, ".next", next) ||
	    !own_path(data_directory, ".previous", previous))
		return fail("DATA/keys/store.key", data_directory, strerror(ENAMETOOLONG));
	unlink(next);
	failed = make_own(next, random);
	if (failed != NULL)
		return failed;
	if ((link(path, previous) != 0) || rename(next, path) != 0)
		return fail("cannot replace the key of the database", path,
			    errno == EEXIST ? "the one of before is still used" : strerror(errno));
	return sync_own(data_directory);
}

bool store_keys_own_is(const char *data_directory, bool is_current(void *user, const struct vault_source *source),
		       void *user)
{
	struct vault_options *own = mem_zero(1, sizeof(*own));
	bool is = own == NULL || add_own(own, data_directory, "", false, NULL) != NULL; /* not known: it stays */

	if (!is && own->source_count != 0)
		is = is_current(user, &own->sources[0]);
	if (own != NULL)
		vault_forget(own);
	mem_free(own);
	return is;
}

void store_keys_settle(const struct fw_policy *policy, const char *data_directory, bool own_in_use)
{
	char path[PATH_ROOM];

	if (own_path(data_directory, ".previous", path))
		unlink(path);
	if (!own_in_use && !store_keys_are_own(policy) && own_path(data_directory, "", path))
		unlink(path);
}

/* The data directory's key, and addresses as people write them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/files.h"
#include "shell/random.h"
#include "shell/server_files.h"

enum { KEY_SIZE = 32, PATH_SIZE = 4096 };

bool server_listen_parse(const char *text, char ret_host[256], uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':'), *host = text;
	size_t size;
	unsigned long port;
	char *end;

	if (colon == NULL || colon[1] < '0' || colon[1] > '9')
		return false;
	size = (size_t)(colon - text);
	if (size != 0 && host[0] == '[') {
		if (size < 3 || host[size - 1] != ']')
			return false;
		host++;
		size -= 2;
	} else if (memchr(host, ':', size) != NULL) {
		return false; /* an IPv6 address without brackets: which colon is which? */
	}
	errno = 0;
	port = strtoul(colon + 1, &end, 10);
	if (errno != 0 || *end != '\0' || port > 65535 || size >= 256)
		return false;
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)host[i] <= ' ' || strchr("[]/@", host[i]) != NULL)
			return false;
	memcpy(ret_host, host, size);
	ret_host[size] = '\0';
	*ret_port = (uint16_t)port;
	return true;
}

static int make_folder(const char *path)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return -1;
}

/* 0 with the key; -1: errno, ENOENT when there is none, EINVAL when it is not 32 octets. */
static int read_key(const char *path, uint8_t ret_key[KEY_SIZE])
{
	uint8_t bytes[KEY_SIZE + 1];
	int file = files_open(path, O_NOFOLLOW), error;
	ssize_t size;

	if (file < 0)
		return -1;
	size = read(file, bytes, sizeof(bytes));
	error = size < 0 ? errno : EINVAL;
	close(file);
	if (size == KEY_SIZE)
		memcpy(ret_key, bytes, KEY_SIZE);
	mem_wipe(bytes, sizeof(bytes));
	errno = error;
	return size == KEY_SIZE ? 0 : -1;
}

static int write_all(int file, const uint8_t *bytes, size_t size)
{
	while (size != 0) {
		ssize_t written = write(file, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return -1;
		bytes += written;
		size -= (size_t)written;
	}
	return 0;
}

int server_secret_make(const char *path, struct fw_slice secret)
{
	char temporary[PATH_SIZE + 32];
	int file, result = -1, error;

	snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid());
	file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0)
		return -1;
	if (write_all(file, secret.data, secret.size) == 0 && fsync(file) == 0 &&
	    (link(temporary, path) == 0 || errno == EEXIST))
		result = 0;
	error = errno;
	close(file);
	unlink(temporary);
	errno = error;
	return result;
}

static int make_key(const char *path)
{
	struct fw_random random = random_system();
	uint8_t key[KEY_SIZE];
	int result;

	random.fill(random.user, key, sizeof(key));
	result = server_secret_make(path, slice(key, sizeof(key)));
	mem_wipe(key, sizeof(key));
	return result;
}

int server_jwt_key(const char *data_directory, uint8_t ret_key[KEY_SIZE])
{
	char folder[PATH_SIZE], path[PATH_SIZE];

	if (data_directory == NULL || strlen(data_directory) + sizeof("/keys/jwt.key") > PATH_SIZE) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(folder, sizeof(folder), "%s/keys", data_directory);
	snprintf(path, sizeof(path), "%s/keys/jwt.key", data_directory);
	if (!files_used() && (make_folder(data_directory) != 0 || make_folder(folder) != 0))
		return -1;
	if (read_key(path, ret_key) == 0)
		return 0;
	if (errno != ENOENT || make_key(path) != 0)
		return -1;
	return read_key(path, ret_key);
}

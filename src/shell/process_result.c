#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/process_parts.h"

enum { RESULT_MOST = 1 << 20 };

/* The struct, the name with its NUL, the problems. */
int process_result_write(const struct reload_result *result)
{
	const char *name = result->name != NULL ? result->name : "";
	int fd = memfd_create("reload", MFD_CLOEXEC);
	struct fw_slice parts[] = { slice((const char *)result, sizeof(*result)), slice(name, strlen(name) + 1),
				    slice(result->problems, result->problems_size) };

	for (unsigned i = 0; fd >= 0 && i < 3; i++) {
		if (parts[i].size == 0 || write(fd, parts[i].data, parts[i].size) == (ssize_t)parts[i].size)
			continue;
		close(fd);
		fd = -1;
	}
	return fd;
}

bool process_result_read(int fd, struct reload_result *ret_result, char **ret_name)
{
	struct stat facts;
	size_t size, at = sizeof(*ret_result), name_size;
	uint8_t *octets;

	*ret_name = NULL;
	if (fd < 0 || fstat(fd, &facts) != 0 || facts.st_size < (off_t)at || facts.st_size > RESULT_MOST)
		return false;
	size = (size_t)facts.st_size;
	octets = mem_alloc(size);
	if (octets == NULL || pread(fd, octets, size, 0) != (ssize_t)size) {
		mem_free(octets);
		return false;
	}
	memcpy(ret_result, octets, sizeof(*ret_result));
	name_size = strnlen((const char *)octets + at, size - at);
	*ret_name = mem_text(octets + at, name_size);
	ret_result->name = *ret_name;
	ret_result->problems = NULL;
	ret_result->problems_size = 0;
	at += name_size < size - at ? name_size + 1 : name_size;
	while (at < size && octets[size - 1] == '\0') {
		reload_hear(ret_result, (const char *)octets + at);
		at += strlen((const char *)octets + at) + 1;
	}
	mem_free(octets);
	return *ret_name != NULL;
}

#include "report/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STEP = 1 << 20 };

int scratch_file(void)
{
	/* not in /tmp where nobody says so: that may be memory */
	static const char *const fallbacks[] = { "/var/tmp", "/tmp", "." };
	const char *chosen = getenv("TMPDIR");
	char path[4096];
	int fd = -1;

	for (unsigned i = 0; fd < 0 && i < sizeof(fallbacks) / sizeof(fallbacks[0]); i++) {
		const char *folder = chosen != NULL && chosen[0] == '/' ? chosen : fallbacks[i];
		int size = snprintf(path, sizeof(path), "%s/framewall-report-XXXXXX", folder);

		chosen = NULL;
		if (size < 0 || (size_t)size >= sizeof(path))
			continue;
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
	}
	return fd;
}

bool scratch_grow(struct scratch *scratch, size_t size)
{
	void *map;
	int result;

	if (scratch->map == NULL && scratch->fd <= 0)
		scratch->fd = scratch_file();
	if (scratch->fd < 0) {
		scratch->fd = 0;
		return false;
	}
	if (size <= scratch->size)
		return true;
	if (size < scratch->size + scratch->size / 2)
		size = scratch->size + scratch->size / 2;
	size = (size + STEP - 1) / STEP * STEP;
	/* so that a full disk is found here, and not where the memory is used */
	result = posix_fallocate(scratch->fd, 0, (off_t)size);
	if (result != 0) {
		errno = result;
		return false;
	}
	map = scratch->map == NULL ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, scratch->fd, 0)
				   : mremap(scratch->map, scratch->size, size, MREMAP_MAYMOVE);
	if (map == MAP_FAILED)
		return false;
	scratch->map = map;
	scratch->size = size;
	return true;
}

void scratch_fini(struct scratch *scratch)
{
	if (scratch->map != NULL)
		munmap(scratch->map, scratch->size);
	if (scratch->fd > 0)
		close(scratch->fd);
	*scratch = (struct scratch){ 0 };
}

/* vectors.h: for tests only: where the shared vectors are, and files read whole. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FRAMEWALL_SHARED, else ../shared beside the project, and what is below it. */
static inline const char *vectors_path(char ret_path[4096], const char *below)
{
	const char *root = getenv("FRAMEWALL_SHARED");

	snprintf(ret_path, 4096, "%s/%s", root != NULL && *root != '\0' ? root : "../shared", below);
	return ret_path;
}

/* A file with exactly its size of memory, or NULL. */
static inline char *vectors_read(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	char *bytes = NULL;
	size_t size = 0, capacity = 0, got;

	*ret_size = 0;
	if (file == NULL)
		return NULL;
	do {
		if (size == capacity)
			bytes = realloc(bytes, capacity = capacity * 2 + 65536);
		got = fread(bytes + size, 1, capacity - size, file);
		size += got;
	} while (got != 0);
	fclose(file);
	*ret_size = size;
	return realloc(bytes, size != 0 ? size : 1);
}

static inline int vectors_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The names in a folder, sorted; 0 when it is absent. */
static inline int vectors_list(const char *path, struct dirent ***ret_entries)
{
	int count = scandir(path, ret_entries, vectors_visible, alphasort);

	return count > 0 ? count : 0;
}

static inline void vectors_list_free(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

/* For main: says in TAP that all is skipped and why. */
static inline int vectors_absent(const char *path)
{
	printf("1..0 # SKIP no vectors at %s (set FRAMEWALL_SHARED)\n", path);
	return 0;
}
#endif

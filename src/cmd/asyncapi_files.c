#include "cmd/asyncapi_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/file.h"

struct asyncapi_files_text {
	uint8_t *bytes;
	struct asyncapi_files_text *next;
};

static int keep(struct asyncapi_files *files, const char *path, struct fw_slice *ret_text)
{
	struct asyncapi_files_text *text = mem_zero(1, sizeof(*text));
	size_t size;
	int error;

	if (text == NULL)
		return ENOMEM;
	if (file_read(path, LIMIT_CONFIG_BYTES, &text->bytes, &size) != 0) {
		error = errno; /* which freeing may change */
		mem_free(text);
		return error;
	}
	text->next = files->texts;
	files->texts = text;
	*ret_text = slice(text->bytes, size);
	return 0;
}

static bool is_within(const char *root, const char *path)
{
	size_t size = strlen(root);

	return strncmp(root, path, size) == 0 && (path[size] == '/' || (size != 0 && root[size - 1] == '/'));
}

static int read_other(void *user, const char *path, struct fw_slice *ret_text)
{
	struct asyncapi_files *files = user;
	char *resolved = realpath(path, NULL);
	int error = resolved == NULL ? errno : EPERM;

	if (resolved != NULL && files->root != NULL && is_within(files->root, resolved))
		error = keep(files, resolved, ret_text);
	free(resolved);
	return error;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash != NULL ? mem_text(path, (size_t)(slash - path) + 1) : mem_text(".", 1), *resolved;

	if (folder == NULL)
		return NULL;
	resolved = realpath(folder, NULL);
	mem_free(folder);
	return resolved;
}

int asyncapi_files_open(struct asyncapi_files *files, const char *path, const char *root,
			struct asyncapi_options *ret_options)
{
	int error;

	*files = (struct asyncapi_files){ 0 };
	error = keep(files, path, &ret_options->text);
	if (error == 0 && strcmp(path, "-") != 0) {
		files->root = root != NULL ? realpath(root, NULL) : folder_of(path);
		if (files->root == NULL)
			error = errno;
	}
	ret_options->name = path;
	ret_options->read = read_other;
	ret_options->user = files;
	errno = error;
	return error == 0 ? 0 : -1;
}

void asyncapi_files_free(struct asyncapi_files *files)
{
	while (files->texts != NULL) {
		struct asyncapi_files_text *next = files->texts->next;

		mem_free(files->texts->bytes);
		mem_free(files->texts);
		files->texts = next;
	}
	free(files->root);
}

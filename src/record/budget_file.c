#include "record/budget_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"

static const char magic[8] = "fwsums1";

struct head {
	char magic[sizeof(magic)];
	uint64_t turn, size;
	uint8_t digest[32]; /* of turn and size, and of what follows */
};

static void digest(const struct head *head, struct fw_slice octets, uint8_t ret_digest[32])
{
	uint8_t both[sizeof(head->turn) + sizeof(head->size) + 32];

	memcpy(both, &head->turn, sizeof(head->turn));
	memcpy(both + sizeof(head->turn), &head->size, sizeof(head->size));
	digest_sha256(octets, both + sizeof(head->turn) + sizeof(head->size));
	digest_sha256(slice(both, sizeof(both)), ret_digest);
}

static bool is_whole(struct fw_slice half, struct head *ret_head, struct fw_slice *ret_holds)
{
	uint8_t found[32];

	if (half.size < sizeof(*ret_head))
		return false;
	memcpy(ret_head, half.data, sizeof(*ret_head));
	if (memcmp(ret_head->magic, magic, sizeof(magic)) != 0 || ret_head->size > half.size - sizeof(*ret_head))
		return false;
	*ret_holds = slice(half.data + sizeof(*ret_head), (size_t)ret_head->size);
	digest(ret_head, *ret_holds, found);
	return memcmp(found, ret_head->digest, sizeof(found)) == 0;
}

bool budget_file_open(struct budget_file *file, const char *directory, uint8_t **ret_octets, struct fw_slice *ret_holds)
{
	struct fw_slice holds;
	struct head head;
	size_t size;
	bool any = false;

	*file = (struct budget_file){ .fd = -1 };
	*ret_octets = NULL;
	*ret_holds = slice(NULL, 0);
	if (!storage_path(directory, "sums", file->path))
		return false;
	if (storage_read_all(file->path, ret_octets, &size) != 0)
		return errno == ENOENT;
	for (size_t at = 0; at < 2 * BUDGET_FILE_MOST && at < size; at += BUDGET_FILE_MOST) {
		size_t part = size - at < BUDGET_FILE_MOST ? size - at : BUDGET_FILE_MOST;

		if (!is_whole(slice(*ret_octets + at, part), &head, &holds) || (any && head.turn <= file->turn))
			continue;
		any = true;
		file->turn = head.turn;
		*ret_holds = holds;
	}
	errno = EBADMSG;
	return any || size == 0;
}

static bool write_at(int fd, const void *octets, size_t size, off_t at)
{
	const uint8_t *from = octets;

	while (size != 0) {
		ssize_t done = pwrite(fd, from, size, at);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			from += done;
			at += done;
			size -= (size_t)done;
		}
	}
	return true;
}

/* With one half that is whole, though it says nothing: a first write that is cut short is not taken for a loss. */
static bool begin(struct budget_file *file)
{
	file->fd = open(file->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return file->fd >= 0 && (file->turn != 0 || budget_file_save(file, slice(NULL, 0), slice(NULL, 0), false) == 0);
}

int budget_file_save(struct budget_file *file, struct fw_slice first, struct fw_slice second, bool sync)
{
	struct head head = { .size = first.size + second.size };
	uint8_t *octets;
	off_t at;
	bool done;

	if (sizeof(head) + head.size > BUDGET_FILE_MOST) {
		errno = EFBIG;
		return -1;
	}
	if (file->fd < 0 && !begin(file))
		return -1;
	octets = mem_alloc(sizeof(head) + head.size);
	if (octets == NULL) {
		errno = ENOMEM;
		return -1;
	}
	head.turn = file->turn + 1;
	at = (off_t)(head.turn % 2) * BUDGET_FILE_MOST;
	if (first.size != 0)
		memcpy(octets + sizeof(head), first.data, first.size);
	if (second.size != 0)
		memcpy(octets + sizeof(head) + first.size, second.data, second.size);
	memcpy(head.magic, magic, sizeof(magic));
	digest(&head, slice(octets + sizeof(head), head.size), head.digest);
	memcpy(octets, &head, sizeof(head));
	done = write_at(file->fd, octets, sizeof(head) + head.size, at) && (!sync || fdatasync(file->fd) == 0);
	mem_free(octets);
	if (!done)
		return -1;
	file->turn = head.turn;
	return 0;
}

void budget_file_close(struct budget_file *file, bool remove)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	if (remove)
		unlink(file->path);
}

#include "shell/breached.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"

/* LINE: 40 digits, a colon, a count, and the end of the line. */
enum { DIGEST = 20, DIGITS = 2 * DIGEST, LINE = 64, STEPS = 64 };

static bool read_digest(const char *digits, uint8_t ret_digest[DIGEST])
{
	for (size_t i = 0; i < DIGEST; i++) {
		int high = ascii_hex((uint8_t)digits[2 * i]), low = ascii_hex((uint8_t)digits[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_digest[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* The line that has the octet at, between first and end: its digest, where it begins and where the next one does. */
static bool read_line(int fd, off_t first, off_t end, off_t at, uint8_t ret_digest[DIGEST], off_t *ret_begin,
		      off_t *ret_next)
{
	char octets[3 * LINE];
	off_t from = at - first > LINE ? at - LINE : first;
	ssize_t size = pread(fd, octets, sizeof(octets), from);
	const char *line, *stop;

	if (size <= at - from)
		return false;
	line = memrchr(octets, '\n', (size_t)(at - from));
	if (line == NULL && from != first)
		return false; /* longer than a line may be */
	line = line != NULL ? line + 1 : octets;
	stop = memchr(octets + (at - from), '\n', (size_t)(size - (at - from)));
	*ret_begin = from + (line - octets);
	*ret_next = stop != NULL ? from + (stop - octets) + 1 : from + size;
	if (*ret_next > end)
		*ret_next = end;
	/* The last one may lack its end. */
	if ((stop == NULL && from + size != end) || *ret_next - *ret_begin < DIGITS || *ret_next - *ret_begin > LINE ||
	    !read_digest(line, ret_digest))
		return false;
	return *ret_begin + DIGITS == *ret_next || memchr(":\r\n", line[DIGITS], 3) != NULL;
}

static enum breached search(int fd, const uint8_t wanted[DIGEST])
{
	uint8_t digest[DIGEST], low[DIGEST] = { 0 }, high[DIGEST];
	off_t first = 0, end, begin, next;
	struct stat facts;

	memset(high, 0xff, sizeof(high));
	if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_size == 0)
		return BREACHED_UNREADABLE;
	end = facts.st_size;
	for (unsigned step = 0; first < end && step < STEPS; step++) {
		int order;

		if (!read_line(fd, first, end, first + (end - first) / 2, digest, &begin, &next))
			return BREACHED_UNREADABLE;
		/* In another order nothing would be found, and nobody would notice. */
		if (memcmp(digest, low, DIGEST) < 0 || memcmp(digest, high, DIGEST) > 0)
			return BREACHED_UNREADABLE;
		order = memcmp(wanted, digest, DIGEST);
		if (order == 0)
			return BREACHED_FOUND;
		if (order < 0) {
			end = begin;
			memcpy(high, digest, DIGEST);
		} else {
			first = next;
			memcpy(low, digest, DIGEST);
		}
	}
	return first < end ? BREACHED_UNREADABLE : BREACHED_NOT;
}

enum breached breached_find(const char *path, struct fw_slice password)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum breached found = BREACHED_UNREADABLE;
	uint8_t digest[DIGEST];

	if (fd < 0)
		return found;
	digest_sha1(password, digest);
	found = search(fd, digest);
	mem_wipe(digest, sizeof(digest));
	close(fd);
	return found;
}

#include "record/segment.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "record/storage.h"

static const char prefix[] = "security_audit-";
static const char opening[] = "{\"timestamp\":\"", middle[] = "\",\"sequence\":", closing[] = ",\"chain\":\"";
enum { DIGITS = 20, HEX = 64, CLOSING = sizeof(closing) - 1 };
_Static_assert(SEGMENT_CHAIN == CLOSING + HEX + 2, "SEGMENT_CHAIN");

void segment_name(uint64_t first, const char *suffix, char ret_name[SEGMENT_NAME])
{
	snprintf(ret_name, SEGMENT_NAME, "%s%020llu%s", prefix, (unsigned long long)first, suffix);
}

static bool read_digits(const char *text, size_t size, uint64_t *ret_value)
{
	*ret_value = 0;
	for (size_t i = 0; i < size; i++)
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(*ret_value, 10u, ret_value) ||
		    __builtin_add_overflow(*ret_value, (unsigned)(text[i] - '0'), ret_value))
			return false;
	return size != 0;
}

uint64_t segment_first(const char *name, const char *suffix)
{
	uint64_t first;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	name += sizeof(prefix) - 1;
	if (strlen(name) != DIGITS + strlen(suffix) || strcmp(name + DIGITS, suffix) != 0 ||
	    !read_digits(name, DIGITS, &first))
		return 0;
	return first;
}

static int compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return a < b ? -1 : a > b;
}

static int add(struct segment_list *list, uint64_t first)
{
	uint64_t *larger;

	if (list->count % 16 == 0) {
		larger = mem_resize(list->firsts, (list->count + 16) * sizeof(*larger));
		if (larger == NULL) {
			errno = ENOMEM;
			return -1;
		}
		list->firsts = larger;
	}
	list->firsts[list->count++] = first;
	return 0;
}

int segment_files(const char *directory, const char *suffix, struct segment_list *ret_list)
{
	DIR *folder = opendir(directory);
	const struct dirent *entry;
	int result = 0, reason;

	*ret_list = (struct segment_list){ 0 };
	if (folder == NULL)
		return -1;
	while (result == 0 && (entry = readdir(folder)) != NULL) {
		uint64_t first = segment_first(entry->d_name, suffix);

		if (first != 0)
			result = add(ret_list, first);
	}
	reason = errno;
	closedir(folder);
	if (result != 0) {
		segment_list_fini(ret_list);
		errno = reason;
		return -1;
	}
	if (ret_list->count != 0)
		qsort(ret_list->firsts, ret_list->count, sizeof(*ret_list->firsts), compare);
	return 0;
}

/* Both ascend; what is in both is there once. */
static int join(struct segment_list *list, const struct segment_list *more)
{
	size_t had = list->count, at = 0;

	for (size_t i = 0; i < more->count; i++) {
		while (at < had && list->firsts[at] < more->firsts[i])
			at++;
		if ((at == had || list->firsts[at] != more->firsts[i]) && add(list, more->firsts[i]) != 0)
			return -1;
	}
	if (list->count != had)
		qsort(list->firsts, list->count, sizeof(*list->firsts), compare);
	return 0;
}

int segment_list(const char *directory, struct segment_list *ret_list)
{
	struct segment_list archived;
	int result;

	/* Archives last: one that takes the place of a text meanwhile is seen at least once. */
	if (segment_files(directory, ".log", ret_list) != 0)
		return -1;
	if (segment_files(directory, SEGMENT_ARCHIVE, &archived) != 0) {
		segment_list_fini(ret_list);
		return -1;
	}
	result = join(ret_list, &archived);
	segment_list_fini(&archived);
	if (result != 0)
		segment_list_fini(ret_list);
	return result;
}

int segment_open(const char *directory, uint64_t first, struct lines *ret_lines)
{
	char name[SEGMENT_NAME], path[STORAGE_PATH];

	*ret_lines = (struct lines){ .fd = -1 };
	segment_name(first, ".log", name);
	if (!storage_path(directory, name, path))
		return -1;
	if (lines_open(ret_lines, path) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	segment_name(first, SEGMENT_ARCHIVE, name);
	return storage_path(directory, name, path) ? lines_open_archive(ret_lines, path) : -1;
}

void segment_list_fini(struct segment_list *list)
{
	mem_free(list->firsts);
	*list = (struct segment_list){ 0 };
}

/* 16 and more: it is no hex digit in lower case. A table, as this is done for each octet of each chain. */
static unsigned hex_digit(uint8_t octet)
{
	static const uint8_t digits[256] = {
		['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
		['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	};

	return (digits[octet] + 31u) & 31;
}

static bool read_hex(const char *text, uint8_t ret_bytes[32])
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < HEX / 2; i++) {
		unsigned high = hex_digit((uint8_t)text[2 * i]), low = hex_digit((uint8_t)text[2 * i + 1]);

		wrong |= (high | low) & 16;
		ret_bytes[i] = (uint8_t)(high << 4 | low);
	}
	return wrong == 0;
}

bool segment_line(struct fw_slice line, struct segment_line *ret_line)
{
	const char *text = (const char *)line.data;
	size_t at = sizeof(opening) - 1 + ENCODE_RFC3339, digits = 0, tail;

	if (line.size < at + sizeof(middle) - 1 + 1 + SEGMENT_CHAIN || !slice_starts(line, opening) ||
	    memcmp(text + at, middle, sizeof(middle) - 1) != 0)
		return false;
	tail = line.size - SEGMENT_CHAIN;
	if (memcmp(text + tail, closing, CLOSING) != 0 || text[line.size - 2] != '"' || text[line.size - 1] != '}')
		return false;
	at += sizeof(middle) - 1;
	while (at + digits < tail && text[at + digits] != ',')
		digits++;
	ret_line->hashed = slice(text, tail);
	return read_digits(text + at, digits, &ret_line->sequence) && read_hex(text + tail + CLOSING, ret_line->chain);
}

void segment_chain(const uint8_t before[32], struct fw_slice hashed, uint8_t ret_chain[32])
{
	digest_sha256_pair(slice(before, 32), hashed, ret_chain);
}

static bool follows(const struct segment_span *span, struct lines *lines, uint64_t at, uint8_t chain[32])
{
	struct segment_line parts;
	struct fw_slice line;
	bool whole;

	if (lines_next(lines, &line, &whole) != 1 || !whole || !segment_line(line, &parts) ||
	    parts.sequence != span->first + at || (span->cancelled != NULL && atomic_load(span->cancelled)))
		return false;
	segment_chain(chain, parts.hashed, chain);
	return memcmp(chain, parts.chain, sizeof(parts.chain)) == 0;
}

bool segment_holds(const char *directory, const struct segment_span *span)
{
	struct fw_slice more;
	struct lines lines;
	uint8_t chain[32];
	bool holds, whole;

	if (segment_open(directory, span->first, &lines) != 0)
		return false;
	memcpy(chain, span->before, sizeof(chain));
	holds = true;
	for (uint64_t i = 0; i < span->count && holds; i++)
		holds = follows(span, &lines, i, chain);
	holds = holds && lines_next(&lines, &more, &whole) == 0 && memcmp(chain, span->after, sizeof(chain)) == 0;
	lines_close(&lines);
	return holds;
}

void segment_write_chain(const uint8_t chain[32], char ret_text[SEGMENT_CHAIN])
{
	memcpy(ret_text, closing, CLOSING);
	encode_hex(chain, 32, ret_text + CLOSING);
	ret_text[SEGMENT_CHAIN - 2] = '"';
	ret_text[SEGMENT_CHAIN - 1] = '}';
}

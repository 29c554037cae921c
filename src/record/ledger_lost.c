/* What a server that stopped could not write any more: how much is noted in a file that was there before, by writing
 * over what it has, for which a full disk has room. The next start makes a record of it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/ledger_parts.h"

enum { NOTE = 42 }; /* two numbers of 20 digits, a blank, LF */

static bool lost_path(const struct ledger *ledger, char ret_path[STORAGE_PATH])
{
	return storage_path(ledger->options.key_directory, "ledger.lost", ret_path);
}

static void format(uint64_t records, uint64_t octets, char ret_note[NOTE + 1])
{
	snprintf(ret_note, NOTE + 1, "%020llu %020llu\n", (unsigned long long)records, (unsigned long long)octets);
}

void ledger_lost_read(const struct ledger *ledger, uint64_t *ret_records, uint64_t *ret_octets)
{
	char path[STORAGE_PATH], note[NOTE + 1] = "";

	*ret_records = *ret_octets = 0;
	if (!lost_path(ledger, path) || storage_read(path, note, NOTE) != NOTE || note[20] != ' ')
		return;
	*ret_records = strtoull(note, NULL, 10);
	*ret_octets = strtoull(note + 21, NULL, 10);
}

void ledger_lost_write(struct ledger *ledger, uint64_t records, uint64_t octets)
{
	char path[STORAGE_PATH], note[NOTE + 1];
	int fd;

	format(records, octets, note);
	if (!lost_path(ledger, path))
		return;
	fd = ledger->storage->open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0);
	if (fd < 0)
		return;
	if (storage_write_all(ledger->storage, fd, note, NOTE) == NOTE)
		ledger->storage->sync(fd);
	close(fd);
}

void ledger_lost_prepare(struct ledger *ledger)
{
	char path[STORAGE_PATH], note[NOTE + 1];

	format(0, 0, note);
	if (lost_path(ledger, path) && access(path, F_OK) != 0)
		storage_replace(ledger->storage, path, note, NOTE, true);
}

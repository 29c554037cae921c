#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "record/storage.h"

#include "report/report_place.h"

enum { KEY_FILE = 256 };

void report_plain(char *text)
{
	for (; *text != '\0'; text++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@ ()", *text) == NULL)
			*text = '-';
}

void report_host(char text[REPORT_HOST])
{

	if (gethostname(text, REPORT_HOST) != 0 || text[0] == '\0')
		memcpy(text, "-", 2);
	text[REPORT_HOST - 1] = '\0';
	report_plain(text);
}

void report_clock(char text[REPORT_CLOCK])
{
	struct timex asks = { 0 };
	int state = adjtimex(&asks);
	bool is_synchronised = state >= 0 && state != TIME_ERROR && (asks.status & STA_UNSYNC) == 0;

	snprintf(text, REPORT_CLOCK,
		 "the system's clock, UTC; when this was generated the kernel said that it is %s; a clock that is set "
		 "is "
		 "recorded as clock_jump",
		 is_synchronised ? "synchronised" : "not synchronised");
}

bool report_kept(const char *data, char ret_path[REPORT_PATH], uint8_t ret_key[32])
{
	char path[REPORT_PATH], text[KEY_FILE];
	struct stat is;
	ssize_t size;
	bool made;

	if (stat(data, &is) != 0 || is.st_uid != geteuid() ||
	    snprintf(path, sizeof(path), "%s/keys/ledger.key", data) >= (int)sizeof(path) ||
	    snprintf(ret_path, REPORT_PATH, "%s/report", data) >= REPORT_PATH)
		return false;
	size = storage_read(path, text, sizeof(text));
	made = size > 0 &&
	       digest_hmac_sha256(slice(text, (size_t)size), slice_text("framewall rows of reports"), ret_key);
	mem_wipe(text, sizeof(text));
	return made;
}

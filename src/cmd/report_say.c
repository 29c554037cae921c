#include <pwd.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

#include "cmd/report.h"

enum { NAME = 256 };

/* Other octets than a name has become a hyphen: it is printed. */
static void make_plain(char *text)
{
	for (; *text != '\0'; text++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@ ()", *text) == NULL)
			*text = '-';
}

const char *report_operator(void)
{
	static char text[NAME + 32];
	char room[4096];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(getuid(), &entry, room, sizeof(room), &found) != 0 || found == NULL)
		snprintf(text, sizeof(text), "user id %u", (unsigned)getuid());
	else
		snprintf(text, sizeof(text), "%.255s (user id %u)", entry.pw_name, (unsigned)getuid());
	make_plain(text);
	return text;
}

const char *report_host(void)
{
	static char text[NAME];

	if (gethostname(text, sizeof(text)) != 0 || text[0] == '\0')
		memcpy(text, "-", 2);
	text[sizeof(text) - 1] = '\0';
	make_plain(text);
	return text;
}

const char *report_clock(void)
{
	static char text[256];
	struct timex asks = { 0 };
	int state = adjtimex(&asks);
	bool is_synchronised = state >= 0 && state != TIME_ERROR && (asks.status & STA_UNSYNC) == 0;

	snprintf(text, sizeof(text),
		 "the system's clock, UTC; when this was generated the kernel said that it is %s; a clock that is set "
		 "is "
		 "recorded as clock_jump",
		 is_synchronised ? "synchronised" : "not synchronised");
	return text;
}

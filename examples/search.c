/* What the record has of a user's refused credentials since yesterday, newest first, page by page.
 *
 *     cc search.c -o search $(pkg-config --cflags --libs framewall)
 *     ./search framewall-data/record alice */
#include <framewall/audit.h>

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { PAGE = 20 };

struct page {
	size_t count;
	uint64_t last; /* the next page begins below it */
};

static bool on_record(void *user, uint64_t sequence, struct fw_slice line)
{
	struct page *page = user;

	printf("%" PRIu64 " %.*s\n", sequence, (int)line.size, (const char *)line.data);
	page->count++;
	page->last = sequence;
	return true;
}

int main(int argc, char **argv)
{
	struct fw_audit_query query = { .record = argc > 1 ? argv[1] : "framewall-data/record",
					.user_id = argc > 2 ? argv[2] : NULL,
					.event_type = argc > 3 ? argv[3] : "auth_failure",
					.start_us = ((uint64_t)time(NULL) - 86400) * 1000000,
					.limit = PAGE };
	struct fw_error error;
	struct page page;

	do {
		page = (struct page){ 0 };
		if (fw_audit_search(&query, on_record, &page, &error) != FW_OK) {
			fprintf(stderr, "search: %s\n", error.text);
			return 1;
		}
		query.before = page.last;
	} while (page.count == PAGE && page.last > 1);
	return 0;
}

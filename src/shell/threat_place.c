/* threat_place.c: a list where clients are looked up: here, and in a gate that is another process. */
#include <stdio.h>

#include "shell/process_link.h"
#include "shell/threat_parts.h"
#include "state/threats.h"

/* Where a place is to be empty the entry has no name. */
static struct threats_entry entry_of(unsigned place, const struct threat_feed *feed)
{
	struct threats_entry entry = { .place = place };

	if (feed != NULL) {
		entry.action = feed->rules->does;
		snprintf(entry.name, sizeof(entry.name), "%s", feed->rules->name);
	}
	return entry;
}

static int fd_of(const struct threat_feed *feed)
{
	return feed != NULL ? feed->loaded.fd : -1;
}

static void send(struct threat_feeds *feeds, unsigned place, const struct threat_feed *feed)
{
	struct threats_entry entry = entry_of(place, feed);

	if (feeds->options.link != NULL && !process_link_put(*feeds->options.link, &entry, sizeof(entry), fd_of(feed)))
		feeds->unsent = true;
}

void threat_place_install(struct threat_feeds *feeds, unsigned place, const struct threat_feed *feed)
{
	struct threats_entry entry = entry_of(place, feed);

	threats_put(feeds->options.threats, &entry, fd_of(feed));
	send(feeds, place, feed);
	if (feeds->options.link == NULL)
		feeds->options.changed(feeds->options.user);
}

/* Those in use first: a list that has another place than it had at this gate is never in none. */
void threat_place_send_each(struct threat_feeds *feeds)
{
	bool used[LIMIT_THREAT_LISTS] = { false };

	feeds->unsent = false;
	for (unsigned i = 0; i < feeds->count; i++) {
		used[feeds->list[i].place] = feeds->list[i].loaded.fd >= 0;
		if (feeds->list[i].loaded.fd >= 0)
			send(feeds, feeds->list[i].place, &feeds->list[i]);
	}
	for (unsigned place = 0; place < LIMIT_THREAT_LISTS; place++)
		if (!used[place])
			send(feeds, place, NULL);
}

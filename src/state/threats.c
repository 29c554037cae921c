#include "state/threats.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW };

struct place {
	struct threats_entry entry;
	const struct prefix_set *set; /* NULL: there is no list */
	size_t size;
};

struct threats {
	pthread_rwlock_t lock;
	_Atomic unsigned used; /* lists: without any nobody takes the lock */
	struct place places[LIMIT_THREAT_LISTS];
	struct threat_counts *counts, own;
};

struct threats *threats_new(void)
{
	struct threats *threats = mem_zero(1, sizeof(*threats));

	if (threats == NULL)
		return NULL;
	pthread_rwlock_init(&threats->lock, NULL);
	threats->counts = &threats->own;
	return threats;
}

struct threats *threats_free(struct threats *threats)
{
	if (threats == NULL)
		return NULL;
	for (unsigned i = 0; i < LIMIT_THREAT_LISTS; i++)
		threats_unmap(threats->places[i].set, threats->places[i].size);
	pthread_rwlock_destroy(&threats->lock);
	mem_free(threats);
	return NULL;
}

void threats_count_in(struct threats *threats, struct threat_counts *counts)
{
	threats->counts = counts != NULL ? counts : &threats->own;
}

uint64_t threats_hits(const struct threats *threats, unsigned place)
{
	return atomic_load_explicit(&threats->counts->hits[place], memory_order_relaxed);
}

int threats_seal(struct prefix_build *build)
{
	size_t size = prefix_build_size(build);
	int fd = memfd_create("threats", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *memory = MAP_FAILED;

	if (fd >= 0 && posix_fallocate(fd, 0, (off_t)size) == 0)
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory != MAP_FAILED) {
		prefix_build_write(build, memory);
		munmap(memory, size);
		if (fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == 0)
			return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Sealed first: what is judged must be what is looked into. */
const struct prefix_set *threats_map(int fd, size_t *ret_size)
{
	const struct prefix_set *set;
	struct stat facts;
	int seals = fcntl(fd, F_GET_SEALS);
	void *memory;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &facts) != 0 || facts.st_size <= 0)
		return NULL;
	memory = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (memory == MAP_FAILED)
		return NULL;
	*ret_size = (size_t)facts.st_size;
	set = prefix_set_of(memory, *ret_size);
	if (set == NULL)
		munmap(memory, *ret_size);
	return set;
}

void threats_unmap(const struct prefix_set *set, size_t size)
{
	if (set != NULL)
		munmap((void *)(uintptr_t)set, size);
}

bool threats_put(struct threats *threats, const struct threats_entry *entry, int fd)
{
	struct place made = { .entry = *entry }, before;

	if (entry->place >= LIMIT_THREAT_LISTS || entry->action >= THREAT_ACTIONS ||
	    memchr(entry->name, '\0', sizeof(entry->name)) == NULL)
		return false;
	if (fd >= 0 && (made.set = threats_map(fd, &made.size)) == NULL)
		return false;
	pthread_rwlock_wrlock(&threats->lock);
	before = threats->places[entry->place];
	threats->places[entry->place] = made;
	if (strcmp(before.entry.name, entry->name) != 0)
		atomic_store_explicit(&threats->counts->hits[entry->place], 0, memory_order_relaxed);
	atomic_fetch_add(&threats->used, (unsigned)(made.set != NULL) - (unsigned)(before.set != NULL));
	pthread_rwlock_unlock(&threats->lock);
	threats_unmap(before.set, before.size);
	return true;
}

static unsigned find(struct threats *threats, const struct fw_addr *address, bool counts,
		     struct threats_hit ret_hits[LIMIT_THREAT_LISTS])
{
	unsigned found = 0;

	if (atomic_load(&threats->used) == 0)
		return 0;
	pthread_rwlock_rdlock(&threats->lock);
	for (unsigned action = 0; action < THREAT_ACTIONS; action++)
		for (unsigned i = 0; i < LIMIT_THREAT_LISTS; i++) {
			const struct place *place = &threats->places[i];
			struct threats_hit *hit = &ret_hits[found];

			if (place->set == NULL || place->entry.action != action ||
			    !prefix_set_find(place->set, address, &hit->net))
				continue;
			hit->action = action;
			memcpy(hit->name, place->entry.name, sizeof(hit->name));
			if (counts)
				atomic_fetch_add_explicit(&threats->counts->hits[i], 1, memory_order_relaxed);
			found++;
		}
	pthread_rwlock_unlock(&threats->lock);
	return found;
}

unsigned threats_find(struct threats *threats, const struct fw_addr *address,
		      struct threats_hit ret_hits[LIMIT_THREAT_LISTS])
{
	return find(threats, address, false, ret_hits);
}

bool threats_admit(struct threats *threats, const struct fw_addr *address, struct threats_hit *ret_hit)
{
	struct threats_hit hits[LIMIT_THREAT_LISTS];

	if (find(threats, address, true, hits) == 0)
		return false;
	*ret_hit = hits[0];
	return true;
}

size_t threats_text(const struct threats_hit *hit, char ret_text[THREATS_TEXT])
{
	char net[ADDR_TEXT];

	addr_format(&hit->net.base, net);
	return (size_t)snprintf(ret_text, THREATS_TEXT, "list %s: %s/%u", hit->name, net, hit->net.bits);
}

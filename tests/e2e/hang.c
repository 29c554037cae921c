/* A library that is loaded before a program: the next worker that comes back from waiting for its sockets stands still
 * for as long as a file says so: its first number is 0: go on, 1: wait, 2: run; its second 1 while one stands. The file
 * is opened once, before the program gives up its right to open any. Who is a worker says
 * the name that it gives itself. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { GO, WAIT, RUN };

struct hang {
	_Atomic uint32_t how, stand;
};
static struct hang *hang;
static _Thread_local int is_worker;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("TEST_HANG");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *seen = fd >= 0 ? mmap(NULL, sizeof(*hang), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (seen == MAP_FAILED)
		abort(); /* a test in which nothing stands would prove nothing */
	hang = seen;
	close(fd);
}

int pthread_setname_np(pthread_t thread, const char *name)
{
	(void)thread; /* only for themselves */
	is_worker = strncmp(name, "fw-worker", 9) == 0;
	return prctl(PR_SET_NAME, name);
}

int epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
	const struct timespec step = { 0, 10000000 };
	int count = epoll_pwait(fd, events, most, timeout, NULL);
	uint32_t none = 0, how;

	if (hang == NULL || !is_worker || atomic_load(&hang->how) == GO ||
	    !atomic_compare_exchange_strong(&hang->stand, &none, 1))
		return count;
	while ((how = atomic_load(&hang->how)) != GO)
		if (how == WAIT)
			nanosleep(&step, NULL);
	atomic_store(&hang->stand, 0);
	return count;
}

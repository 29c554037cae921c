/* Taking connections. When descriptors run out, a reserve is given up for a moment to turn the newcomers away: a
 * listening socket that stays readable would spin the loop. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shell/conn_io.h"

#define PAUSE_NS ((uint64_t)100000000) /* after a failure that only time can mend */

/* Connections leave descriptors to the record, the admin side and a reload: of the limit an eighth, 32 at most. Numbers
 * are given out from below, so that one of the last says that few are left. */
enum { SPARED_MOST = 32, SPARED_PART = 8 };

static int first_spared(void)
{
	struct rlimit limit;
	rlim_t spared;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
		return INT_MAX;
	spared = limit.rlim_cur / SPARED_PART < SPARED_MOST ? limit.rlim_cur / SPARED_PART : SPARED_MOST;
	return (int)(limit.rlim_cur - spared);
}

bool worker_accept_spares(struct worker *worker, int fd)
{
	if (fd < worker->first_spared)
		return false;
	worker->first_spared = first_spared(); /* it may have changed */
	return fd >= worker->first_spared;
}

static int open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* False when not even that helps. */
static bool turn_away(struct worker *worker, struct worker_listener *listener)
{
	int fd;

	if (worker->reserve_fd < 0)
		return false;
	close(worker->reserve_fd);
	fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	worker->reserve_fd = open_reserve();
	return fd >= 0;
}

static void watch_all(struct worker *worker, bool on)
{
	for (unsigned i = 0; i < worker->listener_count; i++)
		poller_change(&worker->poller, worker->listeners[i].fd, on ? EPOLLIN : 0, &worker->listeners[i].source);
}

static void pause_accepting(struct worker *worker)
{
	watch_all(worker, false);
	timers_set(&worker->timers, &worker->accept_pause, worker_now(worker)->monotonic_ns + PAUSE_NS);
}

void worker_accept_resume(struct worker *worker)
{
	if (worker->reserve_fd < 0)
		worker->reserve_fd = open_reserve();
	watch_all(worker, true);
}

static void take(struct worker *worker, struct worker_listener *listener, unsigned most)
{
	while (most-- != 0) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);
		int fd = accept4(listener->fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0 && worker_overload_cuts(worker)) {
			close(fd);
			continue;
		}
		if (fd >= 0 && worker_accept_spares(worker, fd)) {
			close(fd);
			worker_record_overload(worker, "descriptors");
			continue;
		}
		if (fd >= 0) {
			conn_io_accepted(worker, fd, &peer);
			continue;
		}
		switch (errno) {
		case EAGAIN:
			return;
		case EMFILE:
		case ENFILE:
			worker_record_overload(worker, "descriptors");
			if (turn_away(worker, listener))
				break;
			pause_accepting(worker);
			return;
		case ENOBUFS:
		case ENOMEM:
			worker_record_overload(worker, "kernel_memory");
			pause_accepting(worker);
			return;
		default: /* this one is gone already (accept(2) passes on network errors): the next may be well */
			break;
		}
	}
}

void worker_accept_ready(struct worker *worker, struct worker_listener *listener)
{
	worker_now(worker);
	take(worker, listener, LIMIT_ACCEPTS);
}

int worker_accept_start(struct worker *worker, const int *fds, unsigned fd_count)
{
	worker->reserve_fd = open_reserve();
	for (unsigned i = 0; i < fd_count; i++) {
		struct worker_listener *listener = &worker->listeners[i];

		*listener = (struct worker_listener){ .source = { SOURCE_LISTENER }, .fd = fds[i] };
		if (!poller_add(&worker->poller, fds[i], EPOLLIN, &listener->source)) {
			while (i < fd_count)
				close(fds[i++]);
			return -1;
		}
		worker->listener_count++;
	}
	return 0;
}

void worker_accept_stop(struct worker *worker, bool take_waiting)
{
	timers_cancel(&worker->timers, &worker->accept_pause);
	for (unsigned i = 0; i < worker->listener_count; i++) {
		struct worker_listener *listener = &worker->listeners[i];

		/* Who waits already is told, instead of being reset by the kernel. */
		if (take_waiting)
			take(worker, listener, LIMIT_ACCEPTS * 16);
		close(listener->fd);
		listener->fd = -1;
	}
	worker->listener_count = 0;
	timers_cancel(&worker->timers, &worker->accept_pause);
	if (worker->reserve_fd >= 0)
		close(worker->reserve_fd);
	worker->reserve_fd = -1;
}

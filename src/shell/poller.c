#include "shell/poller.h"

#include <unistd.h>

int poller_init(struct poller *poller, uv_loop_t *loop)
{
	*poller = (struct poller){ .fd = epoll_create1(EPOLL_CLOEXEC), .loop = loop, .loop_source = { SOURCE_LOOP } };
	if (poller->fd >= 0 && poller_add(poller, uv_backend_fd(loop), EPOLLIN, &poller->loop_source))
		return 0;
	poller_fini(poller);
	return -1;
}

void poller_fini(struct poller *poller)
{
	if (poller->fd >= 0)
		close(poller->fd);
	poller->fd = -1;
}

bool poller_add(struct poller *poller, int fd, uint32_t events, struct source *source)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(poller->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void poller_change(struct poller *poller, int fd, uint32_t events, struct source *source)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	epoll_ctl(poller->fd, EPOLL_CTL_MOD, fd, &event);
}

void poller_wait(struct poller *poller, int timeout_ms, poller_function *happened, void *user)
{
	struct epoll_event events[POLLER_BATCH];
	int loop_ms = uv_backend_timeout(poller->loop), count;
	bool loop_runs;

	if (loop_ms >= 0 && (timeout_ms < 0 || loop_ms < timeout_ms))
		timeout_ms = loop_ms;
	count = epoll_wait(poller->fd, events, POLLER_BATCH, timeout_ms);
	loop_runs = loop_ms == 0 || (loop_ms > 0 && count <= 0);
	for (int i = 0; i < count; i++) {
		struct source *source = events[i].data.ptr;

		if (source->kind == SOURCE_LOOP)
			loop_runs = true;
		else
			happened(user, source, events[i].events);
	}
	if (loop_runs)
		uv_run(poller->loop, UV_RUN_NOWAIT);
}

#include "shell/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "shell/process_link.h"

int dial_socket(const union resolve_address *address, socklen_t size)
{
	static const int one = 1;
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, &address->any, size) == 0 || errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

bool dial_send_ask(int link, const struct dial_ask *ask)
{
	return process_link_put(link, ask, sizeof(*ask), -1);
}

bool dial_send_answer(int link, const struct dial_answer *answer, int fd)
{
	return process_link_put(link, answer, sizeof(*answer), fd);
}

enum dial_heard dial_receive_ask(int link, struct dial_ask *ret_ask)
{
	int fd;
	long size = process_link_get(link, ret_ask, sizeof(*ret_ask), &fd);

	if (fd >= 0)
		close(fd); /* nobody honest sends one up */
	if (size <= 0)
		return size < 0 ? DIAL_NOTHING : DIAL_ENDED;
	return size == sizeof(*ret_ask) && fd < 0 && ret_ask->id != 0 &&
			       (ret_ask->kind == DIAL_CONNECT || ret_ask->kind == DIAL_CANCEL) &&
			       memchr(ret_ask->host, '\0', sizeof(ret_ask->host)) != NULL
		       ? DIAL_HEARD
		       : DIAL_NONSENSE;
}

enum dial_heard dial_receive_answer(int link, struct dial_answer *ret_answer, int *ret_fd)
{
	long size = process_link_get(link, ret_answer, sizeof(*ret_answer), ret_fd);

	if (size <= 0)
		return size < 0 ? DIAL_NOTHING : DIAL_ENDED;
	if (size == sizeof(*ret_answer) && ret_answer->result < DIAL_RESULTS)
		return DIAL_HEARD;
	if (*ret_fd >= 0)
		close(*ret_fd);
	*ret_fd = -1;
	return DIAL_NONSENSE;
}

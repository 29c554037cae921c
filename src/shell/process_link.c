#include "shell/process_link.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(2 * sizeof(int))]; /* alignment leaves room for two in any case */
};

bool process_link_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) == 0;
}

bool process_link_put(int link, const void *octets, size_t size, int fd)
{
	struct iovec part = { (void *)(uintptr_t)octets, size };
	struct msghdr whole = { .msg_iov = &part, .msg_iovlen = 1 };
	union control control;
	ssize_t sent;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		whole.msg_control = &control;
		whole.msg_controllen = CMSG_SPACE(sizeof(fd));
		control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(fd)),
						   .cmsg_level = SOL_SOCKET,
						   .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	do
		sent = sendmsg(link, &whole, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent > 0;
}

/* The one that came, or -1. More than one is nonsense: all are closed. */
static int take_descriptor(struct msghdr *whole)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(whole);
	size_t count;
	int fd = -1;

	if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return -1;
	count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(fd);
	for (size_t i = 0; i < count; i++) {
		memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
		if (count != 1)
			close(fd);
	}
	return count == 1 ? fd : -1;
}

/* A message of no octets reads like the end. */
static bool is_ended(int link)
{
	struct pollfd state = { .fd = link, .events = POLLIN };

	return poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

long process_link_get(int link, void *ret_octets, size_t room, int *ret_fd)
{
	struct iovec part = { ret_octets, room };
	union control control;
	struct msghdr whole = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	ssize_t size;

	*ret_fd = -1;
	memset(&control, 0, sizeof(control));
	do
		size = recvmsg(link, &whole, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : 0;
	if (size == 0 && is_ended(link))
		return 0;
	*ret_fd = take_descriptor(&whole);
	return size != 0 && (whole.msg_flags & MSG_TRUNC) == 0 ? size : (long)room + 1;
}

bool process_link_send(int link, const struct process_message *message, int fd)
{
	return process_link_put(link, message,
				offsetof(struct process_message, text) + strnlen(message->text, PROCESS_TEXT - 1) + 1,
				fd);
}

enum process_heard process_link_receive(int link, struct process_message *ret_message, int *ret_fd)
{
	long size = process_link_get(link, ret_message, sizeof(*ret_message), ret_fd);

	if (size < 0)
		return PROCESS_NOTHING;
	if ((size_t)size > offsetof(struct process_message, text) && (size_t)size <= sizeof(*ret_message) &&
	    ret_message->type < PROCESS_MESSAGES && ((const char *)ret_message)[size - 1] == '\0')
		return PROCESS_HEARD;
	if (*ret_fd >= 0)
		close(*ret_fd);
	*ret_fd = -1;
	return PROCESS_ENDED;
}

#include "shell/process_link.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

bool process_link_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) == 0;
}

bool process_link_send(int link, const struct process_message *message, int fd)
{
	struct iovec octets = { (void *)(uintptr_t)message,
				offsetof(struct process_message, text) + strnlen(message->text, PROCESS_TEXT - 1) + 1 };
	struct msghdr whole = { .msg_iov = &octets, .msg_iovlen = 1 };
	union control control;
	ssize_t sent;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		whole.msg_control = &control;
		whole.msg_controllen = sizeof(control);
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

enum process_heard process_link_receive(int link, struct process_message *ret_message, int *ret_fd)
{
	struct iovec octets = { ret_message, sizeof(*ret_message) };
	union control control;
	struct msghdr whole = {
		.msg_iov = &octets, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *header;
	ssize_t size;

	*ret_fd = -1;
	memset(&control, 0, sizeof(control));
	do
		size = recvmsg(link, &whole, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? PROCESS_NOTHING : PROCESS_ENDED;
	header = CMSG_FIRSTHDR(&whole);
	if (header != NULL && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(*ret_fd)))
		memcpy(ret_fd, CMSG_DATA(header), sizeof(*ret_fd));
	if ((size_t)size > offsetof(struct process_message, text) && ret_message->type < PROCESS_MESSAGES &&
	    ((const char *)ret_message)[size - 1] == '\0')
		return PROCESS_HEARD;
	if (*ret_fd >= 0)
		close(*ret_fd);
	*ret_fd = -1;
	return PROCESS_ENDED;
}

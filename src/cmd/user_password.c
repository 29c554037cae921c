#include "cmd/user_password.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/manage.h"
#include "cmd/options.h"

enum { LINE = 1024, CANCEL = 3 /* Ctrl-C: a signal would leave the terminal unseen */ };

/* One line without its end, octet by octet, so that no buffer of the C library keeps it. False: the end came first, or
 * it does not fit. */
static bool read_line(char ret_line[LINE])
{
	size_t size = 0;
	ssize_t got;
	char c;

	for (;;) {
		got = read(STDIN_FILENO, &c, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || c == '\n')
			break;
		if (c == CANCEL)
			return false;
		if (size == LINE - 1)
			return false;
		ret_line[size++] = c;
	}
	if (size != 0 && ret_line[size - 1] == '\r')
		size--;
	ret_line[size] = '\0';
	return got == 1 || size != 0;
}

static bool read_unseen(const char *prompt, char ret_line[LINE])
{
	struct termios before, unseen;
	bool read;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return false;
	unseen = before;
	unseen.c_lflag = (unseen.c_lflag & ~(tcflag_t)(ECHO | ISIG)) | ECHONL;
	unseen.c_cc[VEOL] = CANCEL; /* it ends the line, so that it is read at once */
	fprintf(stderr, "%s", prompt);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen) != 0)
		return false;
	read = read_line(ret_line);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	return read;
}

/* OPTIONS_GO_ON, or the exit status. */
static int read_password(char ret_line[LINE])
{
	char again[LINE];
	bool same;

	if (!isatty(STDIN_FILENO))
		return read_line(ret_line)
			       ? OPTIONS_GO_ON
			       : options_usage("user", "the password is to be the first line of standard input");
	if (!read_unseen("password: ", ret_line) || !read_unseen("again: ", again))
		return options_could_not("user", "no password was read");
	same = strcmp(ret_line, again) == 0;
	mem_wipe(again, sizeof(again));
	return same ? OPTIONS_GO_ON : options_usage("user", "the two are not the same; nothing was changed");
}

static int send_password(struct control_request *request, struct manage_member *members, size_t count, bool json,
			 const char *done, const char *user)
{
	char line[LINE] = "", body[MANAGE_BODY];
	int result = read_password(line);

	if (result == OPTIONS_GO_ON) {
		members[0] = (struct manage_member){ "password", line, false };
		if (manage_body(members, count, body)) {
			request->body = slice_text(body);
			result = manage_change(request, json, done, user);
		} else {
			result = options_usage(
				"user", "a user, a role and a password are UTF-8 text, and not longer than that");
		}
		request->body = slice(NULL, 0);
		mem_wipe(body, sizeof(body));
	}
	mem_wipe(line, sizeof(line));
	return result;
}

int user_add(struct control_request request, const char *user, const char *role, bool json)
{
	struct manage_member members[] = { { "password", NULL, false },
					   { "user", user, false },
					   { "role", role, false } };

	request.method = "POST";
	return send_password(&request, members, 3, json, "added: ", user);
}

int user_password(struct control_request request, const char *user, bool json)
{
	struct manage_member members[] = { { "password", NULL, false } };
	char path[MANAGE_PATH];

	if (!manage_path("/api/v1/users/", user, path))
		return options_usage("user", "a user is a text of 1 to 50 characters");
	request.method = "PUT";
	request.path = path;
	return send_password(&request, members, 1, json, "changed, and sessions of before are over: ", user);
}

int user_remove(struct control_request request, const char *user, bool json)
{
	char path[MANAGE_PATH];

	if (!manage_path("/api/v1/users/", user, path))
		return options_usage("user", "a user is a text of 1 to 50 characters");
	request.method = "DELETE";
	request.path = path;
	return manage_change(&request, json, "removed: ", user);
}

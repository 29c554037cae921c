/* PDF is made by a program of its own, framewall-pdf: what draws text is large, and does not belong into the one that
 * meets strangers. It stands beside this program, or where make install puts it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/report.h"

extern char **environ;

static const char verb[] = "report";

static bool to_file(void *user, struct fw_slice octets)
{
	return fwrite(octets.data, 1, octets.size, user) == octets.size;
}

/* The folder above that of this program is the prefix, wherever all of it was put. */
static bool find_program(char ret_path[REPORT_PATH])
{
	static const char *const places[] = { "framewall-pdf", "../" FRAMEWALL_PDF };
	char self[REPORT_PATH / 2];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *end;

	if (size <= 0)
		return false;
	self[size] = '\0';
	end = strrchr(self, '/');
	if (end == NULL)
		return false;
	*end = '\0';
	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(ret_path, REPORT_PATH, "%s/%s", self, places[i]);
		if (access(ret_path, X_OK) == 0)
			return true;
	}
	return false;
}

/* Its standard input is ret_input, its output is out's file. */
static int start(const char *path, FILE *out, FILE **ret_input, pid_t *ret_pid)
{
	char name[] = "framewall-pdf", *argv[] = { name, NULL };
	posix_spawn_file_actions_t actions;
	int ends[2], result;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
	result = posix_spawn(ret_pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[0]);
	*ret_input = result == 0 ? fdopen(ends[1], "w") : NULL;
	if (*ret_input == NULL)
		close(ends[1]);
	return result;
}

int report_pdf(const struct report *report, FILE *out)
{
	char path[REPORT_PATH];
	FILE *input = NULL;
	struct report_out to = { to_file };
	bool written;
	pid_t pid = -1;
	int result, status = -1;

	if (!find_program(path))
		return options_could_not(
			verb,
			"there is no framewall-pdf, neither beside this program nor in ../%s: it is built where the "
			"library pangocairo is, and is in the package framewall-report; the other formats need nothing",
			FRAMEWALL_PDF);
	signal(SIGPIPE, SIG_IGN); /* when it ends early its status says so */
	result = start(path, out, &input, &pid);
	if (result != 0)
		return options_could_not(verb, "cannot start %s: %s", path, strerror(result));
	to.user = input;
	written = input != NULL && report_json(report, &to);
	if (input != NULL && fclose(input) != 0)
		written = false;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !written)
		return options_could_not(verb, "%s could not make the PDF", path);
	return 0;
}

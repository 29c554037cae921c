/* A program that gets lines on its standard input. It is ours: started when there is something to say, ended when it
 * takes nothing any more, started again when it ended. What it has got is sure when it says "ok" to each line
 * (acknowledge), or else when it has read so much more (resend); and when it ends by itself, with status 0, after the
 * last line. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/sender_parts.h"

enum { KIB = 1024, POLL_MS = 50, CLOSE_MS = 1000, UNSURE_LINES = 10000 };

struct sender_program {
	pid_t pid;
	int in, out;	 /* its standard input; and its standard output, or -1 */
	uint64_t octets; /* that it was given */
	uint64_t lines, taken;
	bool half; /* of a line, at the end */
	char word[4];
	unsigned word_size; /* more than a word has room for: it is another one */
};

static enum sender_result why(struct sender *sender, const char *text)
{
	snprintf(sender->why, sizeof(sender->why), "%s", text);
	return SENDER_FAILED;
}

static enum sender_result cannot(struct sender *sender, const char *what, int reason)
{
	snprintf(sender->why, sizeof(sender->why), "cannot %s %.200s: %s", what, sender->receiver->path,
		 strerror(reason));
	return SENDER_FAILED;
}

/* No shell, no descriptor of ours but those two and standard error, nothing of our environment (there may be secrets in
 * it), a group of its own, so that a signal from a terminal is not its. 0, or an errno. */
static int spawn(const struct receiver *receiver, int in, int out, pid_t *ret_pid)
{
	char name[RECEIVER_NAME + 32], path[] = "PATH=/usr/local/bin:/usr/bin:/bin", lang[] = "LANG=C.UTF-8";
	char *argv[RECEIVER_ARGUMENTS + 2] = { (char *)receiver->path }, *environment[] = { path, lang, name, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int result;

	snprintf(name, sizeof(name), "FRAMEWALL_RECEIVER=%s", receiver->name);
	for (size_t i = 0; i < receiver->arguments.count && i < RECEIVER_ARGUMENTS; i++)
		argv[i + 1] = (char *)receiver->arguments.items[i];
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	else
		posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	result = posix_spawn(ret_pid, receiver->path, &files, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return result;
}

static void close_pair(int pair[2])
{
	for (unsigned i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

static enum sender_result open_program(struct sender *sender)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, reason = 0;
	struct sender_program *program = mem_zero(1, sizeof(*program));

	if (program == NULL)
		return why(sender, "memory is short");
	if (pipe2(in, O_CLOEXEC) != 0 || (sender->receiver->acknowledge && pipe2(out, O_CLOEXEC) != 0) ||
	    fcntl(in[1], F_SETFL, O_NONBLOCK) != 0 || (out[0] >= 0 && fcntl(out[0], F_SETFL, O_NONBLOCK) != 0))
		reason = errno;
	if (reason == 0)
		reason = spawn(sender->receiver, in[0], out[1], &program->pid);
	if (reason != 0) {
		close_pair(in);
		close_pair(out);
		mem_free(program);
		return cannot(sender, "start", reason);
	}
	close(in[0]);
	if (out[1] >= 0)
		close(out[1]);
	program->in = in[1];
	program->out = out[0];
	sender->program = program;
	sender->opened_ns = uv_hrtime();
	return SENDER_SENT;
}

/* "ok" and LF, as often as there are lines; all else that it says is nothing to us. */
static void take_octet(struct sender_program *program, char octet)
{
	if (octet != '\n') {
		if (program->word_size < sizeof(program->word))
			program->word[program->word_size++] = octet;
		return;
	}
	if (program->word_size == 2 && memcmp(program->word, "ok", 2) == 0 && program->taken < program->lines)
		program->taken++;
	program->word_size = 0;
}

static void listen_to(struct sender_program *program)
{
	char octets[4096];
	ssize_t got;

	while (program->out >= 0 && (got = read(program->out, octets, sizeof(octets))) > 0)
		for (ssize_t i = 0; i < got; i++)
			take_octet(program, octets[i]);
}

static void settle(struct sender *sender)
{
	struct sender_program *program = sender->program;
	uint64_t unsure = (uint64_t)sender->receiver->resend * KIB;
	int unread;

	if (program->out >= 0) {
		listen_to(program);
		delivery_window_settle(&sender->window, program->taken, &sender->settled);
		return;
	}
	if (ioctl(program->in, FIONREAD, &unread) != 0 || unread < 0)
		return;
	unsure += (uint64_t)unread;
	if (unsure < program->octets)
		delivery_window_settle(&sender->window, program->octets - unsure, &sender->settled);
}

/* False: it runs. */
static bool has_ended(struct sender *sender, int *ret_status)
{
	pid_t got = waitpid(sender->program->pid, ret_status, WNOHANG);

	if (got == 0)
		return false;
	if (got < 0) /* somebody else in this process has waited for it */
		*ret_status = -1;
	sender->program->pid = 0;
	return true;
}

static enum sender_result tell_end(struct sender *sender, int status)
{
	if (WIFEXITED(status))
		snprintf(sender->why, sizeof(sender->why), "the program ended with status %d", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		snprintf(sender->why, sizeof(sender->why), "the program was ended by signal %d", WTERMSIG(status));
	else
		return why(sender, "the program ended");
	return SENDER_FAILED;
}

/* To be called when something may have happened, or some milliseconds are over. */
static enum sender_result look_at(struct sender *sender, short events, int milliseconds)
{
	struct sender_program *program = sender->program;
	struct pollfd fds[3] = { { .fd = sender_stopping(sender) ? -1 : sender->wake, .events = POLLIN },
				 { .fd = program->in, .events = events },
				 { .fd = program->out, .events = POLLIN } };
	int status;

	poll(fds, 3, sender_patience(sender, milliseconds));
	settle(sender);
	return has_ended(sender, &status) ? tell_end(sender, status) : SENDER_SENT;
}

static enum sender_result push_all(struct sender *sender, struct fw_slice lines)
{
	struct sender_program *program = sender->program;
	uint64_t patience = (uint64_t)sender->receiver->timeout * 1000 * SENDER_MS, moved_ns = uv_hrtime();
	enum sender_result result = SENDER_SENT;

	while (result == SENDER_SENT && lines.size != 0) {
		ssize_t sent = write(program->in, lines.data, lines.size);

		if (sent > 0) {
			program->octets += (uint64_t)sent;
			lines = slice_from(lines, (size_t)sent);
			moved_ns = uv_hrtime();
			continue;
		}
		if (sent < 0 && errno != EAGAIN && errno != EINTR && errno != EPIPE)
			result = cannot(sender, "write to", errno);
		else if (uv_hrtime() - moved_ns > patience)
			result = why(sender, "the program takes nothing any more");
		else if (sender_patience(sender, POLL_MS) == 0)
			result = SENDER_STOPPED;
		else
			result = look_at(sender, sent < 0 && errno == EPIPE ? 0 : POLLOUT, POLL_MS);
	}
	program->half = lines.size != 0;
	return result;
}

/* Who acknowledges has not more than so many lines that he said nothing to. */
static enum sender_result await_words(struct sender *sender)
{
	struct sender_program *program = sender->program;
	uint64_t patience = (uint64_t)sender->receiver->timeout * 1000 * SENDER_MS, moved_ns = uv_hrtime();
	enum sender_result result = SENDER_SENT;

	while (result == SENDER_SENT && program->out >= 0 && program->lines - program->taken > UNSURE_LINES) {
		uint64_t before = program->taken;

		result = look_at(sender, 0, POLL_MS);
		if (program->taken != before)
			moved_ns = uv_hrtime();
		else if (result == SENDER_SENT && uv_hrtime() - moved_ns > patience)
			result = why(sender, "the program acknowledges nothing any more");
		else if (result == SENDER_SENT && sender_patience(sender, POLL_MS) == 0)
			result = SENDER_STOPPED;
	}
	return result;
}

static enum sender_result send_program(struct sender *sender, struct sender_batch *batch)
{
	struct fw_slice lines = slice(buf_data(&batch->lines), buf_size(&batch->lines)), rest = lines, line;
	enum sender_result result = sender->program == NULL ? open_program(sender) : look_at(sender, 0, 0);

	if (result == SENDER_SENT)
		result = await_words(sender);
	if (result == SENDER_SENT)
		result = push_all(sender, lines);
	if (result != SENDER_SENT)
		return result;
	while (delivery_line(&rest, &line))
		sender->program->lines++;
	if (!delivery_window_add(&sender->window, &batch->last,
				 sender->program->out >= 0 ? sender->program->lines : sender->program->octets))
		return why(sender, "memory is short");
	settle(sender);
	return SENDER_UNSURE;
}

static enum sender_result wait_program(struct sender *sender, int milliseconds)
{
	short events;

	if (sender->program != NULL)
		return look_at(sender, 0, milliseconds);
	sender_poll(sender, -1, 0, milliseconds, &events);
	return SENDER_SENT;
}

/* Its standard input ends: it ends, too, or is ended with all that it started. True: by itself, and well. */
static bool end_program(struct sender *sender, bool in_order)
{
	struct sender_program *program = sender->program;
	uint64_t until = uv_hrtime() + CLOSE_MS * SENDER_MS;
	int status = -1;
	bool ended = program->pid == 0 || has_ended(sender, &status);

	close(program->in);
	program->in = -1;
	while (!ended && in_order && uv_hrtime() < until) {
		struct pollfd out = { .fd = program->out, .events = POLLIN };

		poll(&out, 1, 5);
		listen_to(program);
		ended = has_ended(sender, &status);
	}
	listen_to(program);
	if (ended)
		return WIFEXITED(status) && WEXITSTATUS(status) == 0;
	kill(-program->pid, SIGKILL);
	for (until = uv_hrtime() + CLOSE_MS * SENDER_MS; !has_ended(sender, &status) && uv_hrtime() < until;)
		poll(NULL, 0, 1);
	return false;
}

static bool close_program(struct sender *sender, bool in_order)
{
	struct sender_program *program = sender->program;
	bool whole;

	if (program == NULL)
		return sender->window.count == 0;
	whole = end_program(sender, in_order && !program->half) && !program->half;
	if (program->out >= 0) { /* its word counts, and nothing else */
		delivery_window_settle(&sender->window, program->taken, &sender->settled);
		whole = sender->window.count == 0;
		close(program->out);
	}
	mem_free(program);
	sender->program = NULL;
	return whole;
}

const struct sender_transport sender_program = { send_program, wait_program, close_program };

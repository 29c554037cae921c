/* framewall top: figures of a running server, again and again, as top shows those of a machine. */
#include "cmd/top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/options.h"

static const char default_data[] = "./framewall-data";
/* Another screen than the shell's, without a cursor, whose lines do not wrap. */
static const char enter[] = "\033[?1049h\033[?25l\033[?7l", leave[] = "\033[?7h\033[?25h\033[?1049l";

struct terminal {
	struct termios before;
	int errors, said; /* standard error, and what stands in for it meanwhile */
};

static volatile sig_atomic_t ended, resized;

static void on_signal(int number)
{
	if (number == SIGWINCH || number == SIGCONT)
		resized = 1;
	else
		ended = 1;
}

static void put(const char *text, size_t size)
{
	while (size != 0) {
		ssize_t written = write(STDOUT_FILENO, text, size);

		if (written < 0 && errno == EINTR && !ended)
			continue; /* who is told to end does not wait for a terminal that nobody reads */
		if (written <= 0) {
			ended = 1;
			return;
		}
		text += written;
		size -= (size_t)written;
	}
}

static void set_raw(const struct terminal *terminal)
{
	struct termios raw = terminal->before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	put(enter, sizeof(enter) - 1);
}

static bool terminal_take(struct terminal *terminal)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT };
	struct sigaction action = { .sa_handler = on_signal };

	if (tcgetattr(STDIN_FILENO, &terminal->before) != 0)
		return false;
	for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
	fflush(stderr);
	terminal->said = memfd_create("framewall-top", MFD_CLOEXEC);
	terminal->errors = dup(STDERR_FILENO);
	if (terminal->said >= 0 && terminal->errors >= 0)
		dup2(terminal->said, STDERR_FILENO);
	set_raw(terminal);
	return true;
}

/* What was said meanwhile is said now. */
static void terminal_give(struct terminal *terminal)
{
	char text[1024];
	ssize_t size;

	put(leave, sizeof(leave) - 1);
	tcsetattr(STDIN_FILENO, TCSANOW, &terminal->before);
	fflush(stderr);
	if (terminal->errors >= 0)
		dup2(terminal->errors, STDERR_FILENO);
	if (terminal->said >= 0 && lseek(terminal->said, 0, SEEK_SET) == 0)
		while ((size = read(terminal->said, text, sizeof(text))) > 0)
			fwrite(text, 1, (size_t)size, stderr);
	close(terminal->errors);
	close(terminal->said);
}

static void look(struct top_view *view)
{
	struct winsize size = { 0 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	view->rows = size.ws_row != 0 ? size.ws_row : 24;
	view->columns = size.ws_col != 0 ? size.ws_col : 80;
}

static void draw(const struct top_sample *before, const struct top_sample *now, const struct top_view *view)
{
	struct top_page page = { 0 };

	top_page_make(&page, before, now, view);
	put("\033[H", 3);
	for (size_t at = 0; at < page.size;) {
		size_t size = (size_t)((char *)memchr(page.text + at, '\n', page.size - at) - (page.text + at));

		put(page.text + at, size);
		at += size + 1;
		put("\033[K", 3);
		if (at < page.size) /* behind the last one nothing scrolls */
			put("\r\n", 2);
	}
	put("\033[J", 3);
	mem_free(page.text);
}

/* False: it is over. */
static bool key(struct top_view *view, char pressed)
{
	switch (pressed) {
	case 'q':
	case 'Q':
	case 4: /* Ctrl-D */
		return false;
	case 's':
		view->order = (view->order + 1) % TOP_ORDERS;
		break;
	case '\t':
		view->pane = (view->pane + 1) % top_panes;
		break;
	case 'a':
		view->all = !view->all;
		break;
	case 'h':
	case '?':
		view->help = !view->help;
		break;
	default:
		if (pressed >= '1' && pressed < '1' + (char)top_panes)
			view->pane = (unsigned)(pressed - '1');
	}
	return true;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Until the next sample is due; what was pressed is read in any case, however long the last one took. False: it is
 * over. */
static bool listen_to_keys(const struct top_sample *before, const struct top_sample *now, struct top_view *view,
			   const struct terminal *terminal, uint64_t due_ms)
{
	while (!ended) {
		struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
		uint64_t at = now_ms();
		int got = poll(&fd, 1, at < due_ms ? (int)(due_ms - at) : 0);
		char pressed;

		if (got == 0)
			return true;
		if (got < 0 && resized) {
			resized = 0;
			set_raw(terminal); /* it may have been stopped */
			look(view);
		} else if (got > 0) {
			if (read(STDIN_FILENO, &pressed, 1) != 1)
				return false;
			if (pressed == ' ')
				return true;
			if (!key(view, pressed))
				return false;
		} else {
			continue;
		}
		draw(before, now, view);
	}
	return !ended;
}

static int watch(const char *data, long interval_ms)
{
	struct top_sample samples[2] = { { 0 } };
	struct top_view view = { 0 };
	struct terminal terminal;
	unsigned at = 0;
	int result = COMMAND_DONE;

	if (!terminal_take(&terminal))
		return options_could_not("top", "no terminal: %s", strerror(errno));
	for (;; at = 1 - at) {
		uint64_t due_ms = now_ms() + (uint64_t)interval_ms;

		top_sample_free(&samples[at]);
		result = top_sample_take(&samples[at], data);
		if (result != COMMAND_DONE)
			break;
		look(&view);
		if (samples[1 - at].at_ns != 0)
			draw(&samples[1 - at], &samples[at], &view);
		else
			draw(&samples[at], &samples[at], &view);
		if (!listen_to_keys(samples[1 - at].at_ns != 0 ? &samples[1 - at] : &samples[at], &samples[at], &view,
				    &terminal, due_ms))
			break;
	}
	top_sample_free(&samples[0]);
	top_sample_free(&samples[1]);
	terminal_give(&terminal);
	return result;
}

static int once(const char *data, long interval_ms, bool json)
{
	struct timespec pause = { interval_ms / 1000, interval_ms % 1000 * 1000000 };
	struct top_sample before, now = { 0 };
	struct top_view view = { 0 };
	struct top_page page = { 0 };
	int result = top_sample_take(&before, data);

	if (result != COMMAND_DONE)
		return result;
	nanosleep(&pause, NULL);
	result = top_sample_take(&now, data);
	if (result == COMMAND_DONE && json) {
		result = top_page_json(&before, &now);
	} else if (result == COMMAND_DONE) {
		top_page_make(&page, &before, &now, &view);
		fwrite(page.text, 1, page.size, stdout);
		mem_free(page.text);
	}
	top_sample_free(&before);
	top_sample_free(&now);
	return result;
}

int command_top(int argc, char **argv)
{
	const char *data = default_data, *interval = "1000";
	bool json = false, is_once = false;
	long interval_ms;
	const struct option_row rows[] = {
		{ "--data", "DIR", &data, NULL, "the state of the server; default ./framewall-data" },
		{ "--interval", "MS", &interval, NULL, "milliseconds between two looks, 100 to 60000; default 1000" },
		{ "--once", NULL, NULL, &is_once, "what came within one interval, once, without a terminal" },
		{ "--json", NULL, NULL, &json, "the same as one JSON object; with --once" },
	};
	struct options options = { "top", rows, sizeof(rows) / sizeof(*rows), NULL, 0, 0 };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	if (!options_number("top", "--interval", interval, 100, 60000, &interval_ms))
		return COMMAND_USAGE;
	if (is_once)
		return once(data, interval_ms, json);
	if (json)
		return options_usage("top", "--json goes with --once");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return options_usage("top", "this is no terminal: use --once, or framewall stats");
	return watch(data, interval_ms);
}

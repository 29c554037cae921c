#include "shell/dialler.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "shell/dial.h"
#include "shell/log.h"

#define SECOND_NS ((uint64_t)1000000000)

enum {
	BUCKETS = 256,
	TURN = 64,	  /* questions of a worker before another one has its turn */
	LEAST = 16,	  /* that a worker may have open, however few descriptors there are */
	SWEEP_MS = 1000,  /* how exact a time is in which nobody answers: the gate has its own, and asks no more then */
	LAST_S = 10,	  /* upstreams of the configuration before */
	LOOKUP_MS = 1000, /* a lookup may take when all else is over */
};

struct link;
struct dial {
	struct resolve_waiter wait; /* first: the resolver's callback casts */
	struct link *link;
	struct dial *next, **back;	  /* of link->open */
	struct dial *same;		  /* of link->by_id */
	struct dial *later, **later_back; /* of link->answers; later_back NULL: not there */
	struct resolve_name *name;
	uv_poll_t *poll; /* while it is connecting */
	uint64_t id, until_ns;
	uint16_t port;
	uint8_t first, tried, result;
	bool looking_up;
	int fd;
};

struct link {
	struct dialler *dialler;
	uv_poll_t poll;
	int fd;
	uint32_t generation;
	bool begins_due; /* the worker is to be told that this keeper is new */
	unsigned count;
	struct dial *open, *by_id[BUCKETS];
	struct dial *answers, **answers_end; /* the worker did not read */
};

struct dialler {
	uv_loop_t loop;
	uv_async_t wake;
	uv_timer_t sweep;
	pthread_t thread;
	struct resolve resolve;
	struct log *log;
	unsigned most, count; /* of each link; links */
	struct fw_policy *policy, *last;
	uint64_t last_until_ns;
	_Atomic(struct fw_policy *) offered;
	_Atomic bool stop;
	bool stopping;
	struct link links[];
};

static void free_poll(uv_handle_t *handle)
{
	mem_free(handle);
}

/* The socket is looked at no more; it may be closed, or be somebody else's, from now on. */
static void unwatch(struct dial *dial)
{
	if (dial->poll != NULL)
		uv_close((uv_handle_t *)dial->poll, free_poll);
	dial->poll = NULL;
}

static void drop_socket(struct dial *dial)
{
	unwatch(dial);
	if (dial->fd >= 0)
		close(dial->fd);
	dial->fd = -1;
}

static struct dial **find(struct link *link, uint64_t id)
{
	struct dial **at = &link->by_id[id % BUCKETS];

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->same;
	return at;
}

static void end(struct dial *dial)
{
	struct link *link = dial->link;

	drop_socket(dial);
	if (dial->looking_up)
		resolve_forget(dial->name, &dial->wait);
	*find(link, dial->id) = dial->same;
	*dial->back = dial->next;
	if (dial->next != NULL)
		dial->next->back = dial->back;
	if (dial->later_back != NULL) {
		*dial->later_back = dial->later;
		if (dial->later != NULL)
			dial->later->later_back = dial->later_back;
		else
			link->answers_end = dial->later_back;
	}
	link->count--;
	mem_free(dial);
}

static void end_all(struct link *link)
{
	while (link->open != NULL)
		end(link->open);
}

static bool answer_now(const struct link *link, uint64_t id, enum dial_result result, int fd)
{
	struct dial_answer answer = { .id = id, .generation = link->generation, .result = result };

	return dial_send_answer(link->fd, &answer, fd);
}

static void on_link(uv_poll_t *poll, int status, int events);

static void watch_link(struct link *link)
{
	bool waits = link->answers != NULL || link->begins_due;

	uv_poll_start(&link->poll, UV_READABLE | (waits ? UV_WRITABLE : 0), on_link);
}

/* At once, or when the worker reads again. */
static void finish(struct dial *dial, enum dial_result result)
{
	struct link *link = dial->link;

	unwatch(dial);
	if (result != DIAL_CONNECTED)
		drop_socket(dial);
	if (link->answers == NULL && !link->begins_due && answer_now(link, dial->id, result, dial->fd)) {
		end(dial);
		return;
	}
	dial->result = (uint8_t)result;
	dial->later_back = link->answers_end;
	*link->answers_end = dial;
	link->answers_end = &dial->later;
	watch_link(link);
}

static void send_waiting(struct link *link)
{
	if (link->begins_due && !answer_now(link, 0, DIAL_BEGINS, -1))
		return;
	link->begins_due = false;
	while (link->answers != NULL && answer_now(link, link->answers->id, link->answers->result, link->answers->fd))
		end(link->answers);
	watch_link(link);
}

static bool is_connected(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

static void connected(struct dial *dial)
{
	if (dial->name->count != 0)
		dial->name->good = (uint8_t)((dial->first + dial->tried - 1) % dial->name->count);
	finish(dial, DIAL_CONNECTED);
}

static void try_next(struct dial *dial);

static void on_connect(uv_poll_t *poll, int status, int events)
{
	struct dial *dial = poll->data;

	(void)events;
	unwatch(dial);
	if (status == 0 && is_connected(dial->fd)) {
		connected(dial);
		return;
	}
	drop_socket(dial);
	try_next(dial);
}

static bool watch(struct dial *dial)
{
	dial->poll = mem_zero(1, sizeof(*dial->poll));
	if (dial->poll == NULL)
		return false;
	if (uv_poll_init(&dial->link->dialler->loop, dial->poll, dial->fd) != 0) {
		mem_free(dial->poll);
		dial->poll = NULL;
		return false;
	}
	dial->poll->data = dial;
	return uv_poll_start(dial->poll, UV_WRITABLE, on_connect) == 0;
}

/* The next address that lets itself be asked. */
static void try_next(struct dial *dial)
{
	union resolve_address address;
	socklen_t size;

	while ((size = resolve_pick(dial->name, dial->first, dial->tried, dial->port, &address)) != 0) {
		struct pollfd writable = { .events = POLLOUT };

		dial->tried++;
		dial->fd = dial_socket(&address, size);
		if (dial->fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			finish(dial, DIAL_BUSY);
			return;
		}
		if (dial->fd < 0)
			continue;
		writable.fd = dial->fd;
		/* On this machine that takes no time: then nothing need be watched. */
		if (poll(&writable, 1, 0) == 1) {
			if (is_connected(dial->fd)) {
				connected(dial);
				return;
			}
			drop_socket(dial);
			continue;
		}
		if (!watch(dial))
			finish(dial, DIAL_BUSY);
		return;
	}
	finish(dial, dial->name->count == 0 ? DIAL_UNKNOWN : DIAL_REFUSED);
}

static void begin(struct dial *dial)
{
	dial->looking_up = false;
	dial->first = dial->name->good;
	try_next(dial);
}

static void on_address(struct resolve_waiter *waiter)
{
	begin((struct dial *)waiter);
}

static void take_offered(struct dialler *dialler)
{
	struct fw_policy *next = atomic_exchange(&dialler->offered, NULL);

	if (next == NULL)
		return;
	fw_policy_unref(dialler->last);
	dialler->last = dialler->policy;
	dialler->last_until_ns = uv_hrtime() + LAST_S * SECOND_NS;
	dialler->policy = next;
}

static bool names(const struct fw_policy *policy, const struct dial_ask *ask)
{
	for (unsigned i = 0; policy != NULL && i < policy->route_count; i++) {
		const struct policy_route *route = &policy->routes[i];

		if (route->has_upstream && route->upstream_port == ask->port &&
		    strcmp(route->upstream_host, ask->host) == 0)
			return true;
	}
	return false;
}

static bool is_upstream(struct dialler *dialler, const struct dial_ask *ask)
{
	take_offered(dialler);
	return names(dialler->policy, ask) || (uv_hrtime() < dialler->last_until_ns && names(dialler->last, ask));
}

static struct dial *open_dial(struct link *link, const struct dial_ask *ask)
{
	struct dialler *dialler = link->dialler;
	struct dial *dial = link->count < dialler->most ? mem_zero(1, sizeof(*dial)) : NULL;
	struct dial **bucket = &link->by_id[ask->id % BUCKETS];

	if (dial == NULL)
		return NULL;
	dial->link = link;
	dial->id = ask->id;
	dial->port = ask->port;
	dial->fd = -1;
	dial->until_ns = uv_hrtime() + (uint64_t)(dialler->policy->settings.connect_timeout + 1) * SECOND_NS;
	dial->same = *bucket;
	*bucket = dial;
	dial->next = link->open;
	dial->back = &link->open;
	if (dial->next != NULL)
		dial->next->back = &dial->next;
	link->open = dial;
	link->count++;
	return dial;
}

/* Without a dial to keep it, an answer that the worker does not read is lost: he asks for nothing more then. */
static void refuse(const struct link *link, const struct dial_ask *ask, enum dial_result result)
{
	answer_now(link, ask->id, result, -1);
}

static void ask(struct link *link, const struct dial_ask *asked)
{
	struct dialler *dialler = link->dialler;
	struct dial *dial;
	bool ready = false;

	if (*find(link, asked->id) != NULL)
		return; /* asked anew, since the keeper before may have taken it along */
	if (!is_upstream(dialler, asked)) {
		log_warn(dialler->log, upstream, "the gate asked for a connection to something that is no upstream");
		refuse(link, asked, DIAL_FORBIDDEN);
		return;
	}
	dial = open_dial(link, asked);
	if (dial == NULL) {
		refuse(link, asked, DIAL_BUSY);
		return;
	}
	dial->name = resolve_ask(&dialler->resolve, asked->host, uv_hrtime(), &dial->wait, &ready);
	dial->looking_up = dial->name != NULL && !ready;
	if (dial->name == NULL)
		finish(dial, DIAL_BUSY);
	else if (ready)
		begin(dial);
}

static void cancel(struct link *link, uint64_t id)
{
	struct dial *dial = *find(link, id);

	if (dial != NULL)
		end(dial);
}

static void hear(struct link *link)
{
	struct dial_ask asked;

	for (unsigned i = 0; i < TURN; i++) {
		enum dial_heard heard = dial_receive_ask(link->fd, &asked);

		if (heard == DIAL_NOTHING)
			return;
		if (heard == DIAL_ENDED) { /* nor is there a monitor: this process ends soon */
			uv_poll_stop(&link->poll);
			end_all(link);
			return;
		}
		if (heard == DIAL_NONSENSE) {
			log_warn(link->dialler->log, upstream, "the gate asked for a connection in no known way");
			continue;
		}
		if (asked.generation != link->generation)
			end_all(link); /* of a gate that fell */
		link->generation = asked.generation;
		if (asked.kind == DIAL_CANCEL)
			cancel(link, asked.id);
		else
			ask(link, &asked);
	}
}

static void on_link(uv_poll_t *poll, int status, int events)
{
	struct link *link = poll->data;

	if (status == 0 && (events & UV_WRITABLE) != 0)
		send_waiting(link);
	if (status == 0 && (events & UV_READABLE) != 0)
		hear(link);
}

static void on_sweep(uv_timer_t *timer)
{
	struct dialler *dialler = timer->data;
	uint64_t now = uv_hrtime();
	struct dial *next;

	for (unsigned i = 0; i < dialler->count; i++)
		for (struct dial *dial = dialler->links[i].open; dial != NULL; dial = next) {
			next = dial->next;
			if (dial->later_back == NULL && dial->until_ns < now) {
				if (dial->looking_up)
					resolve_forget(dial->name, &dial->wait);
				dial->looking_up = false;
				finish(dial, DIAL_REFUSED);
			}
		}
	if (dialler->last != NULL && dialler->last_until_ns < now)
		dialler->last = (fw_policy_unref(dialler->last), NULL);
}

static void give_up(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void stop_now(struct dialler *dialler)
{
	dialler->stopping = true;
	uv_timer_start(&dialler->sweep, give_up, LOOKUP_MS, 0);
	uv_unref((uv_handle_t *)&dialler->sweep);
	for (unsigned i = 0; i < dialler->count; i++) {
		end_all(&dialler->links[i]);
		uv_close((uv_handle_t *)&dialler->links[i].poll, NULL);
	}
	resolve_stop(&dialler->resolve);
	uv_close((uv_handle_t *)&dialler->wake, NULL);
}

static void on_wake(uv_async_t *wake)
{
	struct dialler *dialler = wake->data;

	take_offered(dialler);
	if (atomic_load(&dialler->stop) && !dialler->stopping)
		stop_now(dialler);
}

/* What a lookup that cannot be taken back does not keep from ending. */
static void run_to_the_end(struct dialler *dialler)
{
	uv_run(&dialler->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&dialler->sweep, NULL);
	uv_run(&dialler->loop, UV_RUN_NOWAIT);
}

static void *run(void *user)
{
	pthread_setname_np(pthread_self(), "fw-dialler");
	run_to_the_end(user);
	return NULL;
}

/* Half of the descriptors at most: record, database and admin side need some, too. */
static unsigned most_of(unsigned links)
{
	rlim_t most = LIMIT_DIALS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 2 < most)
		most = limit.rlim_cur / 2;
	most /= links;
	return most > LEAST ? (unsigned)most : LEAST;
}

static bool start_links(struct dialler *dialler, const int *links, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct link *link = &dialler->links[i];

		link->dialler = dialler;
		link->fd = links[i];
		link->answers_end = &link->answers;
		link->begins_due = true;
		if (uv_poll_init(&dialler->loop, &link->poll, link->fd) != 0)
			return false;
		link->poll.data = link;
		dialler->count++;
		watch_link(link);
	}
	return true;
}

struct dialler *dialler_start(const int *links, unsigned count, struct fw_policy *policy, struct log *log)
{
	struct dialler *dialler = mem_zero(1, sizeof(*dialler) + count * sizeof(struct link));

	if (dialler == NULL)
		return NULL;
	if (uv_loop_init(&dialler->loop) != 0) {
		mem_free(dialler);
		return NULL;
	}
	dialler->log = log;
	dialler->most = most_of(count);
	dialler->policy = fw_policy_ref(policy);
	resolve_init(&dialler->resolve, &dialler->loop, on_address);
	dialler->resolve.log = log;
	dialler->wake.data = dialler->sweep.data = dialler;
	uv_timer_init(&dialler->loop, &dialler->sweep);
	uv_async_init(&dialler->loop, &dialler->wake, on_wake);
	uv_timer_start(&dialler->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	if (start_links(dialler, links, count) && pthread_create(&dialler->thread, NULL, run, dialler) == 0)
		return dialler;
	stop_now(dialler);
	run_to_the_end(dialler);
	uv_loop_close(&dialler->loop);
	fw_policy_unref(dialler->policy);
	mem_free(dialler);
	return NULL;
}

void dialler_allow(struct dialler *dialler, struct fw_policy *policy)
{
	if (dialler == NULL)
		return;
	fw_policy_unref(atomic_exchange(&dialler->offered, fw_policy_ref(policy)));
	uv_async_send(&dialler->wake);
}

struct dialler *dialler_stop(struct dialler *dialler)
{
	if (dialler == NULL)
		return NULL;
	atomic_store(&dialler->stop, true);
	uv_async_send(&dialler->wake);
	pthread_join(dialler->thread, NULL);
	fw_policy_unref(atomic_exchange(&dialler->offered, NULL));
	fw_policy_unref(dialler->last);
	fw_policy_unref(dialler->policy);
	if (uv_loop_close(&dialler->loop) != 0) { /* only a lookup can be left */
		resolve_leave();
		return NULL;
	}
	resolve_fini(&dialler->resolve);
	mem_free(dialler);
	return NULL;
}

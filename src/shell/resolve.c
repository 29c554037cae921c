#include "shell/resolve.h"

#include <stdatomic.h>
#include <string.h>

#include "base/addr.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/log.h"

#define KEEP_NS ((uint64_t)10 * 1000000000)
#define RETRY_NS ((uint64_t)1000000000) /* an unknown name is not asked for at every connection */

static _Atomic bool left;

void resolve_leave(void)
{
	atomic_store(&left, true);
}

bool resolve_left(void)
{
	return atomic_load(&left);
}

void resolve_init(struct resolve *resolve, uv_loop_t *loop, void (*answered)(struct resolve_waiter *waiter))
{
	*resolve = (struct resolve){ .loop = loop, .answered = answered };
}

/* A host that is an address needs no lookup, ever. */
static bool literal(struct resolve_name *name)
{
	struct fw_slice host = slice_text(name->host);
	union resolve_address *address = &name->addresses[0];
	struct fw_addr addr;

	if (host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']')
		host = slice(host.data + 1, host.size - 2);
	if (!addr_parse(host, &addr))
		return false;
	memset(address, 0, sizeof(*address));
	if (addr.family == 4) {
		address->v4.sin_family = AF_INET;
		memcpy(&address->v4.sin_addr, addr.bytes, 4);
	} else {
		address->v6.sin6_family = AF_INET6;
		memcpy(&address->v6.sin6_addr, addr.bytes, 16);
	}
	name->count = 1;
	name->until_ns = UINT64_MAX;
	return true;
}

struct resolve_name *resolve_entry(struct resolve *resolve, const char *host)
{
	size_t size = strlen(host) + 1;
	struct resolve_name *name = resolve->names;

	while (name != NULL && strcmp(name->host, host) != 0)
		name = name->next;
	if (name != NULL || resolve->count >= LIMIT_ROUTES)
		return name;
	name = mem_zero(1, sizeof(*name) + size);
	if (name == NULL)
		return NULL;
	memcpy(name->host, host, size);
	name->resolve = resolve;
	name->waiting_end = &name->waiting;
	name->next = resolve->names;
	resolve->names = name;
	resolve->count++;
	literal(name);
	return name;
}

static void take_addresses(struct resolve_name *name, const struct addrinfo *list)
{
	uint8_t count = 0;

	for (; list != NULL && count < RESOLVE_ADDRESSES; list = list->ai_next) {
		if (list->ai_addrlen > sizeof(name->addresses[0]) ||
		    (list->ai_family != AF_INET && list->ai_family != AF_INET6))
			continue;
		memset(&name->addresses[count], 0, sizeof(name->addresses[0]));
		memcpy(&name->addresses[count++], list->ai_addr, list->ai_addrlen);
	}
	if (count != 0) {
		name->count = count;
		name->good = 0;
	}
}

static void tell_waiting(struct resolve_name *name)
{
	struct resolve_waiter *waiting = name->waiting;

	name->waiting = NULL;
	name->waiting_end = &name->waiting;
	while (waiting != NULL) {
		struct resolve_waiter *waiter = waiting;

		waiting = waiter->next;
		waiter->next = NULL;
		name->resolve->answered(waiter);
	}
}

static void on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct resolve_name *name = request->data;

	name->asking = false;
	if (status != 0 && status != UV_ECANCELED)
		log_warn(name->resolve->log, upstream, "cannot look up %s: %s%s", name->host, uv_strerror(status),
			 name->count != 0 ? "; the address known before is used" : "");
	/* On failure the addresses known before are used on for another while. */
	if (status == 0)
		take_addresses(name, list);
	uv_freeaddrinfo(list);
	name->until_ns = name->resolve->now_ns + (name->count != 0 ? KEEP_NS : RETRY_NS);
	tell_waiting(name);
}

struct resolve_name *resolve_ask(struct resolve *resolve, const char *host, uint64_t now_ns,
				 struct resolve_waiter *waiter, bool *ret_ready)
{
	static const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct resolve_name *name = resolve_entry(resolve, host);

	resolve->now_ns = now_ns;
	*ret_ready = false;
	if (name == NULL)
		return NULL;
	if (!name->asking && now_ns < name->until_ns) {
		*ret_ready = true;
		return name;
	}
	if (!name->asking) {
		name->request.data = name;
		if (uv_getaddrinfo(resolve->loop, &name->request, on_answer, name->host, NULL, &hints) != 0) {
			*ret_ready = true; /* what is known, or nothing */
			return name;
		}
		name->asking = true;
	}
	waiter->next = NULL;
	*name->waiting_end = waiter;
	name->waiting_end = &waiter->next;
	return name;
}

void resolve_forget(struct resolve_name *name, struct resolve_waiter *waiter)
{
	struct resolve_waiter **link = &name->waiting;

	while (*link != NULL && *link != waiter)
		link = &(*link)->next;
	if (*link == NULL)
		return;
	*link = waiter->next;
	waiter->next = NULL;
	if (*link == NULL)
		name->waiting_end = link;
}

void resolve_stop(struct resolve *resolve)
{
	for (struct resolve_name *name = resolve->names; name != NULL; name = name->next)
		if (name->asking)
			uv_cancel((uv_req_t *)&name->request);
}

void resolve_fini(struct resolve *resolve)
{
	while (resolve->names != NULL) {
		struct resolve_name *name = resolve->names;

		resolve->names = name->next;
		mem_free(name);
	}
	resolve->count = 0;
}

socklen_t resolve_pick(const struct resolve_name *name, unsigned first, unsigned tried, uint16_t port,
		       union resolve_address *ret_address)
{
	if (tried >= name->count)
		return 0;
	*ret_address = name->addresses[(first + tried) % name->count];
	if (ret_address->any.sa_family == AF_INET) {
		ret_address->v4.sin_port = htons(port);
		return sizeof(ret_address->v4);
	}
	ret_address->v6.sin6_port = htons(port);
	return sizeof(ret_address->v6);
}

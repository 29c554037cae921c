/* client_address.c: who the client is when proxies stand in front. What a trusted proxy says is read from the right:
 * each address that is one of a trusted proxy is believed what it says about the one before it, and the first that is
 * not is the client. Whatever anybody else sends in such a header is no more than text (ASVS 5.0 15.3.4). */
#include "base/slice.h"
#include "codec/forwarded.h"
#include "engine/conn_state.h"

bool client_address_awaited(const struct fw_conn *conn)
{
	return conn->policy->settings.client_address != CLIENT_PEER && policy_trusts(conn->policy, &conn->peer);
}

static bool has_forwarding(const struct http1_head *head)
{
	unsigned x_for, standard;

	http1_find(head, "X-Forwarded-For", &x_for);
	http1_find(head, "Forwarded", &standard);
	return x_for + standard != 0;
}

void client_address_find(struct fw_conn *conn, const struct http1_head *head)
{
	struct fw_addr address = conn->peer;
	struct forwarded said;
	unsigned hop = 0;

	if (!client_address_awaited(conn)) {
		if (has_forwarding(head))
			conn->engine->counters[COUNT_forwarded_ignored]++;
		return;
	}
	forwarded_read(head,
		       conn->policy->settings.client_address == CLIENT_FORWARDED ? FORWARDED_STANDARD : FORWARDED_X_FOR,
		       &said);
	while (hop < said.count && policy_trusts(conn->policy, &address))
		address = said.addresses[hop++];
	/* All that was read are proxies, and what stands before them is no address: the farthest of them counts. */
	if (!said.whole && policy_trusts(conn->policy, &address))
		conn->engine->counters[COUNT_forwarded_invalid]++;
	if (hop == 0)
		return;
	conn->forwarded = true;
	conn->proxy = conn->peer;
	conn->peer = address;
	conn->peer_port = 0;
}

bool client_address_trusts(const struct fw_conn *conn)
{
	return conn->forwarded || client_address_awaited(conn);
}

void client_address_record(const struct fw_conn *conn, struct event_node *node)
{
	char text[ADDR_TEXT];

	if (conn->proxy.family != 0)
		event_detail(node, "proxy", slice(text, addr_format(&conn->proxy, text)));
}

/* recheck.c: a live connection and a policy that came after it. Between two messages it is asked what the handshake and
 * the login were asked: whom the new policy would not have let in is closed, all others live on under it. What a
 * connection counted (its rates, its violations) it keeps. */
#include "base/mem.h"
#include "base/slice.h"
#include "codec/http1.h"
#include "engine/conn_state.h"

#include <string.h>

bool recheck_keep(struct fw_conn *conn, const struct http1_head *head)
{
	const struct http1_field *origin = http1_find(head, "Origin", NULL), *host = http1_find(head, "Host", NULL);
	struct fw_slice texts[] = { head->path, origin != NULL ? origin->value : slice(NULL, 0), host->value };
	struct arrival *kept;
	char *at;

	_Static_assert(LIMIT_HEAD_BYTES <= UINT16_MAX, "sizes of an arrival are 16 bits wide");
	kept = mem_alloc(sizeof(*kept) + texts[0].size + texts[1].size + texts[2].size);
	if (kept == NULL)
		return false;
	*kept = (struct arrival){ .path_size = (uint16_t)texts[0].size,
				  .origin_size = (uint16_t)texts[1].size,
				  .host_size = (uint16_t)texts[2].size,
				  .has_origin = origin != NULL };
	at = kept->texts;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].size != 0)
			memcpy(at, texts[i].data, texts[i].size);
		at += texts[i].size;
	}
	mem_free(conn->arrival);
	conn->arrival = kept;
	return true;
}

/* What the next policy says of a connection. */
struct word {
	const struct policy_route *route;
	uint16_t role;
	bool has_role;
	unsigned reason; /* CLOSE_NORMAL: it may stay */
	const char *cause;
};

static bool refuse(struct word *word, unsigned reason, const char *cause)
{
	word->reason = reason;
	word->cause = cause;
	return false;
}

static bool monitors(const struct fw_policy *policy)
{
	return policy->settings.mode == MODE_MONITOR;
}

static bool check_transport(const struct fw_conn *conn, const struct fw_policy *next, struct word *word)
{
	const struct settings *settings = &next->settings;

	if (next->certificate_count != 0 && conn->tls_version == NULL)
		return refuse(word, CLOSE_NOT_ALLOWED, "clients connect by TLS from now on");
	if (settings->tls_client_certificate == CLIENT_CERTIFICATE_REQUIRE && conn->tls_version != NULL &&
	    conn->tls_certificate == NULL)
		return refuse(word, CLOSE_NOT_ALLOWED, "clients need a certificate from now on");
	if (conn->proxy.family != 0 && !policy_trusts(next, &conn->proxy))
		return refuse(word, CLOSE_NOT_ALLOWED, "the proxy that named its address is not trusted any more");
	if (conn->forwarded && settings->client_address == CLIENT_PEER)
		return refuse(word, CLOSE_NOT_ALLOWED, "the header that named its address does not count any more");
	return true;
}

static bool check_place(const struct fw_conn *conn, const struct fw_policy *next, struct word *word)
{
	const struct arrival *arrival = conn->arrival;
	struct fw_slice path = slice(arrival->texts, arrival->path_size);
	struct fw_slice origin = slice(arrival->texts + path.size, arrival->origin_size);
	struct fw_slice host = slice(arrival->texts + path.size + origin.size, arrival->host_size);

	word->route = policy_route_find(next, path);
	if (word->route == NULL && monitors(next))
		word->route = policy_route_find(next, slice_text("/"));
	if (word->route == NULL)
		return refuse(word, CLOSE_NOT_ALLOWED, "no route for its path any more");
	if (!policy_host_allowed(next, word->route, host, conn->tls_version != NULL))
		return refuse(word, CLOSE_NOT_ALLOWED, "its Host is not listed any more");
	if (!arrival->has_origin && next->settings.origin_required)
		return refuse(word, CLOSE_NOT_ALLOWED, "Origin is required from now on");
	if (arrival->has_origin && !policy_origin_allowed(next, word->route, origin))
		return refuse(word, CLOSE_NOT_ALLOWED, "its Origin is not listed any more");
	return true;
}

static bool check_anonymous(const struct fw_conn *conn, const struct fw_policy *next, struct word *word)
{
	uint16_t now = word->route->anonymous_role;

	word->has_role = now != POLICY_NONE;
	word->role = now;
	if (now == POLICY_NONE)
		return refuse(word, CLOSE_REVOKED, "a login is required from now on");
	/* The server behind was told of another role. */
	if (conn->principal != NULL &&
	    strcmp(next->roles[now].name, conn->policy->roles[conn->principal->role].name) != 0)
		return refuse(word, CLOSE_REVOKED, "the role of who does not log in was changed");
	return true;
}

static bool check_login(const struct fw_conn *conn, const struct fw_policy *next, struct word *word)
{
	const struct principal *who = conn->principal;
	uint16_t given;

	if (conn->phase == PHASE_LOGIN)
		return true;
	if (who == NULL || who->anonymous)
		return check_anonymous(conn, next, word);
	word->role = policy_role_find(next, slice_text(conn->policy->roles[who->role].name));
	word->has_role = word->role != POLICY_NONE;
	if (!word->has_role)
		return refuse(word, CLOSE_REVOKED, "its role is gone");
	if (!(next->methods >> who->method & 1))
		return refuse(word, CLOSE_REVOKED, "its way to log in is not listed any more");
	if (who->key_stored && !(next->methods >> METHOD_API_KEY & 1))
		return refuse(word, CLOSE_REVOKED, "API keys are not listed any more");
	if (who->credential == 0 && !who->key_stored && !(next->methods >> METHOD_PASSWORD & 1))
		return refuse(word, CLOSE_REVOKED, "passwords are not listed any more");
	if (who->credential != 0 && !policy_credential_counts(next, who->credential, &given))
		return refuse(word, CLOSE_REVOKED, "the key of its credential is gone");
	if (who->credential != 0 && given != POLICY_NONE && given != word->role)
		return refuse(word, CLOSE_REVOKED, "the role of its key was changed");
	if (!binding_suffices(who->bound, policy_credential_required(next, who->credential)))
		return refuse(word, CLOSE_REVOKED, "a bound token is required from now on");
	if (require_unmet(conn, next, word->route, who) != NULL)
		return refuse(word, CLOSE_REVOKED, require_unmet(conn, next, word->route, who));
	return true;
}

static void sooner(uint64_t *end, uint64_t at)
{
	if (at < *end)
		*end = at;
}

/* Ends that were reckoned when they began: shorter ones count for who is here already, longer ones for who comes. */
static void shorten(struct fw_conn *conn, const struct fw_policy *next)
{
	const uint64_t hour = 3600 * SECOND_NS, now = conn->engine->now.monotonic_ns;
	const struct settings *were = &conn->policy->settings, *are = &next->settings;
	struct principal *who = conn->principal;

	if (conn->phase == PHASE_LOGIN)
		sooner(&conn->phase_until_ns, now + (uint64_t)are->login_timeout * SECOND_NS);
	if (who == NULL)
		return;
	sooner(&who->expires_ns, who->since_ns + (uint64_t)are->session_absolute_hours * hour);
	if (are->csrf_expiry < were->csrf_expiry)
		who->csrf_until_ns -= (uint64_t)(were->csrf_expiry - are->csrf_expiry) * hour;
}

static void convert(uint64_t *cell, const struct gcra *from, const struct gcra *to, uint64_t now_ns)
{
	if (from->interval_ns != to->interval_ns || from->burst_ns != to->burst_ns)
		*cell = gcra_convert(*cell, from, to, now_ns);
}

/* What was counted of a type goes on counting, under its new rate. False: memory is short. */
static bool move_type_cells(struct fw_conn *conn, const struct fw_policy *next)
{
	const struct fw_policy *old = conn->policy;
	uint64_t *cells = NULL;

	if (conn->type_cells != NULL && next->rate_cells != 0) {
		cells = mem_zero(next->rate_cells, sizeof(*cells));
		if (cells == NULL)
			return false;
	}
	for (unsigned i = 0; cells != NULL && i < old->message_count; i++) {
		const struct policy_message *from = &old->messages[i], *to;
		uint16_t type = from->rate != NULL ? policy_message_find(next, slice(from->name, from->name_size))
						   : POLICY_NONE;

		to = type != POLICY_NONE ? &next->messages[type] : NULL;
		if (to == NULL || to->rate == NULL)
			continue;
		cells[to->rate_cell] = conn->type_cells[from->rate_cell];
		convert(&cells[to->rate_cell], from->rate, to->rate, conn->engine->now.monotonic_ns);
	}
	mem_free(conn->type_cells);
	conn->type_cells = cells;
	return true;
}

static void note_would(struct fw_conn *conn, const struct word *word)
{
	struct event_node *node = event_record(conn, close_reason_row(word->reason)->event);

	event_text(node, "mode", "monitor");
	event_text(node, "would", "close");
	event_number(node, "close_code", close_reason_row(word->reason)->code);
	event_text(node, "cause", word->cause);
}

static void move(struct fw_conn *conn, struct fw_policy *next, const struct word *word)
{
	uint64_t now_ns = conn->engine->now.monotonic_ns;
	bool begins = monitors(conn->policy) && !monitors(next) && conn->phase == PHASE_OPEN;

	if (conn->principal != NULL && word->has_role && !principal_narrow(conn->principal, next, word->role)) {
		ending_close(conn, CLOSE_FAULT, NULL, "memory");
		return;
	}
	quota_move(conn, next, word->route);
	access_flush(conn); /* it names its types by the policy that counted them */
	shorten(conn, next);
	convert(&conn->message_cell, &conn->policy->message_rate, &next->message_rate, now_ns);
	convert(&conn->byte_cell, &conn->policy->byte_rate, &next->byte_rate, now_ns);
	convert(&conn->control_cell, &conn->policy->control_rate, &next->control_rate, now_ns);
	convert(&conn->frame_cell, &conn->policy->frame_rate, &next->frame_rate, now_ns);
	convert(&conn->answer_cell, &conn->policy->answer_rate, &next->answer_rate, now_ns);
	if (conn->principal != NULL && word->has_role)
		conn->principal->role = word->role;
	else if (conn->principal != NULL)
		conn->principal = principal_free(conn->principal); /* monitor: nobody need be logged in */
	if (!move_type_cells(conn, next)) {
		ending_close(conn, CLOSE_FAULT, NULL, "memory");
		return;
	}
	fw_policy_ref(next);
	fw_policy_unref(conn->policy);
	conn->policy = next;
	conn->route = word->route;
	if (begins && conn->principal == NULL)
		login_anonymous(conn, word->role);
}

void fw_conn_distrust(struct fw_conn *conn)
{
	const struct word word = { .reason = CLOSE_NOT_ALLOWED, .cause = "its certificate would not hold any more" };

	if (conn->phase >= PHASE_CLOSING)
		return;
	if (monitors(conn->engine->policy)) {
		note_would(conn, &word);
		return;
	}
	conn->engine->counters[COUNT_closed_by_reload]++;
	ending_close(conn, word.reason, NULL, word.cause);
}

void fw_conn_recheck(struct fw_conn *conn)
{
	struct fw_policy *next = conn->engine->policy;
	struct word word = { .reason = CLOSE_NORMAL };

	if (conn->policy == next || conn->broken || (conn->phase != PHASE_LOGIN && conn->phase != PHASE_OPEN))
		return;
	/* Monitor asks nobody to log in: who is doing so is asked again when that is over. */
	if (conn->phase == PHASE_LOGIN && (monitors(next) || monitors(conn->policy)))
		return;
	if (check_place(conn, next, &word) && check_transport(conn, next, &word))
		check_login(conn, next, &word);
	if (word.reason == CLOSE_NORMAL) {
		move(conn, next, &word);
	} else if (monitors(next) && word.route != NULL) {
		note_would(conn, &word);
		if (conn->principal != NULL && !word.has_role) {
			word.role = policy_role_find(next, slice_text(conn->policy->roles[conn->principal->role].name));
			word.has_role = word.role != POLICY_NONE;
		}
		move(conn, next, &word);
	} else {
		conn->engine->counters[COUNT_closed_by_reload]++;
		ending_close(conn, word.reason, NULL, word.cause);
	}
}

/* TLS of the admin port, and who an operator is by his certificate. What libuv read is decrypted at once; what goes out
 * is encrypted into memory of its own, which libuv keeps until it is sent. */
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "crypto/certificate.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"

enum { ROOM = 16384, NAMES_MOST = 65536 };

/* Encrypted octets, as long as they are being sent. */
struct sealed {
	uv_write_t request;
	uv_write_t *plain; /* the caller's; NULL: nobody waits for it */
	uv_write_cb done;
	size_t size;
	uint8_t octets[];
};

static void on_sent(uv_write_t *request, int status)
{
	struct sealed *sealed = request->data;

	if (sealed->plain != NULL)
		sealed->done(sealed->plain, status);
	mem_free(sealed);
}

/* What waits in the memory that all streams use, behind what is there already. NULL: memory is short. */
static struct sealed *collect(struct admin_conn *conn, struct sealed *sealed)
{
	struct tls_io *io = conn->admin->tls_io;
	struct fw_slice waiting = tls_stream_waiting(conn->tls, io);
	size_t before = sealed != NULL ? sealed->size : 0;
	struct sealed *grown = mem_resize(sealed, sizeof(*sealed) + before + waiting.size);

	if (grown == NULL) {
		mem_free(sealed);
	} else {
		grown->size = before + waiting.size;
		if (waiting.size != 0)
			memcpy(grown->octets + before, waiting.data, waiting.size);
	}
	tls_stream_sent(conn->tls, io, waiting.size);
	return grown;
}

static int post(struct admin_conn *conn, struct sealed *sealed, uv_write_t *plain, uv_write_cb done)
{
	uv_buf_t part = uv_buf_init((char *)sealed->octets, (unsigned)sealed->size);
	int result;

	sealed->plain = plain;
	sealed->done = done;
	sealed->request.data = sealed;
	if (plain != NULL)
		plain->handle = &conn->io.stream;
	result = uv_write(&sealed->request, &conn->io.stream, &part, 1, on_sent);
	if (result != 0)
		mem_free(sealed);
	return result;
}

int admin_tls_write(struct admin_conn *conn, uv_write_t *request, const uv_buf_t *parts, unsigned count,
		    uv_write_cb done)
{
	struct sealed *sealed = NULL;

	if (conn->tls == NULL)
		return uv_write(request, &conn->io.stream, parts, count, done);
	for (unsigned i = 0; i < count; i++)
		for (size_t at = 0, size; at < parts[i].len; at += size) {
			size = parts[i].len - at < TLS_STREAM_MOST ? parts[i].len - at : TLS_STREAM_MOST;
			if (!tls_stream_give(conn->tls, conn->admin->tls_io, (const uint8_t *)parts[i].base + at,
					     size)) {
				mem_free(sealed);
				return UV_ECONNABORTED;
			}
			sealed = collect(conn, sealed);
			if (sealed == NULL)
				return UV_ENOMEM;
		}
	return sealed != NULL ? post(conn, sealed, request, done) : UV_EINVAL;
}

/* What OpenSSL has to say by itself. False: it cannot. */
static bool flush(struct admin_conn *conn)
{
	struct sealed *sealed;

	if (tls_stream_waiting(conn->tls, conn->admin->tls_io).size == 0)
		return true;
	sealed = collect(conn, NULL);
	return sealed != NULL && post(conn, sealed, NULL, NULL) == 0;
}

bool admin_tls_begin(struct admin_conn *conn)
{
	struct admin *admin = conn->admin;
	struct tls *tls = admin->keeper->options.tls;
	bool plain;

	if (tls == NULL || !tls_serves_admin(tls))
		return true;
	if (admin->tls_io == NULL)
		admin->tls_io = tls_stream_io(tls);
	if (admin->tls_io == NULL)
		return false;
	conn->tls = tls_stream_accept_admin(tls, admin->tls_io, &plain);
	return conn->tls != NULL || plain;
}

void admin_tls_room(struct admin_conn *conn, uv_buf_t *ret_buf)
{
	*ret_buf = uv_buf_init((char *)conn->admin->tls_io->read, ROOM);
}

/* A person who forgot the "s" reads it. */
static void speak_plainly(struct admin_conn *conn)
{
	conn->tls = tls_stream_free(conn->tls);
	conn->admin->tls_io->out_size = 0;
	conn->close_after = true;
	admin_answer_problem(conn, 400, "this port speaks TLS: use https://", "");
}

/* Who shows a certificate that does not hold, or none where one is demanded, is recorded; not more often than who
 * shows a token that is none. */
static void fail(struct admin_conn *conn)
{
	if (admin_guard_notes(conn))
		admin_record_refused(conn, tls_stream_failure(conn->tls));
	(void)flush(conn);
	admin_conn_linger(conn);
}

size_t admin_tls_take(struct admin_conn *conn, const uint8_t *octets, size_t size)
{
	struct admin *admin = conn->admin;
	uint8_t *room = buf_reserve(&conn->in, &admin->pool, size + TLS_STREAM_SLACK);
	size_t plain;

	if (room == NULL) {
		admin_conn_close(conn);
		return 0;
	}
	plain = tls_stream_take(conn->tls, admin->tls_io, octets, size, room, size + TLS_STREAM_SLACK);
	buf_added(&conn->in, plain);
	switch (tls_stream_state(conn->tls)) {
	case TLS_STREAM_PLAIN:
		speak_plainly(conn);
		return 0;
	case TLS_STREAM_FAILED:
		fail(conn);
		return 0;
	default:
		break;
	}
	if (flush(conn) && (plain != 0 || tls_stream_state(conn->tls) != TLS_STREAM_ENDED))
		return plain;
	admin_conn_close(conn);
	return 0;
}

void admin_tls_finish(struct admin_conn *conn)
{
	if (conn->tls == NULL)
		return;
	tls_stream_finish(conn->tls, conn->admin->tls_io);
	(void)flush(conn);
}

void admin_tls_free(struct admin_conn *conn)
{
	conn->tls = tls_stream_free(conn->tls);
}

/* --- who it is */

/* The name of the certificate that an entry asks for. */
static const struct fw_certificate_name *find(const struct fw_certificate *certificate, unsigned kind,
					      const char *pattern)
{
	for (size_t i = 0; i < certificate->name_count; i++)
		if (certificate->names[i].kind == kind &&
		    policy_certificate_matches(kind, pattern, certificate->names[i].text))
			return &certificate->names[i];
	return NULL;
}

static bool meets(const struct fw_certificate *certificate, const char *entry, struct admin_access *ret_access)
{
	char pattern[POLICY_OPERATOR_NAME];
	const struct fw_certificate_name *name;
	unsigned kind;
	const char *role = policy_operator_read(entry, &kind, pattern);
	struct fw_slice shown;

	name = role != NULL ? find(certificate, kind, pattern) : NULL;
	if (name == NULL)
		return false;
	*ret_access = (struct admin_access){ .role = admin_role_find(slice_text(role)),
					     .expires_wall_us = certificate->until_wall_us };
	shown = name->text.size < sizeof(ret_access->name) ? name->text
							   : slice(name->text.data, sizeof(ret_access->name) - 1);
	memcpy(ret_access->name, shown.data, shown.size);
	return true;
}

struct admin_access admin_tls_access(struct admin_conn *conn)
{
	const struct settings *settings = &conn->admin->keeper->options.policy->settings;
	struct admin_access access = { .role = ADMIN_ROLE_open };
	struct certificate_facts facts;
	struct arena arena;

	if (conn->tls == NULL || settings->admin_client_certificate == CLIENT_CERTIFICATE_NONE ||
	    !tls_stream_facts(conn->tls).certificate)
		return access;
	arena_init(&arena, NAMES_MOST);
	tls_stream_names(conn->tls, &arena, &facts);
	for (size_t i = 0; facts.certificate.fault == NULL && i < settings->admin_roles.count; i++)
		if (meets(&facts.certificate, settings->admin_roles.items[i], &access))
			break;
	arena_fini(&arena);
	if (access.expires_wall_us <= clock_wall_us())
		access.role = ADMIN_ROLE_open;
	return access;
}

bool admin_tls_holds(struct admin_conn *conn)
{
	struct tls *tls = conn->admin->keeper->options.tls;

	if (conn->control || tls == NULL)
		return true;
	return conn->tls != NULL ? tls_stream_trusted(conn->tls, tls) : !tls_serves_admin(tls);
}

/* Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): who does not know whether his POST came through says it
 * again with the same key, and gets the answer of the first time. In memory: a restart forgets them. */
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "shell/admin_parts.h"

#define LIFE_NS (UINT64_C(86400) * 1000000000)

enum { KEY_MOST = 128 };

struct admin_past {
	uint8_t key[32]; /* of who asked, what and under which key */
	uint8_t body[32];
	uint64_t at_ns;		 /* 0: free */
	struct admin_conn *conn; /* whose answer is not there yet; NULL: it is */
	unsigned status;
	const char *type;
	uint8_t *answer; /* owned, wiped */
	size_t size;
};
struct admin_pasts {
	struct admin_past rows[LIMIT_ADMIN_PASTS];
};

int admin_again_init(struct admin *admin)
{
	admin->pasts = mem_zero(1, sizeof(*admin->pasts));
	return admin->pasts != NULL ? 0 : -1;
}

static void forget(struct admin_past *past)
{
	if (past->answer != NULL)
		mem_wipe(past->answer, past->size);
	mem_free(past->answer);
	*past = (struct admin_past){ .at_ns = 0 };
}

void admin_again_free(struct admin *admin)
{
	for (unsigned i = 0; admin->pasts != NULL && i < LIMIT_ADMIN_PASTS; i++)
		forget(&admin->pasts->rows[i]);
	mem_free(admin->pasts);
	admin->pasts = NULL;
}

/* 1 to 128 visible characters. */
static bool key_holds(struct fw_slice key)
{
	for (size_t i = 0; i < key.size; i++)
		if (key.data[i] < 0x21 || key.data[i] > 0x7e)
			return false;
	return key.size != 0 && key.size <= KEY_MOST;
}

static void digest(const struct admin_conn *conn, struct fw_slice key, uint8_t ret_digest[32])
{
	const struct fw_slice parts[] = { slice_text(conn->access.name), slice_text(conn->access.id), conn->head.path,
					  conn->head.query };

	digest_sha256(key, ret_digest);
	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		uint8_t one[32];

		digest_sha256(parts[i], one);
		digest_sha256_pair(slice(ret_digest, 32), slice(one, sizeof(one)), ret_digest);
	}
}

/* The one of this key; else a place for it, at_ns 0; NULL: all wait for their answers. */
static struct admin_past *find(struct admin_pasts *pasts, const uint8_t key[32], uint64_t now_ns)
{
	struct admin_past *oldest = NULL;

	for (unsigned i = 0; i < LIMIT_ADMIN_PASTS; i++) {
		struct admin_past *past = &pasts->rows[i];

		if (past->at_ns != 0 && past->conn == NULL && now_ns - past->at_ns > LIFE_NS)
			forget(past);
		if (past->at_ns != 0 && memcmp(past->key, key, sizeof(past->key)) == 0)
			return past;
		if (past->conn == NULL && (oldest == NULL || past->at_ns < oldest->at_ns))
			oldest = past;
	}
	if (oldest != NULL)
		forget(oldest);
	return oldest;
}

static void repeat(struct admin_conn *conn, const struct admin_past *past)
{
	buf_clear(&conn->body, &conn->admin->pool);
	if (past->size != 0 && buf_append(&conn->body, &conn->admin->pool, past->answer, past->size) != 0)
		admin_conn_close(conn);
	else
		admin_answer(conn, past->status, past->type, "Idempotent-Replayed: true\r\n");
}

bool admin_again_answered(struct admin_conn *conn)
{
	unsigned count = 0;
	const struct http1_field *field = http1_find(&conn->head, "idempotency-key", &count);
	uint8_t key[32], body[32];
	struct admin_past *past;

	if (field == NULL || !slice_is(conn->head.method, "POST") || conn->route->role == ADMIN_ROLE_open)
		return false;
	if (count != 1 || !key_holds(field->value)) {
		admin_answer_problem(conn, 400, "Idempotency-Key must be one of 1 to 128 visible characters", "");
		return true;
	}
	digest(conn, field->value, key);
	digest_sha256(conn->content, body);
	past = find(conn->admin->pasts, key, uv_hrtime());
	if (past == NULL) {
		admin_answer_problem(conn, 503, "too many requests with a key are being answered",
				     "Retry-After: 1\r\n");
	} else if (past->at_ns == 0) {
		past->at_ns = uv_hrtime();
		past->conn = conn;
		memcpy(past->key, key, sizeof(key));
		memcpy(past->body, body, sizeof(body));
		conn->past = past;
		return false;
	} else if (memcmp(past->body, body, sizeof(body)) != 0) {
		admin_answer_problem(conn, 422, "this Idempotency-Key was used with another body", "");
	} else if (past->conn != NULL) {
		admin_answer_problem(conn, 409, "the first request with this Idempotency-Key is being answered",
				     "Retry-After: 1\r\n");
	} else {
		repeat(conn, past);
	}
	return true;
}

/* What may be otherwise next time is not kept: it was not done. */
void admin_again_keep(struct admin_conn *conn, unsigned status, const char *type)
{
	struct admin_past *past = conn->past;
	size_t size = buf_size(&conn->body);

	if (past == NULL)
		return;
	conn->past = NULL;
	past->conn = NULL;
	if (status >= 400 || size > LIMIT_ADMIN_PAST) {
		forget(past);
		return;
	}
	past->answer = mem_alloc(size + 1);
	if (past->answer == NULL) {
		forget(past);
		return;
	}
	if (size != 0)
		memcpy(past->answer, buf_data(&conn->body), size);
	past->size = size;
	past->status = status;
	past->type = type;
}

void admin_again_forget(struct admin_conn *conn)
{
	if (conn->past != NULL)
		forget(conn->past);
	conn->past = NULL;
}

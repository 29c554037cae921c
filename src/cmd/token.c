#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/encode.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "cmd/command.h"
#include "cmd/json_out.h"
#include "cmd/options.h"
#include "crypto/jwt.h"
#include "policy/policy.h"
#include "shell/server_files.h"

enum { TOKEN_ARENA = 1 << 20, HOURS_MOST = 8760 };

struct tokening {
	const char *user, *role, *hours, *data;
	bool json;
	uint8_t secret[32];
	struct jwt_key key;
	struct arena arena;
};

static uint64_t now_us(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (uint64_t)wall.tv_sec * 1000000u + (uint64_t)wall.tv_nsec / 1000u;
}

static int read_key(struct tokening *tokening)
{
	if (server_jwt_key(tokening->data, tokening->secret) != 0)
		return options_could_not("token", "cannot read or make the key in \"%s/keys\": %s", tokening->data,
					 strerror(errno));
	tokening->key =
		(struct jwt_key){ .kid = NULL, .secret = tokening->secret, .secret_size = sizeof(tokening->secret) };
	return OPTIONS_GO_ON;
}

/* The claims in one text of the arena. */
static bool make_claims(struct tokening *tokening, uint64_t issued_s, uint64_t expires_s, struct fw_slice *ret_claims)
{
	struct json_out out;
	uint8_t *copy = NULL;
	size_t size;

	json_out_start(&out);
	json_write_open(&out.writer, '{');
	json_write_key(&out.writer, "sub");
	json_write_string(&out.writer, tokening->user);
	json_write_key(&out.writer, "role");
	json_write_string(&out.writer, tokening->role);
	json_write_key(&out.writer, "iat");
	json_write_integer(&out.writer, (int64_t)issued_s);
	json_write_key(&out.writer, "exp");
	json_write_integer(&out.writer, (int64_t)expires_s);
	json_write_close(&out.writer, '}');
	size = buf_size(&out.buf);
	if (!out.writer.failed)
		copy = arena_alloc(&tokening->arena, size);
	if (copy != NULL)
		memcpy(copy, buf_data(&out.buf), size);
	buf_clear(&out.buf, &out.pool);
	pool_fini(&out.pool);
	*ret_claims = slice(copy, size);
	return copy != NULL;
}

static void expires_text(uint64_t expires_s, char ret_text[ENCODE_RFC3339 + 1])
{
	encode_rfc3339(expires_s * 1000000u, ret_text);
	ret_text[ENCODE_RFC3339] = '\0';
}

static bool write_identity(bool valid, const char *cause, struct fw_slice user, struct fw_slice role,
			   struct fw_slice token, uint64_t expires_s)
{
	char expires[ENCODE_RFC3339 + 1];
	struct json_out out;

	json_out_start(&out);
	json_write_open(&out.writer, '{');
	json_write_key(&out.writer, "valid");
	json_write_boolean(&out.writer, valid);
	if (valid) {
		expires_text(expires_s, expires);
		json_write_key(&out.writer, "user_id");
		json_write_text(&out.writer, user);
		json_write_key(&out.writer, "role");
		json_write_text(&out.writer, role);
		json_write_key(&out.writer, "expires_at");
		json_write_string(&out.writer, expires);
	} else {
		json_write_key(&out.writer, "cause");
		json_write_string(&out.writer, cause);
	}
	if (token.size != 0) {
		json_write_key(&out.writer, "token");
		json_write_text(&out.writer, token);
	}
	json_write_close(&out.writer, '}');
	return json_out_end(&out, stdout);
}

static int issue(struct tokening *tokening)
{
	uint64_t issued_s = now_us() / 1000000u, expires_s;
	struct fw_slice claims, token;
	long hours = 24;
	bool written;
	int result;

	if (tokening->user == NULL || *tokening->user == '\0')
		return options_usage("token", "whose token? --user USER");
	if (strlen(tokening->user) > LIMIT_USER_ID ||
	    !utf8_valid((const uint8_t *)tokening->user, strlen(tokening->user)))
		return options_usage("token", "a user is UTF-8 text of at most %d bytes", (int)LIMIT_USER_ID);
	if (*tokening->role == '\0' || !utf8_valid((const uint8_t *)tokening->role, strlen(tokening->role)))
		return options_usage("token", "a role is a name of the configuration, such as user");
	if (tokening->hours != NULL && !options_number("token", "--hours", tokening->hours, 1, HOURS_MOST, &hours))
		return COMMAND_USAGE;
	result = read_key(tokening);
	if (result != OPTIONS_GO_ON)
		return result;
	expires_s = issued_s + (uint64_t)hours * 3600u;
	if (!make_claims(tokening, issued_s, expires_s, &claims) ||
	    jwt_issue(&tokening->arena, &tokening->key, claims, &token) != FW_OK)
		return options_could_not("token", "out of memory");
	if (tokening->json)
		written = write_identity(true, NULL, slice_text(tokening->user), slice_text(tokening->role), token,
					 expires_s);
	else
		written = printf("%.*s\n", (int)token.size, (const char *)token.data) > 0 && fflush(stdout) == 0;
	return written ? COMMAND_DONE : options_could_not("token", "cannot write the token: %s", strerror(errno));
}

static struct fw_slice claim(struct tokening *tokening, const struct jwt *jwt, const char *name)
{
	uint32_t node = json_member(&jwt->claims, 0, name, strlen(name));

	if (node == 0 || jwt->claims.nodes[node].kind != JSON_STRING)
		return slice("", 0);
	return json_text(&jwt->claims, node, &tokening->arena);
}

static void print_shown(const char *before, struct fw_slice text)
{
	fputs(before, stdout);
	for (size_t i = 0; i < text.size; i++)
		putchar(text.data[i] < 0x20 || text.data[i] == 0x7f ? '?' : text.data[i]);
}

static int verify(struct tokening *tokening, const char *text)
{
	struct jwt_rules rules = { .key_count = 1, .skew_s = 60, .max_size = 16384 };
	char expires[ENCODE_RFC3339 + 1];
	const char *cause;
	struct jwt jwt;
	int result = read_key(tokening);

	if (result != OPTIONS_GO_ON)
		return result;
	rules.keys = &tokening->key;
	cause = jwt_verify(&tokening->arena, &rules, slice_text(text), now_us(), &jwt);
	if (cause != NULL) {
		if (tokening->json)
			write_identity(false, cause, slice("", 0), slice("", 0), slice("", 0), 0);
		else
			printf("not valid: %s\n", cause);
		return COMMAND_NOT_HELD;
	}
	if (tokening->json)
		return write_identity(true, NULL, jwt.subject, claim(tokening, &jwt, "role"), slice("", 0),
				      jwt.expires_s)
			       ? COMMAND_DONE
			       : options_could_not("token", "cannot write: %s", strerror(errno));
	expires_text(jwt.expires_s, expires);
	print_shown("valid: user ", jwt.subject);
	print_shown(", role ", claim(tokening, &jwt, "role"));
	printf(", until %s\n", expires);
	return COMMAND_DONE;
}

static int run(struct tokening *tokening, const char *const *operands, size_t count)
{
	if (count == 0)
		return options_usage("token", "say what to do: issue or verify");
	if (strcmp(operands[0], "issue") == 0)
		return count == 1 ? issue(tokening)
				  : options_usage("token", "issue takes no \"%s\": --user USER", operands[1]);
	if (strcmp(operands[0], "verify") != 0)
		return options_usage("token", "there is no \"token %s\": say issue or verify", operands[0]);
	return count == 2 ? verify(tokening, operands[1])
			  : options_usage("token", "verify needs the token: token verify TOKEN");
}

int command_token(int argc, char **argv)
{
	const char *operands[2] = { NULL, NULL };
	struct tokening tokening = { .role = "user", .data = "./framewall-data" };
	const struct option_row rows[] = {
		{ "--user", "USER", &tokening.user, NULL, "issue: whose token it is" },
		{ "--role", "ROLE", &tokening.role, NULL, "issue: the role it gives; default user" },
		{ "--hours", "N", &tokening.hours, NULL, "issue: how long it is valid; default 24" },
		{ "--data", "DIR", &tokening.data, NULL, "the server's state, with its key; default ./framewall-data" },
		{ "--json", NULL, NULL, &tokening.json, "the answer as one JSON object" },
	};
	struct options options = { "token", rows, sizeof(rows) / sizeof(*rows), operands, 2, 0 };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	arena_init(&tokening.arena, TOKEN_ARENA);
	result = run(&tokening, operands, options.operand_count);
	arena_fini(&tokening.arena);
	mem_wipe(tokening.secret, sizeof(tokening.secret));
	return result;
}

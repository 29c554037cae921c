/* asyncapi.h: a configuration made of an AsyncAPI document (2.0 to 2.6, 3.x): its channels are routes, its messages
 * types with a JSON Schema, its scopes permissions. What the document says and the configuration cannot hold is said,
 * each at its line; what makes it impossible is an error. No state; reads no file by itself. */
#ifndef ASYNCAPI_ASYNCAPI_H
#define ASYNCAPI_ASYNCAPI_H
#include <framewall/policy.h>

/* Of whom the document speaks: in one of the server clients send what is received. */
enum asyncapi_perspective { ASYNCAPI_SERVER, ASYNCAPI_CLIENT };

struct asyncapi_options {
	const char *name; /* of the document, a path */
	struct fw_slice text;
	enum asyncapi_perspective perspective;
	const char *upstream;	   /* the server behind; NULL: that of the document */
	const char *server;	   /* of the document; NULL: the first that speaks WebSocket */
	const char *channels;	   /* only these, with commas between; NULL: all */
	const char *discriminator; /* JSON Pointer; NULL: found */
	const char *anonymous;	   /* the role of clients that do not log in; NULL: they must */
	bool any_protocol;	   /* servers of other protocols are taken for WebSocket, too */
	bool clients_only;	   /* what the server sends is not looked at */
	bool open;		   /* objects take members that nobody lists where the document does not forbid it */
	/* Another file that the document refers to: 0 and its text, which stays until the import is over, or errno;
	 * EPERM: it is no file that may be read. NULL: there is none. */
	int (*read)(void *user, const char *path, struct fw_slice *ret_text);
	void *user;
	fw_report_function *report; /* "file:line:column: error: …", or "note: …" */
	void *report_user;
};

/* FW_OK and the text, which the caller frees by mem_free; FW_ERR_INVALID: reported; FW_ERR_MEMORY. */
int asyncapi_import(const struct asyncapi_options *options, char **ret_text, size_t *ret_size);
/* Does a file look like an AsyncAPI document: has it a line that begins with "asyncapi"? */
bool asyncapi_is(struct fw_slice text);
#endif

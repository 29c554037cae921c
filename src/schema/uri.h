/* uri.h: references resolved against a base as RFC 3986 section 5.2 says. No state; any thread. */
#ifndef SCHEMA_URI_H
#define SCHEMA_URI_H
#include "base/arena.h"
#include <framewall/types.h>

/* The absolute form of a reference without its fragment, in the arena; data NULL: memory is short. ret_fragment: what
 * stands behind "#", percent-decoded, in the arena; data NULL: no "#". */
struct fw_slice jsonschema_uri_resolve(struct fw_slice base, struct fw_slice reference, struct arena *arena,
				       struct fw_slice *ret_fragment);
#endif

/* require.c: what a route asks of who logs in there, all of it at once: routes.*.require. */
#include "engine/conn_state.h"

const char *require_unmet(const struct fw_conn *conn, const struct fw_policy *policy, const struct policy_route *route,
			  const struct principal *who)
{
	bool token = who->method == METHOD_JWT ||
		     (who->method == METHOD_SESSION && policy_credential_is_token(policy, who->credential));

	if ((route->require & ROUTE_CERTIFICATE) != 0 && conn->tls_certificate == NULL)
		return "its route requires a client certificate";
	if ((route->require & ROUTE_JWT) != 0 && !token)
		return "its route requires a token";
	if ((route->require & ROUTE_DPOP) != 0 && (who->bound & BOUND_KEY) == 0)
		return "its route requires a token with a proof";
	return NULL;
}

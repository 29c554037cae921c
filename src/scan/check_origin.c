/* check_origin.c: pages of other sites (cross-site WebSocket hijacking). */
#include "base/slice.h"
#include "scan/check.h"

static bool ready(struct scan_trial *trial, bool needs_own)
{
	if (needs_own && trial->work->profile.origin == NULL)
		trial_skip(trial, "the profile names no origin of its own (origin)");
	else if (trial->work->any_origin)
		trial_skip(trial, "every origin is accepted (origin.foreign)");
	else
		return true;
	return false;
}

static bool refused(struct scan_trial *trial, const char *origin, const char *host)
{
	enum check_tried tried = check_origin_try(trial, origin, host);

	if (tried == CHECK_ACCEPTED)
		trial_finding(trial, "a page of %s may open a connection%s", origin,
			      host != NULL ? " to the name it was fetched from" : "");
	else if (tried == CHECK_UNDECIDED)
		trial_error(trial, "the handshake with Origin %s had no answer that decides it", origin);
	return tried == CHECK_DENIED;
}

void check_origin_foreign(struct scan_trial *trial)
{
	if (refused(trial, "https://attacker.example", NULL))
		trial_pass(trial, "a handshake with the origin https://attacker.example was refused");
}

void check_origin_null(struct scan_trial *trial)
{
	if (ready(trial, false) && refused(trial, "null", NULL))
		trial_pass(trial, "a handshake with the origin null was refused");
}

void check_origin_rebinding(struct scan_trial *trial)
{
	if (ready(trial, false) &&
	    refused(trial, trial->work->target.tls ? "https://rebound.example" : "http://rebound.example",
		    "rebound.example"))
		trial_pass(trial, "a handshake whose Host and Origin name the same foreign host was refused");
}

void check_origin_similar(struct scan_trial *trial)
{
	const char *own = trial->work->profile.origin, *host, *port;
	const char *scheme;

	if (!ready(trial, true))
		return;
	host = strstr(own, "://");
	if (host == NULL) {
		trial_skip(trial, "the profile's origin is none of a page");
		return;
	}
	scheme = trial_text(trial, "%.*s", (int)(host - own), own);
	host += 3;
	port = strchr(host, ':') != NULL ? strchr(host, ':') : "";
	if (!refused(trial, trial_text(trial, "%s.attacker.example", own), NULL) ||
	    !refused(trial, trial_text(trial, "%s://attacker%s", scheme, host), NULL) ||
	    !refused(trial, trial_text(trial, "%s://attacker.example?%s", scheme, own), NULL) ||
	    !refused(trial,
		     trial_text(trial, "%s://%.*s:4%s", scheme, (int)(strlen(host) - strlen(port)), host,
				port[0] != '\0' ? port + 1 : "444"),
		     NULL) ||
	    !refused(trial, trial_text(trial, "%s://%s", strcmp(scheme, "https") == 0 ? "http" : "https", host), NULL))
		return;
	trial_pass(trial, "origins that begin or end like its own, of another port or scheme, were refused");
}

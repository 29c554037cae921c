/* scan.h: a security test of a WebSocket server. Blocks the calling thread; every step has a deadline and every check a
 * budget of octets and connections.
 *
 * A check has one of four answers. PASS and FINDING have evidence: the exchange, in which secrets are not. ERROR: the
 * server gave no answer that would decide it. NOT_APPLICABLE: nothing to test, for the reason given. */
#ifndef SCAN_SCAN_H
#define SCAN_SCAN_H
#include <stdio.h>

#include <framewall/policy.h>

#include "base/arena.h"

enum scan_outcome { SCAN_ERROR, SCAN_PASS, SCAN_FINDING, SCAN_NOT_APPLICABLE, SCAN_OUTCOMES };
enum scan_severity { SCAN_INFO, SCAN_LOW, SCAN_MEDIUM, SCAN_HIGH, SCAN_CRITICAL };
enum scan_category {
	SCAN_AUTHENTICATION,
	SCAN_AUTHORIZATION,
	SCAN_INPUT_VALIDATION,
	SCAN_RATE_LIMITING,
	SCAN_ATTACK_SIMULATION,
	SCAN_COMPLIANCE,
	SCAN_CATEGORIES
};

struct scan_trial;
/* A row of tables/scan_checks.def. */
struct scan_check {
	const char *id;
	enum scan_category category;
	enum scan_severity severity;
	bool hurts; /* left out unless the caller asks for it */
	unsigned cwe;
	const char *asvs, *owasp; /* numbers, with commas between; "" when there is none */
	const char *what, *why, *decides, *fix;
	const char *policy; /* of Framewall, what closes it; "" when that is its default */
	void (*run)(struct scan_trial *trial);
};

struct scan_result {
	const struct scan_check *check;
	enum scan_outcome outcome;
	char *reason;	/* one line */
	char *evidence; /* lines; may be empty */
	uint64_t ms, sent, received;
	unsigned connections;
	bool known; /* a finding that the baseline has */
};

struct scan_options {
	const char *url;
	const char *tests;	  /* categories or ids of checks, with commas between; NULL: all */
	const char *profile_name; /* NULL: the built-in one */
	struct fw_slice profile;
	bool allowed;		    /* the target need not be on this machine */
	bool hurtful;		    /* checks that could harm a server, too */
	bool commands;		    /* commands of the profile are run */
	const char *ca;		    /* a file of certificates that are trusted; NULL: the system's */
	bool unverified;	    /* the server's certificate is not looked at */
	fw_report_function *report; /* what is wrong with the options or the profile, one line */
	void *report_user;
	void (*progress)(void *user, unsigned at, unsigned of, const struct scan_result *result);
	void *progress_user;
};

struct scan {
	const char *url;
	uint64_t started_us, ended_us; /* since 1970 */
	bool reached;		       /* something answered as a WebSocket server */
	char *server;		       /* the first answer's Server field; NULL: none */
	struct scan_result *results;
	unsigned count;
	unsigned of[SCAN_OUTCOMES];
	int score; /* 0 to 100; -1: none, as there is a check without an answer, or nothing was tested */
	struct arena arena;
};

/* What a file is that a profile is made of. */
enum scan_source { SCAN_SOURCE_PROFILE, SCAN_SOURCE_HAR, SCAN_SOURCE_ASYNCAPI };
enum scan_source scan_source_of(struct fw_slice text);
/* The profile that is made of a recorded session or a document, as YAML; the caller frees it by free. FW_ERR_INVALID:
 * reported. One thread at a time. */
int scan_profile_make(enum scan_source source, const char *name, struct fw_slice text, fw_report_function *report,
		      void *user, char **ret_yaml, size_t *ret_size);

/* FW_OK: it was tested, or tried; FW_ERR_INVALID: reported; FW_ERR_MEMORY. scan_fini in any case. */
int scan_run(const struct scan_options *options, struct scan *ret_scan);
void scan_fini(struct scan *scan);

const struct scan_check *scan_checks(unsigned *ret_count);
const char *scan_category_name(enum scan_category category);
const char *scan_severity_name(enum scan_severity severity);
const char *scan_outcome_name(enum scan_outcome outcome);

/* A row of tables/scan_requirements.def; of what the checks say together: finding, error, pass, not_tested. */
struct scan_requirement {
	const char *id, *text, *hand;
};
const struct scan_requirement *scan_requirements(unsigned *ret_count);
bool scan_requirement_has(const struct scan_requirement *requirement, const struct scan_check *check);
const char *scan_requirement_state(const struct scan *scan, const struct scan_requirement *requirement);

/* Reports: FW_OK, or FW_ERR_MEMORY. What is printed says nothing secret. */
void scan_report_text(const struct scan *scan, FILE *out);
int scan_report_json(const struct scan *scan, FILE *out);
int scan_report_sarif(const struct scan *scan, FILE *out);
void scan_report_html(const struct scan *scan, FILE *out);
void scan_report_fix(const struct scan *scan, FILE *out);
/* Findings that are in an earlier JSON report become known. FW_ERR_INVALID: it is no such report. */
int scan_baseline(struct scan *scan, struct fw_slice json);
#endif

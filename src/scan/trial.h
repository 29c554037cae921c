/* trial.h: one check being run: where its clients come from, what was said, what it found. Everything it opens is
 * closed and everything it allocates is given back when it is over. One thread. */
#ifndef SCAN_TRIAL_H
#define SCAN_TRIAL_H
#include "base/pool.h"
#include "scan/link.h"
#include "scan/profile.h"
#include "scan/scan.h"

enum { TRIAL_EVIDENCE = 12288, TRIAL_LINE = 400, TRIAL_SECRETS = 64, TRIAL_PATIENCE_MS = 2500 };

/* What all checks of a scan share. */
struct scan_work {
	const struct scan_options *options;
	struct link_target target;
	struct profile profile;
	struct arena arena;   /* of the profile and of what is below */
	bool local, loopback; /* on this machine; and each client may have a source address of its own */
	bool broken;	      /* the profile does not fit the server: what it is needed for has no answer */
	uint8_t network[2];   /* of those addresses, the second and third octet of the first check's */
	/* Found out before the first check: */
	bool reached, logs_in, speaks, seen_by_others, seen_by_sender, compresses;
	bool serves_anyone, takes_any_token, verifies_nothing, any_origin; /* each a finding of its own */
	const char *no_login, *no_message;				   /* why not */
	char *server;
	const char *secrets[TRIAL_SECRETS]; /* not to be in evidence */
	unsigned secret_count;
	unsigned guesses_limited; /* after so many from as many addresses an account was shut; 0: not seen */
	unsigned marks;
	uint32_t seed;
};

struct client;
struct scan_trial {
	struct scan_work *work;
	struct scan_result *result;
	struct link_budget budget;
	struct arena arena;
	struct pool pool;
	unsigned number, addresses;
	struct client *clients; /* all that were opened */
	struct client *honest, *witness;
	char evidence[TRIAL_EVIDENCE];
	size_t evidence_size;
	bool quiet; /* nothing is noted: repetitions */
	bool decided;
};

void trial_begin(struct scan_trial *trial, struct scan_work *work, const struct scan_check *check, unsigned number,
		 struct scan_result *result);
/* Copies reason and evidence into the arena; FW_ERR_MEMORY when it is short. */
int trial_end(struct scan_trial *trial, struct arena *arena);

/* The next address of this check, family 0 where there is only one. */
struct fw_addr trial_address(struct scan_trial *trial);
/* Text in the trial's arena; "" when memory is short, which ends the check as an error. */
char *trial_text(struct scan_trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *trial_copy(struct scan_trial *trial, struct fw_slice text);
/* A word that nobody has used in this scan. */
const char *trial_mark(struct scan_trial *trial);
void trial_secret(struct scan_work *work, const char *secret);

/* A line of evidence: who says it, and what; cut, made printable, without secrets. */
void trial_note(struct scan_trial *trial, const char *who, struct fw_slice text);
void trial_say(struct scan_trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The answer of the check; the first one counts. */
void trial_pass(struct scan_trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trial_finding(struct scan_trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trial_error(struct scan_trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trial_skip(struct scan_trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Every check of scan_checks.def. */
#define SCAN_CHECK(name, ...) void check_##name(struct scan_trial *trial);
#include "tables/scan_checks.def"
#undef SCAN_CHECK
#endif

/* check.h: what several checks share. */
#ifndef SCAN_CHECK_H
#define SCAN_CHECK_H
#include "scan/speak.h"
#include "scan/token.h"

enum check_tried { CHECK_ACCEPTED, CHECK_DENIED, CHECK_UNDECIDED };
/* Is it logged in with this? Denied counts only where the same client is served with what is right. */
enum check_tried check_token_try(struct scan_trial *trial, const char *token, const char *what);
enum check_tried check_login_try(struct scan_trial *trial, const struct speak_as *as, const char *what);
/* The first identity's token, where tokens count at all; NULL: it was said why not. */
const char *check_token_ready(struct scan_trial *trial);
/* The claims of a token that the server takes, where its signatures count at all. False: it was said why not. */
bool check_jwt_ready(struct scan_trial *trial, struct fw_slice *ret_claims, struct fw_slice *ret_header);
/* The same, and that tokens can be made. */
bool check_mint_ready(struct scan_trial *trial);
/* A finding where it was accepted, an error where nothing decided it; true: go on. */
bool check_not_accepted(struct scan_trial *trial, enum check_tried tried, const char *what);
/* Who has a name and a password. NULL: it was said why nobody. */
const struct profile_identity *check_password_identity(struct scan_trial *trial);
/* Does the right password log in? Else nothing that follows means anything, and check_password_works has said so. */
enum speak_login check_password_login(struct scan_trial *trial, const struct profile_identity *identity);
bool check_password_works(struct scan_trial *trial, const struct profile_identity *identity);
/* Sorted, as many of each: is every one of the slow far behind every one of the fast? */
bool check_times_differ(const uint64_t *slow, const uint64_t *fast, unsigned count);
/* A client that is logged in as identity `at`, or, where nobody logs in, connected. NULL: it was said why not. */
struct client *check_client(struct scan_trial *trial, unsigned at, const char *name, const struct client_hello *hello);
/* Is the origin accepted? host NULL: the target's. */
enum check_tried check_origin_try(struct scan_trial *trial, const char *origin, const char *host);
#endif

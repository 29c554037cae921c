/* keeper_responses_do.h: what each action of a response is, and how it is undone. On the loop. */
#ifndef SHELL_KEEPER_RESPONSES_DO_H
#define SHELL_KEEPER_RESPONSES_DO_H
#include "state/database.h"

struct keeper;
/* again: it is in force, and begins anew. Sets not_ours where somebody else did the same before. False: it could not be
 * done. */
bool keeper_responses_do(struct keeper *keeper, struct database_response *response, bool again);
void keeper_responses_undo_one(struct keeper *keeper, const struct database_response *response,
			       char ret_error[DATABASE_ERROR]);
/* At the start, before there is a gate: what the database alone does not bring back. */
void keeper_responses_resume(struct keeper *keeper, const struct database_response *response);
#endif

/* Users with passwords: whether a login's password is his, and what becomes of it. The hash is compared elsewhere
 * (passwords.h); the database is the keeper's alone. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"

#define DAY_US ((uint64_t)86400 * 1000000)

enum { AGAIN_MS = 2000, CAUSE = 192 }; /* until a place in the queue may be free */

struct password_cost keeper_users_cost(const struct keeper *keeper)
{
	const struct settings *settings = &keeper->options.policy->settings;

	return (struct password_cost){ .memory_mib = (uint32_t)settings->password_memory,
				       .passes = (uint32_t)settings->password_passes };
}

bool keeper_users_submit(struct keeper *keeper, struct password_job *job)
{
	return passwords_submit(keeper->passwords, job, (unsigned)keeper->options.policy->settings.password_queue);
}

static void refuse(struct keeper_question *question, enum fw_answer_code code, const char *cause)
{
	keeper_question_answer(
		question, &(struct fw_answer){ .code = code, .retry_after_ms = AGAIN_MS, .cause = slice_text(cause) });
}

static void refuse_user(struct keeper_question *question, const char *cause, const struct database_user *user)
{
	char text[CAUSE];

	snprintf(text, sizeof(text), "%s of %s", cause, user->name);
	refuse(question, FW_ANSWER_NO, text);
}

static void judge(struct keeper *keeper, struct keeper_question *question, const struct password_job *job)
{
	int64_t days = keeper->options.policy->settings.password_max_age;
	struct database_user user;
	char failed[DATABASE_ERROR];

	/* It may have been changed while the hash was compared. */
	if (database_user_find(keeper->database, question->need.user_id, &user, failed) != DATABASE_FOUND ||
	    user.changed_wall_us != job->mark) {
		refuse(question, FW_ANSWER_NO, job->mark == 0 ? "unknown user" : "the user was changed meanwhile");
	} else if (job->verdict != PASSWORD_RIGHT) {
		/* Answered first: an unknown user has no count to be written down. */
		refuse_user(question, "wrong password", &user);
		database_user_failed(keeper->database, slice(user.name, user.name_size));
	} else if (days != 0 && clock_wall_us() >= user.changed_wall_us + (uint64_t)days * DAY_US) {
		refuse_user(question, "too old, it has to be changed: password", &user);
	} else {
		if (job->made || user.failed != 0)
			database_user_succeeded(keeper->database, question->need.user_id, job->made ? job->hash : NULL);
		keeper_question_answer(question, &(struct fw_answer){ .code = FW_ANSWER_YES,
								      .user_id = slice(user.name, user.name_size),
								      .role = slice_text(user.role),
								      .issued_wall_us = user.changed_wall_us });
	}
	mem_wipe(&user, sizeof(user));
}

static void on_checked(struct password_job *job)
{
	struct keeper_question *question = job->user;

	if (job->stopped)
		refuse(question, FW_ANSWER_FAILED, "the server ends");
	else if (job->verdict == PASSWORD_MEMORY)
		refuse(question, FW_ANSWER_FAILED, "memory for a hash is short");
	else if (job->verdict == PASSWORD_UNREADABLE)
		refuse(question, FW_ANSWER_FAILED, "framewall.db: a hash that is none");
	else
		judge(question->asks->keeper, question, job);
	password_job_free(job);
}

/* An unknown user takes as long as a known one, and the client reads the same. */
static void on_question(void *data, struct keeper_question *question)
{
	struct keeper *keeper = data;
	struct password_cost cost = keeper_users_cost(keeper);
	char failed[DATABASE_ERROR], text[DATABASE_ERROR + 16];
	struct password_job *job;
	struct database_user user = { 0 };

	if (database_user_find(keeper->database, question->need.user_id, &user, failed) == DATABASE_FAILED) {
		snprintf(text, sizeof(text), "framewall.db: %s", failed);
		refuse(question, FW_ANSWER_FAILED, text);
		return;
	}
	job = password_job_new(question->need.key, &cost, on_checked, question);
	if (job == NULL) {
		refuse(question, FW_ANSWER_FAILED, "memory");
	} else {
		job->check = true;
		job->mark = user.changed_wall_us;
		memcpy(job->hash, user.hash, sizeof(job->hash));
		if (!keeper_users_submit(keeper, job)) {
			password_job_free(job);
			refuse(question, FW_ANSWER_LIMITED, "too many passwords wait to be compared");
		}
	}
	mem_wipe(&user, sizeof(user));
}

int keeper_users_start(struct keeper *keeper)
{
	keeper->passwords =
		passwords_new(keeper->options.loop, (unsigned)keeper_started(&keeper->options)->password_threads);
	if (keeper->passwords == NULL)
		return -1;
	keeper->handles++;
	keeper_asks_handle(&keeper->asks, FW_NEED_PASSWORD, on_question, keeper);
	return 0;
}

void keeper_users_stop(struct keeper *keeper)
{
	if (keeper->passwords != NULL)
		keeper_handle_close(keeper, passwords_stop(keeper->passwords));
}

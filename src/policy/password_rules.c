/* password_rules.c: what authentication.password_policy asks of a password that is set. What it asks beyond length is
 * off by default (decision D5): a list of known ones helps, rules of composition do not. */
#include <stdio.h>

#include "policy/policy.h"
#include "policy/schema_format.h"

enum { NAME_MOST = 50 }; /* contract.def, auth.user_id */

static bool has(struct fw_slice password, uint8_t first, uint8_t last)
{
	for (size_t i = 0; i < password.size; i++)
		if (password.data[i] >= first && password.data[i] <= last)
			return true;
	return false;
}

/* Neither a letter nor a digit. */
static bool has_special(struct fw_slice password)
{
	for (size_t i = 0; i < password.size; i++) {
		uint8_t c = password.data[i], letter = c | 0x20;

		if ((c < '0' || c > '9') && (letter < 'a' || letter > 'z'))
			return true;
	}
	return false;
}

/* What a login can send: contract.def, auth.password. */
static bool can_be_sent(struct fw_slice password)
{
	for (size_t i = 0; i < password.size; i++)
		if (password.data[i] < 0x20 || password.data[i] > 0x7e)
			return false;
	return password.size != 0 && password.size <= POLICY_PASSWORD_MOST;
}

bool policy_password_holds(const struct fw_policy *policy, struct fw_slice password,
			   char ret_text[POLICY_PASSWORD_TEXT])
{
	const struct settings *rules = &policy->settings;
	const char *wrong = NULL;

	if (!can_be_sent(password))
		wrong = "must be printable ASCII, at most 500 characters";
	else if (password.size >= (size_t)rules->password_min_length)
		wrong = rules->password_uppercase && !has(password, 'A', 'Z')	? "needs a capital letter"
			: rules->password_lowercase && !has(password, 'a', 'z') ? "needs a small letter"
			: rules->password_numbers && !has(password, '0', '9')	? "needs a digit"
			: rules->password_special && !has_special(password)
				? "needs a character that is neither letter nor digit"
				: NULL;
	else
		snprintf(ret_text, POLICY_PASSWORD_TEXT, "the password needs at least %d characters",
			 (int)rules->password_min_length);
	if (wrong != NULL)
		snprintf(ret_text, POLICY_PASSWORD_TEXT, "the password %s", wrong);
	return wrong == NULL && password.size >= (size_t)rules->password_min_length;
}

bool policy_name_can_log_in(struct fw_slice name)
{
	return name.size != 0 && name.size <= NAME_MOST && schema_format_holds(NULL, CLASS_ID, name);
}

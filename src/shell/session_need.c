#include "shell/session_need.h"

#include "base/slice.h"

static bool copy(void *ret_text, size_t room, size_t *ret_size, struct fw_slice text)
{
	if (text.size > room)
		return false;
	if (text.size != 0)
		memcpy(ret_text, text.data, text.size);
	*ret_size = text.size;
	return true;
}

bool session_need_read(const struct fw_need *need, struct store_session *ret_session)
{
	struct store_session *session = ret_session;

	*session = (struct store_session){ .expires_wall_us = (uint64_t)need->number, /* of the credential, if sooner */
					   .credential = need->credential,
					   .issued_wall_us = need->issued_wall_us };
	return copy(session->user_id, sizeof(session->user_id), &session->user_id_size, need->user_id) &&
	       copy(session->role, sizeof(session->role), &session->role_size, need->role) &&
	       copy(session->session_id, sizeof(session->session_id), &session->session_id_size, need->session_id) &&
	       copy(session->key_id, sizeof(session->key_id), &session->key_id_size, need->key_id) &&
	       copy(session->binding, sizeof(session->binding), &session->binding_size, need->binding) &&
	       copy(session->origin, sizeof(session->origin), &session->origin_size, need->origin);
}

void session_need_answer(const struct store_session *session, struct fw_answer *ret_answer)
{
	ret_answer->user_id = slice(session->user_id, session->user_id_size);
	ret_answer->role = slice(session->role, session->role_size);
	ret_answer->session_id = slice(session->session_id, session->session_id_size);
	ret_answer->expires_wall_us = session->expires_wall_us;
	ret_answer->issued_wall_us = session->issued_wall_us;
	ret_answer->credential = session->credential;
	ret_answer->binding = slice(session->binding, session->binding_size);
	ret_answer->origin = slice(session->origin, session->origin_size);
	ret_answer->key_id = slice(session->key_id, session->key_id_size);
}

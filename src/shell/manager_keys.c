/* Keys of issuers that are fetched: into each policy that is loaded, and into the one in use when they change. */

#include "shell/clock.h"
#include "shell/manager_parts.h"

int manager_keys_add(struct fw_manager *manager, struct fw_policy **policy, struct fw_error *reterr_error)
{
	struct fw_policy *made;

	issuer_keys_load(manager->issuer_keys, manager->data_directory, *policy);
	made = issuer_keys_apply(manager->issuer_keys, *policy, clock_wall_us());
	if (made == NULL)
		return manager_say_error(reterr_error, FW_ERR_MEMORY, "out of memory");
	fw_policy_unref(*policy);
	*policy = made;
	return FW_OK;
}

/* As a reload does it, but for the configuration, which stays what it is: its generation and digest, too. Who reads it
 * anew just now takes the sets with it or is followed by them: he is not waited for, since he waits for this thread. */
bool manager_keys_use(void *user)
{
	struct fw_manager *manager = user;
	struct fw_policy *made = NULL, *last;

	if (pthread_mutex_trylock(&manager->reload_lock) != 0)
		return false;
	if (!manager->stopping && manager->gate != NULL)
		made = issuer_keys_apply(manager->issuer_keys, manager->policy, clock_wall_us());
	if (made != NULL) {
		last = manager->policy;
		pthread_rwlock_wrlock(&manager->gate_lock);
		manager->policy = made;
		pthread_rwlock_unlock(&manager->gate_lock);
		gate_reload(manager->gate, made);
		keeper_renew(manager->keeper, made, &manager->configuration);
		fw_policy_unref(last);
	}
	pthread_mutex_unlock(&manager->reload_lock);
	return made != NULL;
}

/* config_rbac.h: inside of config_rbac*.c: roles while they are read. */
#ifndef POLICY_CONFIG_RBAC_H
#define POLICY_CONFIG_RBAC_H
#include "policy/config_build.h"

struct config_rbac_builder {
	struct config *config;
	uint32_t parents[LIMIT_ROLES];		/* bit sets of role indexes */
	uint32_t default_parents[LIMIT_ROLES];	/* those that no file takes away */
	struct config_place place[LIMIT_ROLES]; /* of the last thing the file says of a role; none: it is a default */
	struct texts own[LIMIT_ROLES];		/* patterns as written */
	struct config_place own_place[LIMIT_ROLES];
	struct fy_node *own_node[LIMIT_ROLES];		       /* list of patterns of the file, not yet read */
	bool given[LIMIT_ROLES];			       /* the file gives the permissions */
	unsigned given_layer[LIMIT_ROLES], layer[LIMIT_ROLES]; /* which layer gives permissions, parents */
	unsigned known; /* permissions of the closed list, before those that only roles name */
};

/* config_rbac_patterns.c: permissions and the patterns of roles */
uint16_t config_rbac_permission(struct config *config, struct config_place place,
				struct fw_slice name); /* added where new */
void config_rbac_categories(struct config *config, const struct config_section *section);
void config_rbac_patterns(struct config_rbac_builder *builder);

/* config_rbac_close.c: circles, and what follows from inheritance */
void config_rbac_circles(struct config_rbac_builder *builder);
void config_rbac_close(struct config_rbac_builder *builder);
#endif

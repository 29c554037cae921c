/* config_schema.h: messages.TYPE.schema. Errors are reported; message->schema stays NULL then. */
#ifndef POLICY_CONFIG_SCHEMA_H
#define POLICY_CONFIG_SCHEMA_H
#include "policy/config_build.h"

void config_schema(struct config *config, struct config_place place, struct fy_node *value,
		   struct policy_message *message);
void config_schema_documents(struct config *config); /* before the others */
void config_schema_file(struct config *config, struct config_place place, struct fw_slice path,
			struct policy_message *message);
#endif

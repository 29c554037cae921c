/* A chat server inside this program, behind the firewall: only messages that passed every stage arrive here.
 *
 *     cc embed.c -o embed $(pkg-config --cflags --libs framewall)
 *     ./embed 8765 &
 *     framewall token issue --user alice        # log in with it: Authorization: Bearer TOKEN */
#include <framewall/manager.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* A judged message of a client that is logged in. Called by the threads that meet clients. */
static enum fw_message_result on_message(void *user, const struct fw_message *message)
{
	(void)user;
	printf("%.*s: %s\n", (int)message->who.user_id.size, (const char *)message->who.user_id.data, message->type);
	fw_manager_reply(message, NULL, false, fw_text("{\"type\":\"seen\",\"data\":{}}"));
	return FW_MESSAGE_TO_HUB; /* and the built-in hub tells the others */
}

/* Each decision, after it was written to framewall-data/record. */
static void on_event(void *user, const struct fw_record *record)
{
	(void)user;
	if (record->level >= FW_LEVEL_WARNING)
		printf("%s %.16s\n", fw_event_name(record->type), record->event_id);
}

int main(int argc, char **argv)
{
	struct fw_manager_options options = { .port = argc > 1 ? atoi(argv[1]) : 0, .admin = "off" };
	struct fw_manager *manager;
	struct fw_error error;
	sigset_t signals;
	int number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);

	manager = fw_manager_new(&options, &error);
	if (manager != NULL) {
		fw_manager_on_message(manager, on_message, NULL);
		fw_manager_on_event(manager, on_event, NULL);
	}
	if (manager == NULL || fw_manager_start(manager, &error) != FW_OK) {
		fprintf(stderr, "embed: %s\n", error.text);
		fw_manager_free(manager);
		return 1;
	}
	printf("listening on port %u\n", fw_manager_port(manager));
	sigwait(&signals, &number);
	fw_manager_stop(manager, 10); /* drains: nobody is cut off */
	fw_manager_free(manager);
	return 0;
}

/* generate.c: writes the made-up traffic: `traffic --seed N --out FILE --labels FILE`; --help tells the rest. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traffic.h"

static const char *const what_names[] = { "open", "close", "login", "login_failed", "message", "delivered", "refused" };
static const char *const cause_names[] = { "", "permission_denied", "rate_limit_violation", "invalid_message" };

static void write_line(FILE *out, const struct traffic_event *event)
{
	fprintf(out, "{\"at\":%llu,\"what\":\"%s\",\"connection\":%u,\"address\":\"%u.%u.%u.%u\"",
		(unsigned long long)event->at, what_names[event->what], event->connection, event->address >> 24,
		event->address >> 16 & 255, event->address >> 8 & 255, event->address & 255);
	if (event->user != TRAFFIC_NOBODY)
		fprintf(out, ",\"user\":\"u%u\"", event->user);
	if (event->session)
		fprintf(out, ",\"session\":%u", event->session);
	if (event->what == TRAFFIC_MESSAGE || event->what == TRAFFIC_DELIVERED || event->what == TRAFFIC_REFUSED)
		fprintf(out, ",\"type\":\"%s\",\"size\":%u", traffic_type_names[event->type], event->size);
	if (event->cause)
		fprintf(out, ",\"cause\":\"%s\"", cause_names[event->cause]);
	fputs("}\n", out);
}

static void write_numbers(FILE *out, const char *key, const uint32_t *numbers, size_t count)
{
	fprintf(out, ",\"%s\":[", key);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%u", i ? "," : "", numbers[i]);
	fputc(']', out);
}

static void write_labels(FILE *out, const struct traffic *traffic)
{
	const struct traffic_label *labels;
	size_t count = traffic_labels(traffic, &labels);
	for (size_t i = 0; i < count; i++) {
		fprintf(out,
			"{\"number\":%zu,\"kind\":\"%s\",\"strength\":%u,\"first\":%llu,\"last\":%llu,\"events\":%u", i,
			traffic_kind_names[labels[i].kind], labels[i].strength, (unsigned long long)labels[i].first,
			(unsigned long long)labels[i].last, labels[i].events);
		write_numbers(out, "users", labels[i].users, labels[i].user_count);
		write_numbers(out, "addresses", labels[i].addresses, labels[i].address_count);
		fputs("}\n", out);
	}
}

static FILE *open_out(const char *name)
{
	FILE *file = strcmp(name, "-") ? fopen(name, "w") : stdout;
	if (!file) {
		fprintf(stderr, "traffic: %s: %s\n", name, strerror(errno));
		exit(1);
	}
	return file;
}

int main(int argc, char **argv)
{
	static const struct option known[] = { { "seed", required_argument, NULL, 's' },
					       { "users", required_argument, NULL, 'u' },
					       { "history", required_argument, NULL, 'd' },
					       { "instances", required_argument, NULL, 'i' },
					       { "out", required_argument, NULL, 'o' },
					       { "labels", required_argument, NULL, 'l' },
					       { "json", no_argument, NULL, 'j' },
					       { "help", no_argument, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	struct traffic_options options = { .seed = 1, .users = 10000, .instances = 21 };
	const char *out_name = NULL, *labels_name = NULL;
	bool json = false;
	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (c == 's')
			options.seed = strtoull(optarg, NULL, 10);
		else if (c == 'u')
			options.users = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'd')
			options.history = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'i')
			options.instances = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'o')
			out_name = optarg;
		else if (c == 'l')
			labels_name = optarg;
		else if (c == 'j')
			json = true;
		else {
			fputs("traffic [--seed 1] [--users 10000] [--history 0 (days without attacks before)] "
			      "[--instances 21 (of each kind)]\n"
			      "        [--out FILE|-] [--json] [--labels FILE]; without --out it counts\n",
			      stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	struct traffic *traffic = traffic_new(&options);
	if (!traffic) {
		fputs("traffic: no such options, or no memory\n", stderr);
		return 1;
	}
	FILE *out = out_name ? open_out(out_name) : NULL;
	struct traffic_event event;
	unsigned long long total = 0, attacks = 0, counts[TRAFFIC_REFUSED + 1] = { 0 };
	for (int label; traffic_next(traffic, &event, &label); total++) {
		counts[event.what]++;
		attacks += label >= 0;
		if (out && json)
			write_line(out, &event);
		else if (out)
			fwrite(&event, sizeof(event), 1, out);
	}
	fprintf(stderr, "%llu events, %llu of them of attacks;", total, attacks);
	for (size_t i = 0; i <= TRAFFIC_REFUSED; i++)
		fprintf(stderr, " %s %llu", what_names[i], counts[i]);
	fputc('\n', stderr);
	if (labels_name) {
		FILE *labels = open_out(labels_name);
		write_labels(labels, traffic);
		if (labels != stdout && fclose(labels))
			return 1;
	}
	traffic_free(traffic);
	return out && fflush(out) ? 1 : 0;
}

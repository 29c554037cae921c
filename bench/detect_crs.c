/* detect_crs.c: the OWASP core rule set in libmodsecurity on the same texts, where Debian's packages libmodsecurity3
 * and modsecurity-crs are installed (CRS: another folder that has what the second holds). Each text comes as a field of
 * a form, which these rules are made for; one of many, since it takes them milliseconds. */
#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/slice.h"
#include "detect.h"

enum { MOST = 300, FORM = 65536 };

/* As libmodsecurity's headers have it; it is opened when the program runs. */
struct intervention {
	int status, pause;
	char *url, *log;
	int disruptive;
};
static struct {
	void *(*init)(void);
	void (*set_log_cb)(void *, void (*)(void *, const void *));
	void *(*create_rules_set)(void);
	int (*rules_add)(void *, const char *, const char **);
	int (*rules_add_file)(void *, const char *, const char **);
	void *(*new_transaction)(void *, void *, void *);
	int (*process_connection)(void *, const char *, int, const char *, int);
	int (*process_uri)(void *, const char *, const char *, const char *);
	int (*add_request_header)(void *, const unsigned char *, const unsigned char *);
	int (*process_request_headers)(void *);
	int (*append_request_body)(void *, const unsigned char *, size_t);
	int (*process_request_body)(void *);
	int (*intervention)(void *, struct intervention *);
	void (*transaction_cleanup)(void *);
} msc;

static void say_nothing(void *data, const void *message)
{
	(void)data, (void)message;
}

static bool open_library(void)
{
	void *library = dlopen("libmodsecurity.so.3", RTLD_NOW | RTLD_LOCAL);
	bool all = library != NULL;

#define FIND(name)                                                                                                     \
	do {                                                                                                           \
		void *symbol = library != NULL ? dlsym(library, "msc_" #name) : NULL;                                  \
                                                                                                                       \
		memcpy(&msc.name, &symbol, sizeof(symbol));                                                            \
		all = all && symbol != NULL;                                                                           \
	} while (0)
	FIND(init);
	FIND(set_log_cb);
	FIND(create_rules_set);
	FIND(rules_add);
	FIND(rules_add_file);
	FIND(new_transaction);
	FIND(process_connection);
	FIND(process_uri);
	FIND(add_request_header);
	FIND(process_request_headers);
	FIND(append_request_body);
	FIND(process_request_body);
	FIND(intervention);
	FIND(transaction_cleanup);
#undef FIND
	return all;
}

static void *load_rules(void)
{
	static const char engine[] = "SecRuleEngine On\nSecRequestBodyAccess On\nSecAuditEngine Off\n";
	const char *root = getenv("CRS") != NULL ? getenv("CRS") : "", *error = NULL;
	char pattern[4096];
	void *rules = msc.create_rules_set();
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/etc/modsecurity/crs/crs-setup.conf", root);
	if (msc.rules_add(rules, engine, &error) < 0 || msc.rules_add_file(rules, pattern, &error) < 0)
		return NULL;
	snprintf(pattern, sizeof(pattern), "%s/usr/share/modsecurity-crs/rules/*.conf", root);
	if (glob(pattern, 0, NULL, &found) != 0)
		return NULL;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (msc.rules_add_file(rules, found.gl_pathv[i], &error) < 0) {
			fprintf(stderr, "detect: %s: %s\n", found.gl_pathv[i], error != NULL ? error : "?");
			globfree(&found);
			return NULL;
		}
	globfree(&found);
	return rules;
}

static size_t form(struct fw_slice text, char out[FORM])
{
	size_t size = (size_t)sprintf(out, "text=");

	for (size_t i = 0; i < text.size && size + 4 < FORM; i++)
		size += (size_t)sprintf(out + size,
					ascii_is_alpha(text.data[i]) || ascii_is_digit(text.data[i]) ? "%c" : "%%%02X",
					text.data[i]);
	return size;
}

static void *engine, *rules;

bool crs_open(void)
{
	if (engine == NULL && open_library()) {
		engine = msc.init();
		msc.set_log_cb(engine, say_nothing);
		rules = load_rules();
	}
	return rules != NULL;
}

bool crs_refuses(struct fw_slice text)
{
	static char body[FORM];
	size_t size = form(text, body);
	void *transaction = msc.new_transaction(engine, rules, NULL);
	struct intervention told = { .status = 200 };
	char length[24];
	const char *headers[][2] = { { "Host", "chat.example.com" },
				     { "User-Agent", "Mozilla/5.0" },
				     { "Accept", "*/*" },
				     { "Content-Type", "application/x-www-form-urlencoded" },
				     { "Content-Length", length } };

	snprintf(length, sizeof(length), "%zu", size);
	msc.process_connection(transaction, "192.0.2.1", 40000, "192.0.2.2", 80);
	msc.process_uri(transaction, "/chat", "POST", "1.1");
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		msc.add_request_header(transaction, (const unsigned char *)headers[i][0],
				       (const unsigned char *)headers[i][1]);
	msc.process_request_headers(transaction);
	msc.append_request_body(transaction, (const unsigned char *)body, size);
	msc.process_request_body(transaction);
	msc.intervention(transaction, &told);
	msc.transaction_cleanup(transaction);
	free(told.url);
	free(told.log);
	return told.disruptive != 0;
}

void crs_print(const struct corpus *corpus, void (*print)(const char *name, unsigned long count, unsigned long hits))
{
	unsigned long all[DETECT_CLASSES + FLAVOURS] = { 0 }, count[DETECT_CLASSES + FLAVOURS] = { 0 },
					   hits[DETECT_CLASSES + FLAVOURS] = { 0 },
					   seen[DETECT_CLASSES + FLAVOURS] = { 0 }, looked = 0;
	clock_t from;

	if (!crs_open()) {
		printf("\nCRS: not here (Debian packages libmodsecurity3, modsecurity-crs)\n");
		return;
	}
	for (size_t i = 0; i < corpus->count; i++)
		all[text_row(&corpus->texts[i])]++;
	from = clock();
	for (size_t i = 0; i < corpus->count; i++) {
		unsigned row = text_row(&corpus->texts[i]);

		/* evenly, from the first to the last */
		seen[row]++;
		if (all[row] > MOST && (seen[row] - 1) * MOST / all[row] == seen[row] * MOST / all[row])
			continue;
		count[row]++;
		hits[row] += crs_refuses(corpus->texts[i].raw);
		looked++;
	}
	printf("\nModSecurity with CRS at level 1, each text a field of a form, at most %d of a row; %.0f us of CPU a "
	       "text\n",
	       MOST, looked != 0 ? (double)(clock() - from) * 1e6 / CLOCKS_PER_SEC / (double)looked : 0);
	for (unsigned row = 0; row < DETECT_CLASSES + FLAVOURS; row++)
		if (count[row] != 0)
			print(row < DETECT_CLASSES ? detect_class_words[row] : flavours[row - DETECT_CLASSES],
			      count[row], hits[row]);
}

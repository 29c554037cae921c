/* init: a commented configuration, made of the tables so that no key is missing, and the keys of the data directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/values.h"
#include "shell/server_files.h"

enum { PATH_ROOM = 4096, NAME_ROOM = 96, KEY_SIZE = 32 };

/* One key of the file: a row of config.def, or a section with a shape of its own. */
struct entry {
	const char *path, *help;
	char kind;	  /* 'i' integer, 'b' boolean, 't' text, 'c' choice, 'l' list, 's' section */
	long long number; /* default of an integer, a boolean, a choice (its index) */
	long long min, max;
	const char *text; /* default of a text or list; words of a choice; unit of an integer; example of a section */
};

static const struct entry entries[] = {
#define CONFIG_INTEGER(path, member, value, min, max, unit, help) { path, help, 'i', value, min, max, unit },
#define CONFIG_BOOLEAN(path, member, value, help) { path, help, 'b', value, 0, 0, "" },
#define CONFIG_TEXT(path, member, value, help) { path, help, 't', 0, 0, 0, value },
#define CONFIG_CHOICE(path, member, value, words, help) { path, help, 'c', value, 0, 0, words },
#define CONFIG_TEXTS(path, member, value, help) { path, help, 'l', 0, 0, 0, value },
#include "tables/config.def"
#define SECTION(path, member, example, help) { path, help, 's', 0, 0, 0, example },
#define SECTION_IDLE(path, example, help) /* nobody should write what does nothing */
#include "tables/sections.def"
};
enum { ENTRIES = sizeof(entries) / sizeof(*entries) };

/* What is different for everybody stands there to be changed; all else is shown as a comment. */
static const char *const chosen[] = { "listen", "hosts", "upstream.url", "origin.allowed" };

static const char head[] =
	"# The configuration of Framewall. Every key is here; one that is a comment shows what counts without it.\n"
	"# \"framewall check --print\" says what counts and why. A secret is best written as \"${file:/path}\".\n\n";

static bool is_chosen(const char *path)
{
	for (size_t i = 0; i < sizeof(chosen) / sizeof(*chosen); i++)
		if (strcmp(chosen[i], path) == 0)
			return true;
	return false;
}

static void write_words(FILE *out, const char *words)
{
	fputc('[', out);
	for (const char *word = words; *word != '\0';) {
		char text[256];
		size_t size = strcspn(word, " ");

		snprintf(text, sizeof(text), "%.*s", (int)size, word);
		fputs(word != words ? ", " : "", out);
		values_text(out, text);
		word += size + (word[size] == ' ');
	}
	fputc(']', out);
}

static void write_choice(FILE *out, const struct entry *entry)
{
	const char *word = entry->text;

	for (long long i = 0; i < entry->number; i++)
		word += strcspn(word, "|") + 1;
	fprintf(out, "%.*s", (int)strcspn(word, "|"), word);
}

static void write_value(FILE *out, const struct entry *entry)
{
	switch (entry->kind) {
	case 'i':
		fprintf(out, "%lld", entry->number);
		break;
	case 'b':
		fputs(entry->number != 0 ? "true" : "false", out);
		break;
	case 't':
		values_text(out, entry->text);
		break;
	case 'c':
		write_choice(out, entry);
		break;
	case 'l':
		write_words(out, entry->text);
		break;
	default:
		fputs(entry->text, out);
		break;
	}
}

static void write_choices(FILE *out, const char *words)
{
	fputs("; ", out);
	for (; *words != '\0'; words++)
		fputs(*words == '|' ? ", " : (char[]){ *words, '\0' }, out);
}

static void write_comment(FILE *out, const struct entry *entry, int indent)
{
	fprintf(out, "%*s#", indent, "");
	if (*entry->help != '\0')
		fprintf(out, " %s", entry->help);
	if (entry->kind == 'i')
		fprintf(out, "%s %lld to %lld%s%s", *entry->help != '\0' ? ";" : "", entry->min, entry->max,
			*entry->text != '\0' ? " " : "", entry->text);
	else if (entry->kind == 'c')
		write_choices(out, entry->text);
	else if (entry->kind == 's')
		fputs("; for example", out);
	else if (*entry->help == '\0')
		fputs(" a header of every HTTP answer; empty: without it", out);
	fputc('\n', out);
}

/* The name of the path below the section prefix, of n characters; NULL: it is not in it. */
static const char *name_below(const char *path, const char *prefix, size_t *ret_size)
{
	size_t n = strlen(prefix);

	if (n != 0 && (strncmp(path, prefix, n) != 0 || path[n] != '.'))
		return NULL;
	path += n + (n != 0);
	*ret_size = strcspn(path, ".");
	return path;
}

static void write_section(FILE *out, const char *prefix, int indent);

/* First keys, then the sections: each once, where its first key is. */
static void write_subsections(FILE *out, const char *prefix, int indent)
{
	for (unsigned i = 0; i < ENTRIES; i++) {
		size_t size, other;
		const char *name = name_below(entries[i].path, prefix, &size), *earlier;
		char below[NAME_ROOM];
		bool seen = name == NULL || name[size] == '\0';

		for (unsigned k = 0; k < i && !seen; k++) {
			earlier = name_below(entries[k].path, prefix, &other);
			seen = earlier != NULL && other == size && strncmp(earlier, name, size) == 0;
		}
		if (seen)
			continue;
		fprintf(out, "%s%*s%.*s:\n", indent == 0 ? "\n" : "", indent, "", (int)size, name);
		snprintf(below, sizeof(below), "%.*s", (int)(name - entries[i].path + (ptrdiff_t)size),
			 entries[i].path);
		write_section(out, below, indent + 2);
	}
}

static void write_section(FILE *out, const char *prefix, int indent)
{
	for (unsigned i = 0; i < ENTRIES; i++) {
		size_t size;
		const char *name = name_below(entries[i].path, prefix, &size);

		if (name == NULL || name[size] != '\0')
			continue;
		write_comment(out, &entries[i], indent);
		fprintf(out, "%*s%s%s: ", indent, "", is_chosen(entries[i].path) ? "" : "#", name);
		write_value(out, &entries[i]);
		fputc('\n', out);
	}
	write_subsections(out, prefix, indent);
}

static bool write_file(const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), error;
	FILE *out = file >= 0 ? fdopen(file, "w") : NULL;
	bool good;

	if (out == NULL) {
		error = errno;
		if (file >= 0)
			close(file);
		errno = error;
		return false;
	}
	fputs(head, out);
	write_section(out, "", 0);
	good = fflush(out) == 0 && fsync(file) == 0;
	error = errno;
	good = fclose(out) == 0 && good;
	if (!good)
		unlink(path);
	errno = error;
	return good;
}

/* In the place of what is there, whole or not at all. */
static bool replace_file(const char *path)
{
	char temporary[PATH_ROOM];
	int size = snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid());

	if (size < 0 || (size_t)size >= sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (!write_file(temporary))
		return false;
	if (rename(temporary, path) == 0)
		return true;
	size = errno;
	unlink(temporary);
	errno = size;
	return false;
}

static int make(const char *path, const char *data, bool force)
{
	uint8_t key[KEY_SIZE];

	if (!(force ? replace_file(path) : write_file(path)))
		return options_could_not("init", "cannot write \"%s\": %s%s", path, strerror(errno),
					 errno == EEXIST ? "; --force replaces it" : "");
	if (server_jwt_key(data, key) != 0)
		return options_could_not("init", "cannot make \"%s/keys/jwt.key\": %s", data, strerror(errno));
	mem_wipe(key, sizeof(key));
	printf("configuration %s\nkey of login tokens %s/keys/jwt.key\n", path, data);
	printf("next: framewall check %s, then framewall run --config %s --data %s\n", path, path, data);
	return COMMAND_DONE;
}

int command_init(int argc, char **argv)
{
	const char *path = "framewall.yaml", *data = "./framewall-data";
	bool force = false;
	const struct option_row rows[] = {
		{ "--config", "FILE", &path, NULL, "where to write it; default framewall.yaml" },
		{ "--data", "DIR", &data, NULL, "where the keys are; those there are stay; default ./framewall-data" },
		{ "--force", NULL, NULL, &force, "replaces a file that is there" },
	};
	struct options options = { "init", rows, sizeof(rows) / sizeof(*rows), NULL, 0, 0 };
	int result = options_read(&options, argc, argv);

	return result != OPTIONS_GO_ON ? result : make(path, data, force);
}

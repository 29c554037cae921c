/* The play runner: play [--real | --cut[=RUNS] | --fail-alloc[=RUNS]]… [--as=WAY | --without=KEY | --with=KEY=VALUE]
 * [--count] [--events] [--keep-going] FILE…
 * Prints TAP. Exit: 0 all hold, 1 a play does not hold, 2 wrong usage. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

enum { CUT_EVERY = 2048, CUT_BEYOND = 64 };

struct score {
	bool plain, real, cut, failing;
	uint64_t cut_runs, failing_runs; /* at most; 0: all */
	bool keep_going, count_only, events;
	unsigned number, failed, skipped;
	unsigned plays, cases, checks;
	uint64_t runs;
	struct retelling retelling;
};

/* Under AddressSanitizer: what is lost by now. */
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static bool main_leaks(void)
{
	return __lsan_do_recoverable_leak_check != NULL && __lsan_do_recoverable_leak_check() != 0;
}

static struct run main_run(struct score *score, const struct script *script)
{
	return (struct run){ .script = script,
			     .options.retelling = &score->retelling,
			     .checking = true,
			     .keep_going = score->keep_going };
}

static void main_line(struct score *score, const struct script *script, bool ok, const char *what, struct text *report)
{
	printf("%s %u - %s%s: %s\n", ok ? "ok" : "not ok", ++score->number, script->name, what, script->title);
	if (!ok)
		score->failed++;
	if (report->size != 0)
		fputs(text_get(report), stdout);
	fflush(stdout);
}

static void main_plain(struct score *score, struct run *run)
{
	struct text nothing = { 0 };
	bool leaks;

	run_play(run);
	leaks = main_leaks();
	if (leaks)
		text_say(&nothing, "# memory is lost\n");
	text_add(&run->report, nothing.data, nothing.size);
	text_clear(&nothing);
	score->runs++;
	score->cases += run->cases;
	score->checks += run->checks;
	main_line(score, run->script, run->failures == 0 && !leaks, "", &run->report);
	if (score->events && run->failures == 0)
		fputs(text_get(&run->events), stdout);
}

static bool main_cut_once(struct score *score, const struct script *script, struct cut cut, struct text *report)
{
	static const char *const kinds[] = { "uncut", "cut behind octet", "cut with seed", "octet by octet" };
	struct run run = main_run(score, script);
	bool ok;

	run.options.cut = cut;
	run.keep_going = false;
	run_play(&run);
	score->runs++;
	ok = run.failures == 0;
	if (!ok)
		text_format(report, "# input %s %llu\n%s", kinds[cut.kind], (unsigned long long)cut.number,
			    text_get(&run.report));
	run_clear(&run);
	return ok;
}

/* Each octet position of what is sent, up to 2 KiB, in turn (positions are taken modulo the size of each piece), 64
 * seeded ones beyond, and once octet by octet. With a bound on the runs: positions spread evenly, from another start
 * each play. */
static void main_cut(struct score *score, const struct script *script, size_t largest)
{
	uint64_t positions = largest < 2 ? 0 : largest - 1 < CUT_EVERY ? largest - 1 : CUT_EVERY, step = 1, first = 1;
	uint64_t before = score->runs;
	struct text report = { 0 }, what = { 0 };
	bool ok = main_cut_once(score, script, (struct cut){ CUT_OCTETS, 0 }, &report) &&
		  main_cut_once(score, script, (struct cut){ CUT_OCTETS, 1 }, &report);

	if (score->cut_runs != 0 && positions > score->cut_runs) {
		step = positions / score->cut_runs | 1;
		first = 1 + score->number % step;
	}
	for (uint64_t k = first; ok && k <= positions; k += step)
		ok = main_cut_once(score, script, (struct cut){ CUT_AT, k }, &report);
	if (largest > CUT_EVERY)
		for (uint64_t seed = 1; ok && seed <= CUT_BEYOND && (score->cut_runs == 0 || seed <= 4); seed++)
			ok = main_cut_once(score, script, (struct cut){ CUT_RANDOM, seed }, &report);
	if (ok && main_leaks()) {
		ok = false;
		text_say(&report, "# memory is lost\n");
	}
	text_format(&what, " (cut, %llu runs)", (unsigned long long)(score->runs - before));
	main_line(score, script, ok, text_get(&what), &report);
	text_clear(&what);
	text_clear(&report);
}

/* Is every message that upstreams saw here one that they see when nothing fails? */
static bool main_seen(const struct text *seen, const struct text *allowed)
{
	size_t at = 0;

	while (at < seen->size) {
		size_t head = sizeof(int) + sizeof(size_t), size;

		memcpy(&size, seen->data + at + sizeof(int), sizeof(size));
		if (allowed->size == 0 || memmem(allowed->data, allowed->size, seen->data + at, head + size) == NULL)
			return false;
		at += head + size;
	}
	return true;
}

static bool main_fail_once(struct score *score, const struct run *plain, uint64_t n, bool *ret_more,
			   struct text *report)
{
	struct run run = main_run(score, plain->script);
	bool ok;

	run.options.failing = true;
	run.options.fail_at = n;
	run.checking = false;
	run_play(&run);
	score->runs++;
	*ret_more = run.allocations >= n;
	ok = run.failures == 0;
	if (ok && !main_seen(&run.seen, &plain->seen)) {
		text_say(&run.report, "#   the upstream saw a message that it does not see when nothing fails\n");
		ok = false;
	}
	if (ok && run.dials > plain->dials) {
		text_say(&run.report, "#   the upstream was dialled more often than when nothing fails\n");
		ok = false;
	}
	if (!ok)
		text_format(report, "# allocation %llu fails\n%s", (unsigned long long)n, text_get(&run.report));
	run_clear(&run);
	return ok;
}

static void main_fail(struct score *score, const struct run *plain)
{
	uint64_t step = 1, before = score->runs, first = 1;
	struct text report = { 0 }, what = { 0 };
	bool ok = true, more = true;

	if (score->failing_runs != 0 && plain->allocations > score->failing_runs) {
		step = plain->allocations / score->failing_runs | 1;
		first = 1 + score->number % step;
	}
	for (uint64_t n = first; (ok || score->keep_going) && more; n += step)
		ok &= main_fail_once(score, plain, n, &more, &report);
	if (main_leaks()) { /* asked once a play: it looks at all memory there is */
		text_say(&report, "# memory is lost\n");
		ok = false;
	}
	text_format(&what, " (allocations fail, %llu runs)", (unsigned long long)(score->runs - before));
	main_line(score, plain->script, ok, text_get(&what), &report);
	text_clear(&what);
	text_clear(&report);
}

static void main_real(struct score *score, const struct script *script)
{
	struct run run = main_run(score, script);

	if (script->virtual) {
		printf("ok %u - %s: %s # SKIP needs the virtual clock or faults\n", ++score->number, script->name,
		       script->title);
		score->skipped++;
		return;
	}
	run.real = true;
	run.options.program = getenv("FRAMEWALL_BIN");
	main_plain(score, &run);
	run_clear(&run);
}

static void main_script(struct score *score, const char *path)
{
	struct text error = { 0 };
	struct script *script = script_read(path, &error);
	struct run plain;

	if (script == NULL) {
		printf("not ok %u - %s\n# %s\n", ++score->number, path, text_get(&error));
		score->failed++;
		text_clear(&error);
		return;
	}
	text_clear(&error);
	score->plays++;
	if (score->real) {
		main_real(score, script);
		script_free(script);
		return;
	}
	plain = main_run(score, script);
	main_plain(score, &plain);
	if (plain.failures == 0 && score->cut)
		main_cut(score, script, plain.largest);
	if (plain.failures == 0 && score->failing)
		main_fail(score, &plain);
	run_clear(&plain);
	script_free(script);
}

static int main_usage(void)
{
	fputs("usage: play [--real] [--cut[=RUNS]] [--fail-alloc[=RUNS]] [--as=WAY] [--without=KEY] [--with=KEY=VALUE] "
	      "[--keep-going] [--count] [--events] FILE.play…\n"
	      "  (nothing)      in memory, under a virtual clock\n"
	      "  --cut          also with the input cut at each octet; RUNS bounds the positions tried\n"
	      "  --fail-alloc   also with the n-th allocation failing, for each n; RUNS bounds them\n"
	      "  --real         over sockets, against the program named by FRAMEWALL_BIN\n"
	      "  --as=overlay, --as=variables, --as=references   in memory, the configuration said in another way\n"
	      "  --without=KEY, --with=KEY=VALUE   in memory, with one key of each configuration left out or set\n"
	      "  --keep-going   a line that does not hold does not end its play\n"
	      "  --count        only the numbers of plays and cases\n"
	      "  --events       also the type of each record that a play expected and that came\n",
	      stderr);
	return 2;
}

static bool main_option(struct score *score, const char *word)
{
	if (strcmp(word, "--real") == 0)
		score->real = true;
	else if (strncmp(word, "--cut", 5) == 0 &&
		 (word[5] == '\0' || (word[5] == '=' && text_number(word + 6, &score->cut_runs))))
		score->cut = true;
	else if (strncmp(word, "--fail-alloc", 12) == 0 &&
		 (word[12] == '\0' || (word[12] == '=' && text_number(word + 13, &score->failing_runs))))
		score->failing = true;
	else if (strcmp(word, "--keep-going") == 0)
		score->keep_going = true;
	else if (strcmp(word, "--events") == 0)
		score->events = true;
	else if (strcmp(word, "--count") == 0)
		score->count_only = true;
	else
		return retell_option(&score->retelling, word);
	return true;
}

int main(int argc, char **argv)
{
	struct score score = { 0 };
	int first = 1;

	/* The store's tables are large and hardly touched: fresh pages for each run cost less than clearing old ones.
	 */
	mallopt(M_MMAP_THRESHOLD, 1 << 17);
	if (!stage_register())
		return 3;
	while (first < argc && argv[first][0] == '-')
		if (!main_option(&score, argv[first++]))
			return main_usage();
	if (first == argc)
		return main_usage();
	if (score.real && getenv("FRAMEWALL_BIN") == NULL) {
		fputs("play: --real needs FRAMEWALL_BIN, the path of the program\n", stderr);
		return 2;
	}
	if (score.count_only && freopen("/dev/null", "w", stdout) == NULL)
		return 3;
	for (int i = first; i < argc; i++)
		main_script(&score, argv[i]);
	memory_forget();
	printf("1..%u\n", score.number);
	fprintf(score.count_only ? stderr : stdout,
		"# %u plays, %u cases, %u expectations, %llu runs; %u failed, %u skipped\n", score.plays, score.cases,
		score.checks, (unsigned long long)score.runs, score.failed, score.skipped);
	if (score.retelling.kind != RETELL_NOT)
		printf("# %u configurations changed\n", score.retelling.changed);
	return score.failed != 0;
}

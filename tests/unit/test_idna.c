/* Host names beyond ASCII: what stands as it is in ASCII as RFC 3492 and browsers write it, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "codec/idna.h"

static void becomes(const char *host, const char *expected)
{
	size_t size = strlen(host), got;
	uint8_t *copy = malloc(size + 1), out[IDNA_ROOM + 1];

	memcpy(copy, host, size);
	got = idna_to_ascii(slice(copy, size), out);
	out[got] = '\0';
	if (strcmp((const char *)out, expected) != 0)
		fail_msg("%s became \"%s\", not \"%s\"", host, (const char *)out, expected);
	free(copy);
}

static void stands(void **state)
{
	(void)state;
	becomes("example.com", "example.com");
	becomes("bücher.example", "xn--bcher-kva.example");
	becomes("a.é.b", "a.xn--9ca.b");
	becomes("пример.рф", "xn--e1afmkfd.xn--p1ai");
	becomes("実例.テスト", "xn--fsq470a.xn--zckzah");
	becomes("한국", "xn--3e0b707e");
	becomes("ตัวอย่าง", "xn--72c1a1bt4awk9o");
	becomes("faß.de", "xn--fa-hia.de");
	becomes("💩.la", "xn--ls8h.la");
	becomes("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"); /* RFC 3492 7.1 (B) */
	becomes("3年b組金八先生", "xn--3b-ww4c5e180e575a65lsy2b");     /* (L) */
	becomes("a-é-1", "xn--a--1-cpa");
}

static void is_none(void **state)
{
	char label[70];

	(void)state;
	becomes("É.example", "");	  /* stands for é */
	becomes("e\xcc\x81.example", ""); /* NFC: é */
	becomes("a\xcc\x87\xcc\xa3", ""); /* marks in another order */
	becomes("ａ", "");
	becomes("ſ", "");
	becomes("a\xc2\xad", ""); /* not seen */
	becomes("a\xe2\x80\x8d", "");
	becomes("\xef\xb7\x90", "");		 /* no character */
	becomes("\xe1\x84\x92\xe1\x85\xa1", ""); /* Hangul in pieces */
	becomes("하\xe1\x86\xab", "");
	becomes("a..é", "");
	becomes(".", "");
	memset(label, 'a', 66);
	label[63] = '\0';
	becomes(label, label);
	label[63] = 'a';
	label[64] = '\0';
	becomes(label, "");
	strcpy(label + 57, "é"); /* "xn--", 57 letters, "-" and what says where é is: more than 63 */
	becomes(label, "");
}

/* As long as a name may be, and one more. */
static void room(void **state)
{
	char host[300] = "";

	(void)state;
	for (unsigned i = 0; i < 126; i++)
		strcat(host, "a.");
	strcat(host, "b");
	becomes(host, host);
	strcat(host, ".c");
	becomes(host, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(stands), cmocka_unit_test(is_none),
					    cmocka_unit_test(room) };

	return cmocka_run_group_tests_name("idna", tests, NULL, NULL);
}

/* What developers write to each other, none of it an attack: none is refused, few are flagged. The messages stand in
 * tests/unit/developers.txt, a line of %% and a name before each kind, %% alone between two. */
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

/* Of a hundred. What is flagged passes and is recorded: mostly templates, commands and addresses that are nothing else.
 */
enum { FLAGGED_MOST = 14, MESSAGE_MOST = 4096 };

static unsigned most_points(const struct detect_words *words, struct fw_slice text)
{
	struct detect_result result = { 0 };
	uint8_t room[MESSAGE_MOST];
	unsigned most = 0;

	detect_text(words, text, room, &result);
	for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
		unsigned points = detect_points(&result, class, NULL);

		most = points > most ? points : most;
	}
	return most;
}

static void test_developers(void **state)
{
	static struct detect_words words;
	char message[MESSAGE_MOST + 1], *line = NULL;
	size_t room = 0, size = 0;
	unsigned count = 0, flagged = 0, refused = 0;
	FILE *file = fopen("tests/unit/developers.txt", "r");
	bool more = true;

	(void)state;
	assert_non_null(file);
	detect_words_init(&words);
	while (more) {
		ssize_t length = getline(&line, &room, file);

		more = length > 0;
		if (more && strncmp(line, "%%", 2) != 0) {
			assert_true(size + (size_t)length < MESSAGE_MOST);
			memcpy(message + size, line, (size_t)length);
			size += (size_t)length;
			continue;
		}
		while (size != 0 && message[size - 1] == '\n')
			size--;
		message[size] = '\0';
		if (size != 0) {
			unsigned points = most_points(&words, slice(message, size));

			count++;
			flagged += points >= DETECT_FLAG;
			refused += points >= DETECT_REFUSE;
			if (points >= DETECT_REFUSE)
				print_error("# %u points for %s\n", points, message);
		}
		size = 0;
	}
	free(line);
	fclose(file);
	assert_true(count >= 300);
	assert_int_equal(refused, 0);
	assert_true(flagged * 100 <= count * FLAGGED_MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_developers),
	};

	return cmocka_run_group_tests_name("developers", tests, NULL, NULL);
}

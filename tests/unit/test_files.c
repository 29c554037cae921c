/* Files of a configuration that are read once and given to other processes. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shell/files.h"

static char path[] = "/tmp/framewall-files-XXXXXX";
static const char said[] = "mode: monitor\n";

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void assert_reads(int fd, const char *text)
{
	char read_text[64] = { 0 };

	assert_int_equal(read(fd, read_text, sizeof(read_text) - 1), strlen(text));
	assert_string_equal(read_text, text);
}

static struct files *kept_file(void)
{
	struct files *files = files_new();
	int fd;

	write_file(said);
	files_keep(files);
	fd = files_open(path, 0);
	files_keep(NULL);
	assert_true(fd >= 0);
	assert_reads(fd, said);
	close(fd);
	return files;
}

static bool take(void *user, const char *name, int fd)
{
	int *taken = user;

	assert_string_equal(name, path);
	*taken = dup(fd); /* as a descriptor that was sent to another process */
	return *taken >= 0;
}

/* Two processes read at the same time. */
static void test_each_has_a_place_of_its_own(void **state)
{
	struct files *files = kept_file();
	int one, other;

	(void)state;
	assert_true(files_each(files, take, &one));
	assert_true(files_each(files, take, &other));
	files_free(files);
	/* as whoever is given it does */
	assert_int_equal(lseek(one, 0, SEEK_SET), 0);
	assert_int_equal(lseek(other, 0, SEEK_SET), 0);
	assert_reads(one, said);
	assert_reads(other, said);
	assert_int_equal(write(one, "x", 1), -1);
	close(one);
	close(other);
}

static bool refuse(void *user, const char *name, int fd)
{
	(void)user;
	(void)name;
	(void)fd;
	return false;
}

static void test_one_that_does_not_come_is_said(void **state)
{
	struct files *files = kept_file();

	(void)state;
	assert_false(files_each(files, refuse, NULL));
	files_free(files);
}

/* What was read is what is given, whatever became of the file; and nothing but that is there. */
static void test_used(void **state)
{
	struct files *files = kept_file(), *given = files_new();
	int fd;

	(void)state;
	write_file("mode: enforce\n");
	assert_true(files_each(files, take, &fd));
	assert_true(files_add(given, path, fd));
	files_use(given);
	for (unsigned i = 0; i < 2; i++) {
		fd = files_open(path, 0);
		assert_reads(fd, said);
		close(fd);
	}
	assert_int_equal(files_open("/etc/hosts", 0), -1);
	assert_false(files_exist("/etc/hosts"));
	files_use(NULL);
	assert_true(files_exist("/etc/hosts"));
	files_free(files);
	files_free(given);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_has_a_place_of_its_own),
		cmocka_unit_test(test_one_that_does_not_come_is_said),
		cmocka_unit_test(test_used),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}

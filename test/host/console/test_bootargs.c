/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_bootargs.c: what of a kernel command line is run: all of it, some of it, nothing; and that
 * no line makes it read or run what is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* the source itself: it is not among the objects that every host test links */
#include "console/bootargs.c"
#include "test/host/port_host.h"

static char ran[4096];

static bool is_command(const char *word, size_t length)
{
	static const char *const names[] = {"meminfo", "alloc", "test", "reboot", "poweroff"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == length && memcmp(names[i], word, length) == 0)
			return true;
	return false;
}

/* Each command between brackets. */
static void note(const char *command, size_t length)
{
	size_t used = strlen(ran);

	assert_true(length > 0);
	snprintf(ran + used, sizeof(ran) - used, "[%.*s]", (int)length, command);
}

static const struct bootargs how = {.is_command = is_command, .run = note};

static void expect(const char *line, const char *commands)
{
	/* exactly as long as it is, so that a sanitizer sees a byte too far */
	char *exact = strdup(line);
	unsigned int count = 0, returned;

	assert_non_null(exact);
	ran[0] = '\0';
	returned = bootargs_run(&how, exact);
	free(exact);
	for (const char *c = commands; *c; c++)
		count += *c == '[';
	if (strcmp(ran, commands) != 0 || returned != count)
		fail_msg("'%s' runs %s, not %s", line, ran, commands);
}

static void commands(void **state)
{
	(void)state;
	expect("meminfo", "[meminfo]");
	expect("alloc 3; meminfo; nosuch; poweroff", "[alloc 3][meminfo][nosuch][poweroff]");
	expect("  meminfo ;; ; alloc 1;", "[meminfo][alloc 1]");
	expect("; meminfo", "[meminfo]");
	expect("\tmeminfo\t;\nalloc 1\n", "[meminfo][alloc 1]");
	expect("meminfo;console=ttyS0", "[meminfo][console=ttyS0]");
	expect("meminfo -- alloc 1", "[meminfo -- alloc 1]");
	expect("alloc 0 quarry.cmd=meminfo", "[alloc 0 quarry.cmd=meminfo]");
}

static void linux_lines(void **state)
{
	(void)state;
	expect("", "");
	expect(" ;; \t", "");
	expect("console=ttyS0,115200 earlycon root=/dev/mmcblk0p2 rw rootwait quiet", "");
	expect("reboot=w console=ttyS0; panic=1", "");
	expect("meminfo=1", "");
	expect("root=/dev/sda1 meminfo; alloc 3", "");
	expect("nosuch; meminfo", "");
	expect("reboot,warm", "");
	expect("\"meminfo\"", "");
	expect("--x meminfo", "");
	expect("ro --", "");
	expect("ro -- ; ;", "");
	expect("a=\"b -- meminfo\" c", "");
	expect("a --meminfo", "");
	expect("quarry.cmd", "");
	expect("quarry.cmd=", "");
	expect("quarry.cmd=\"\"", "");
	expect("quarry.cmd=\"", "");
	expect("\"quarry.cmd=\"", "");
	expect("xquarry.cmd=meminfo", "");
	expect("quarry.cmds=meminfo", "");
	expect("a=quarry.cmd=meminfo", "");
	expect("a=\"quarry.cmd=meminfo\"", "");
}

static void linux_lines_with_commands(void **state)
{
	(void)state;
	expect("console=ttyS0 -- meminfo; alloc 1", "[meminfo][alloc 1]");
	expect("-- meminfo", "[meminfo]");
	expect("ro --\tmeminfo --x; b", "[meminfo --x][b]");
	expect("ro -- -- meminfo", "[-- meminfo]");
	expect("ro -- quarry.cmd=meminfo", "[quarry.cmd=meminfo]");
	expect("quarry.cmd=meminfo", "[meminfo]");
	expect("ro quarry.cmd=meminfo;alloc rw", "[meminfo][alloc]");
	expect("ro quarry.cmd=\"meminfo; alloc 1\" rw", "[meminfo][alloc 1]");
	expect("ro \"quarry.cmd=meminfo; alloc 1\" rw", "[meminfo][alloc 1]");
	expect("quarry.cmd=\"meminfo; alloc 1", "[meminfo][alloc 1]");
	expect("quarry.cmd=\" meminfo \"", "[meminfo]");
	expect("quarry.cmd=\"alloc 1\" a quarry.cmd=meminfo -- test", "[alloc 1][meminfo][test]");
	expect("a=\"x y\" quarry.cmd=meminfo", "[meminfo]");
	expect("a=\"x y quarry.cmd=meminfo", "");
	expect("quarry.cmd=\"x -- y\" z", "[x -- y]");
	expect("quarry.cmd=a\"b c\"d e", "[a\"b c\"d]");
}

static void long_lines(void **state)
{
	static char line[100000], many[100000];

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	memcpy(line + sizeof(line) - 13, " -- meminfo;", 13);
	expect(line, "[meminfo]");
	for (size_t i = 0; i + 1 < sizeof(many); i++)
		many[i] = "a=1 "[i % 4];
	memcpy(many, "quarry.cmd=meminfo ", 19);
	expect(many, "[meminfo]");
}

/* Any bytes: what is run lies in the line, has no ';' and no blanks around it. */
static const char *from, *until;

static void check_command(const char *command, size_t length)
{
	assert_true(command >= from && command + length <= until && length > 0);
	assert_null(memchr(command, ';', length));
	assert_false(is_blank(command[0]) || is_blank(command[length - 1]));
}

static void random_lines(void **state)
{
	static const char *const pieces[] = {
		"\"", " ", "--",   ";",	 "quarry.cmd=", "meminfo", "a=b",
		"\t", "x", " -- ", "\n", "\200",	"=\""};
	static const struct bootargs checked = {.is_command = is_command, .run = check_command};
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		char line[128] = "", *exact;

		for (uint64_t n = host_random(&seed) % 9; n > 0; n--)
			strcat(line,
			       pieces[host_random(&seed) % (sizeof(pieces) / sizeof(pieces[0]))]);
		exact = strdup(line);
		assert_non_null(exact);
		from = exact;
		until = exact + strlen(exact);
		bootargs_run(&checked, exact);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),
		cmocka_unit_test(linux_lines),
		cmocka_unit_test(linux_lines_with_commands),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(random_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

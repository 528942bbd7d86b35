/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_line.c: the console's line editor and parser against a model of a terminal.
 *
 * The model knows backspace, new line and Ctrl-L's codes; its row must always show prompt and text,
 * with its cursor at the editor's. Random bytes must never break that.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* the sources themselves: they are not among the objects that every host test links */
#include "console/line.c"
#include "console/line_complete.c"
#include "console/line_edit.c"
#include "console/line_search.c"
#include "console/parse.c"

#define PROMPT	  "quarry> "
#define ROW_WIDTH 1024

static struct line line;
static char row[ROW_WIDTH + 1];
static size_t column;
static unsigned int rows; /* lines finished */
static char last_row[ROW_WIDTH + 1];

static void row_clear(void)
{
	memset(row, ' ', ROW_WIDTH);
	row[ROW_WIDTH] = '\0';
	column = 0;
}

static void screen(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n') {
			memcpy(last_row, row, sizeof(row));
			rows++;
			row_clear();
		} else if (text[i] == '\b') {
			assert_true(column > 0);
			column--;
		} else if (length - i >= 7 && memcmp(text + i, "\033[H\033[2J", 7) == 0) {
			row_clear();
			i += 6;
		} else {
			assert_true((unsigned char)text[i] >= ' ' && text[i] != DELETE);
			assert_true(column < ROW_WIDTH);
			row[column++] = text[i];
		}
	}
}

/* What the row begins with: the prompt, or what Ctrl-R looks for. */
static const char *shown_prompt(void)
{
	static char text[LINE_SEARCH_MAX + 32];

	if (!line.searching)
		return PROMPT;
	snprintf(text, sizeof(text), "%s%s: ", line.search_failed ? "(no line has) " : "(search) ",
		 line.search);
	return text;
}

static void check(void)
{
	const char *prompt = shown_prompt();

	assert_true(line.length <= LINE_MAX_LENGTH);
	assert_true(line.cursor <= line.length);
	assert_int_equal(strlen(line.text), line.length);
	assert_memory_equal(row, prompt, strlen(prompt));
	assert_memory_equal(row + strlen(prompt), line.text, line.length);
	assert_int_equal(column, strlen(prompt) + line.cursor);
	for (size_t i = strlen(prompt) + line.length; i < ROW_WIDTH; i++)
		assert_int_equal(row[i], ' ');
}

static const char *const words[] = {"alloc", "free", "page", "pagetypeinfo", "", "pcp", NULL};

static const char *candidate(const char *text, size_t start, size_t end, unsigned int n,
			     bool *space)
{
	assert_true(start <= end && end <= strlen(text));
	*space = start == 0;
	return words[n];
}

static int setup(void **state)
{
	(void)state;
	memset(&line, 0, sizeof(line));
	line.prompt = PROMPT;
	line.put = screen;
	line.candidate = candidate;
	rows = 0;
	row_clear();
	line_start(&line);
	return 0;
}

/* Feed keys; the last event. The screen is checked after every byte. */
static enum line_event type_bytes(const char *keys, size_t length)
{
	enum line_event event = LINE_NONE;

	for (size_t i = 0; i < length; i++) {
		event = line_input(&line, (unsigned char)keys[i]);
		if (event == LINE_NONE)
			check();
	}
	return event;
}

static enum line_event type(const char *keys)
{
	return type_bytes(keys, strlen(keys));
}

/* The line that keys and Enter give; the editor is ready for the next one. */
static void expect_line(const char *keys, const char *text)
{
	assert_int_equal(type(keys), LINE_NONE);
	assert_int_equal(type("\r"), LINE_ENTERED);
	assert_string_equal(line.text, text);
	line_start(&line);
}

static void test_typing(void **state)
{
	(void)state;
	expect_line("buddyinfo", "buddyinfo");
	expect_line("", "");
	expect_line("bux\bd\x7f", "bu");
	expect_line("\b\b\x7f", "");
}

static void test_keys(void **state)
{
	(void)state;
	expect_line("bc\x01"
		    "a\x05"
		    "d",
		    "abcd");
	expect_line("ac\x02"
		    "b",
		    "abc");
	expect_line("abd\x01\x06\x06"
		    "c",
		    "abcd");
	expect_line("abcd\x02\x02\x0b", "ab");
	expect_line("abcd\x02\x02\x15", "cd");
	expect_line("one two  \x17", "one ");
	expect_line("one two\x02\x17", "one o");
	expect_line("abc\x01\x04", "bc");
	expect_line("abc\x04\x06", "abc");
	expect_line("ab\x0c"
		    "c",
		    "abc");
	expect_line("\x02\x04\x0b\x15\x17\x06", "");
}

static void test_escapes(void **state)
{
	(void)state;
	expect_line("ac\033[Db", "abc");
	expect_line("ab\033[H\033[Cx", "axb");
	expect_line("ab\033[1~x\033[4~y", "xaby");
	expect_line("ab\033[7~x\033[8~y", "xaby");
	expect_line("ab\033OHx\033OFy", "xaby");
	expect_line("abc\033[D\033[D\033[3~", "ac");
	expect_line("a\033[99;5~b\033[?25hc\033[1;5Dd\033Oz", "abcd");
	expect_line("a\033[\bb", "b"); /* a control character ends the sequence and counts */
	expect_line("a\033xb", "ab");
	expect_line("a\033[99999999999999999999~b", "ab");
	assert_int_equal(type("abc\033[\r"), LINE_ENTERED);
	assert_string_equal(line.text, "abc");
}

static void test_ignored_bytes(void **state)
{
	static const char keys[] = "a\0b\x80\xff\x11\x13\x1c"
				   "c";

	(void)state;
	assert_int_equal(type_bytes(keys, sizeof(keys) - 1), LINE_NONE);
	assert_string_equal(line.text, "abc");
}

static void test_line_ends(void **state)
{
	(void)state;
	assert_int_equal(type("a\n"), LINE_ENTERED);
	line_start(&line);
	assert_int_equal(type("b\r"), LINE_ENTERED);
	line_start(&line);
	assert_int_equal(type("\n"), LINE_NONE); /* the second half of "\r\n" */
	assert_int_equal(type("c\n"), LINE_ENTERED);
	assert_string_equal(line.text, "c");
	line_start(&line);
	assert_int_equal(type("\n"), LINE_ENTERED);
	assert_string_equal(line.text, "");
}

static void test_cancel(void **state)
{
	(void)state;
	assert_int_equal(type("poweroff\x03"), LINE_CANCELLED);
	assert_string_equal(line.text, "");
	assert_memory_equal(last_row, PROMPT "poweroff^C", strlen(PROMPT "poweroff^C"));
	line_start(&line);
	expect_line("\033[A", ""); /* not remembered */
}

static void test_too_long(void **state)
{
	char keys[LINE_MAX_LENGTH + 2];

	(void)state;
	memset(keys, 'x', sizeof(keys));
	keys[LINE_MAX_LENGTH] = '\0';
	expect_line(keys, keys);
	keys[LINE_MAX_LENGTH] = 'x';
	keys[LINE_MAX_LENGTH + 1] = '\0';
	assert_int_equal(type(keys), LINE_NONE);
	/* taking one back does not make it the line the user meant */
	assert_int_equal(type("\b\r"), LINE_TOO_LONG);
	assert_string_equal(line.text, "");
	line_start(&line);
	assert_int_equal(type(keys), LINE_NONE);
	expect_line("\x15"
		    "again",
		    "again");
}

static void test_history(void **state)
{
	(void)state;
	expect_line("one", "one");
	expect_line("two", "two");
	expect_line("two", "two"); /* a repetition is kept once */
	expect_line("", "");
	expect_line("\033[A", "two");
	expect_line("\033[A\033[A", "one");
	expect_line("\x10\x10\x0e", "one");
	expect_line("half\033[A\033[B\033[B", "half");
	expect_line("\033[A\033[A!", "one!");
	for (int i = 0; i < 500; i++) {
		char text[24], keys[3 * LINE_HISTORY + 1] = "";

		snprintf(text, sizeof(text), "line %d", i);
		expect_line(text, text);
		if (i < LINE_HISTORY)
			continue;
		for (int n = 0; n < LINE_HISTORY; n++)
			strcat(keys, "\033[A");
		snprintf(text, sizeof(text), "line %d", i - LINE_HISTORY + 1);
		assert_int_equal(type(keys), LINE_NONE);
		assert_string_equal(line.text, text);
		assert_int_equal(type("\033[A"), LINE_NONE); /* no further back */
		assert_string_equal(line.text, text);
		assert_int_equal(type("\x03"), LINE_CANCELLED);
		line_start(&line);
	}
}

static void test_search(void **state)
{
	(void)state;
	expect_line("alloc 3", "alloc 3");
	expect_line("meminfo", "meminfo");
	expect_line("alloc 5", "alloc 5");
	expect_line("\x12"
		    "al",
		    "alloc 5");
	expect_line("meminfo", "meminfo");
	expect_line("\x12"
		    "alloc\x12",
		    "alloc 3");				 /* the next older one */
	expect_line("\x12loc 5\x7f\x7f\x08", "alloc 3"); /* what was entered last has it again */
	expect_line("\x12min\x01x", "xmeminfo");	 /* a key takes the line and counts */
	expect_line("half\x12zzz\x07", "half");
	assert_int_equal(type("half\x12zzz"), LINE_NONE);
	assert_string_equal(line.text, "half"); /* no line has that: nothing changes */
	assert_int_equal(type("\x03"), LINE_CANCELLED);
	line_start(&line);
	expect_line("\x12meminfo\033[A!", "alloc 3!"); /* older than the line found, xmeminfo */
}

static void test_completion(void **state)
{
	(void)state;
	expect_line("al\t3", "alloc 3");
	expect_line("help al\t", "help alloc"); /* this candidate asks for no space */
	expect_line("zz\t", "zz");
	assert_int_equal(type("pa\t"), LINE_NONE);
	assert_string_equal(line.text, "page");
	assert_memory_equal(last_row, "page  pagetypeinfo ", 19);
	assert_int_equal(type("t\t"), LINE_NONE);
	assert_string_equal(line.text, "pagetypeinfo ");
	assert_int_equal(type("\x15p\t"), LINE_NONE);
	assert_string_equal(line.text, "p");
	assert_memory_equal(last_row, "page  pagetypeinfo  pcp ", 24);
	assert_int_equal(type("\x15 3\x01"), LINE_NONE);
	expect_line("fr\t", "free  3"); /* in the middle of a line */
}

static void test_completion_that_does_not_fit(void **state)
{
	char keys[LINE_MAX_LENGTH + 1];

	(void)state;
	memset(keys, 'x', sizeof(keys));
	keys[LINE_MAX_LENGTH - 3] = '\0';
	assert_int_equal(type(keys), LINE_NONE);
	assert_int_equal(type(" al\t"), LINE_NONE);
	assert_int_equal(line.length, LINE_MAX_LENGTH);
	assert_false(line.overflow);
}

static void test_random_bytes(void **state)
{
	static const char likely[] =
		"ab ;\x01\x02\x04\x05\x06\x0b\x0c\x12\x07\x15\x17\b\t\033[ABCDHF~13;O";

	(void)state;
	srand(1);
	for (unsigned int i = 0; i < 300000; i++) {
		unsigned char byte = (unsigned char)rand();

		if (i % 4096 < 400) /* a run of text, so that lines grow past the limit */
			byte = (unsigned char)('a' + i % 26);
		else if (rand() % 16)
			byte = (unsigned char)likely[(size_t)rand() % (sizeof(likely) - 1)];
		if (line_input(&line, byte) == LINE_NONE)
			check();
		else
			line_start(&line);
	}
}

static void test_numbers(void **state)
{
	static const char *const bad[] = {"",
					  " ",
					  "-1",
					  "+1",
					  " 1",
					  "1 ",
					  "0x",
					  "0x0x1",
					  "0xg",
					  "1k",
					  "--",
					  "0b1",
					  "\xc2\xa0"
					  "1",
					  "1.0"};
	uint64_t value = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_u64(bad[i], UINT64_MAX, &value), -EINVAL);
	assert_int_equal(parse_u64("18446744073709551616", UINT64_MAX, &value), -ERANGE);
	assert_int_equal(parse_u64("0x10000000000000000", UINT64_MAX, &value), -ERANGE);
	assert_int_equal(parse_u64("11", 10, &value), -ERANGE);
	assert_int_equal(value, 77); /* untouched so far */
	assert_int_equal(parse_u64("10", 10, &value), 0);
	assert_int_equal(value, 10);
	assert_int_equal(parse_u64("010", 10, &value), 0); /* decimal, not octal */
	assert_int_equal(value, 10);
	assert_int_equal(parse_u64("0xFFFFffffFFFFffff", UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(parse_u64("18446744073709551615", UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
}

static void test_words(void **state)
{
	char none[] = " \t ", three[] = "  a bc\td  ", many[] = "a b c d";
	char *list[4];

	(void)state;
	assert_int_equal(parse_words(none, list, 3), 0);
	assert_null(list[0]);
	assert_int_equal(parse_words(three, list, 3), 3);
	assert_string_equal(list[0], "a");
	assert_string_equal(list[1], "bc");
	assert_string_equal(list[2], "d");
	assert_null(list[3]);
	assert_int_equal(parse_words(many, list, 3), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_typing, setup),
		cmocka_unit_test_setup(test_keys, setup),
		cmocka_unit_test_setup(test_escapes, setup),
		cmocka_unit_test_setup(test_ignored_bytes, setup),
		cmocka_unit_test_setup(test_line_ends, setup),
		cmocka_unit_test_setup(test_cancel, setup),
		cmocka_unit_test_setup(test_too_long, setup),
		cmocka_unit_test_setup(test_history, setup),
		cmocka_unit_test_setup(test_search, setup),
		cmocka_unit_test_setup(test_completion, setup),
		cmocka_unit_test_setup(test_completion_that_does_not_fit, setup),
		cmocka_unit_test_setup(test_random_bytes, setup),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

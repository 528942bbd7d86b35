/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ktap.h: test suites that run on the machine and report in KTAP, the kernel's test protocol.
 *
 * A case is a function without arguments, registered with TEST_CASE() in any file that is linked
 * in. It must assert something. After it, mm_check() must find nothing, as many objects must be in
 * use as before, and every zone must have the free blocks it had before, with slabs that are not in
 * use given back and the per-CPU caches drained, so a leak is a failure of the case that leaked.
 *
 * The last line of a run counts the lines and gives the CRC-32 of the bytes before it ("\n" ends a
 * line), so that a reader on the other end of a serial line knows that it saw all of them:
 *
 *   KTAP version 1
 *   1..2
 *   ok 1 order.0 # 1024 assertions
 *   # test/target/suite_pcp.c:31: batches: expected 4, got 5
 *   not ok 2 pcp.refill # 1 of 17 assertions failed
 *   # quarry: passed=1 failed=1 skipped=0 records=5 crc32=0x1c291ca3
 *
 * A case that this machine cannot run says so, `ok 3 blk.rings # SKIP no disk`, and counts as
 * skipped.
 *
 * Lines that do not start as one of these (the log's) are no part of the report.
 */
#ifndef QUARRY_TEST_KTAP_H
#define QUARRY_TEST_KTAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test_case {
	const char *suite;
	const char *name;
	void (*fn)(void);
};

/*
 * test_reserves_on(): cases run without watermarks and reserves, so that all memory can be had; one
 * that tests those calls this first. They are the machine's again after the case.
 */
void test_reserves_on(void);

/*
 * test_skip() - this machine lacks what the case needs; the case returns next. why: a string that
 * stays. What it asserted before still counts.
 */
void test_skip(const char *why);

/*
 * test_blocks_move() - the case lets go of memory it did not allocate and takes as much again, from
 * wherever: after it the free pages of all zones together are compared, instead of every zone's
 * blocks.
 */
void test_blocks_move(void);

/*
 * test_areas_release(), test_areas_hold() - a case that is about areas for contiguous allocations lets
 * go of what is held of them, and holds it again at its end.
 */
void test_areas_release(void);
void test_areas_hold(void);

/*
 * TEST_CASE(coalesce, shuffled, fn): the case `coalesce.shuffled`. Names are of C identifiers'
 * characters. The linker script keeps .quarry.suites between __quarry_suites_start and
 * __quarry_suites_end; cases run in link order.
 */
#define TEST_CASE(suite_, name_, fn_)                                          \
	static const struct test_case test_case_##suite_##_##name_ = {         \
		.suite = #suite_,                                              \
		.name = #name_,                                                \
		.fn = (fn_),                                                   \
	};                                                                     \
	static const struct test_case *const test_entry_##suite_##_##name_     \
		__attribute__((section(".quarry.suites"), used, no_reorder)) = \
			&test_case_##suite_##_##name_

/*
 * test_run() - run the cases that pattern names: NULL or "" all, "suite", or "suite.case". Returns
 * the number of failed cases, -ENOENT after one line of error if pattern names none, or -EINTR if Ctrl-C ended it, after "Bail
 * out!" in place of the cases that are left. Context:
 * thread, nothing else using the allocator; takes seconds.
 */
int test_run(const char *pattern);

/* test_list() - one line a case, `suite.case`. Returns how many there are. */
int test_list(void);

/* A line of diagnosis, `# ` before it, counted as part of the report. */
void test_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

bool all_zero(const void *memory, size_t bytes);

/* What the macros below call; each counts one assertion and returns whether it held. */
bool test_expect(bool held, const char *file, int line, const char *text);
bool test_expect_eq(uint64_t expected, uint64_t got, const char *file, int line, const char *text);
bool test_expect_le(uint64_t bound, uint64_t got, const char *file, int line, const char *text);
bool test_expect_text(const char *part, const char *got, const char *file, int line);

/*
 * EXPECT*() note a failure and go on; each has the value true if the assertion held, so a case
 * that cannot go on writes `if (!EXPECT(page)) return;`.
 */
#define EXPECT(cond) test_expect((cond), __FILE__, __LINE__, #cond)
#define EXPECT_EQ(expected, got) \
	test_expect_eq((uint64_t)(expected), (uint64_t)(got), __FILE__, __LINE__, #got)
#define EXPECT_LE(bound, got) \
	test_expect_le((uint64_t)(bound), (uint64_t)(got), __FILE__, __LINE__, #got)
#define EXPECT_TEXT(part, got) test_expect_text((part), (got), __FILE__, __LINE__)

#endif

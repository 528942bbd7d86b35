// SPDX-License-Identifier: BSD-2-Clause
/*
 * ktap.c: runs the registered cases and writes the report, one whole line at a time, keeping the
 * line count and the CRC-32 that the closing line states.
 */
#include "ktap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <quarry/cma.h>
#include <quarry/mm.h>
#include <quarry/slab.h>

#include "drivers/misc/bufcache.h"
#include "console/crc32.h"
#include "console/input.h"
#include "console/terminal.h"

/* The linker script gathers the cases of all files between these two. */
extern const struct test_case *const __quarry_suites_start[];
extern const struct test_case *const __quarry_suites_end[];

#define MAX_LINE  200
#define MAX_NOTES 8 /* notes of failure a case may print; the rest is only counted */

static struct {
	uint32_t crc;
	unsigned long records;
} report;

static struct {
	unsigned long asserted;
	unsigned long failed;
	const char *skipped; /* why; NULL: it was not */
	bool blocks_move;    /* only the number of free pages must be as before */
} current;

/* One line of the report. Text past MAX_LINE is cut off, before it is counted. */
static void vemit(const char *prefix, const char *fmt, va_list args)
{
	char line[MAX_LINE];
	size_t length = (size_t)snprintf(line, sizeof(line) - 1, "%s", prefix);

	vsnprintf(line + length, sizeof(line) - 1 - length, fmt, args);
	length = strlen(line);
	line[length++] = '\n';
	report.crc = crc32_update(report.crc, line, length);
	report.records++;
	fwrite(line, 1, length, stdout);
}

__attribute__((format(printf, 1, 2))) static void emit(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vemit("", fmt, args);
	va_end(args);
}

void test_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vemit("# ", fmt, args);
	va_end(args);
}

/* Count an assertion; true if its failure is to be described. */
static bool count(bool held)
{
	current.asserted++;
	if (held)
		return false;
	return current.failed++ < MAX_NOTES;
}

bool test_expect(bool held, const char *file, int line, const char *text)
{
	if (count(held))
		test_note("%s:%d: expected %s", file, line, text);
	return held;
}

bool test_expect_eq(uint64_t expected, uint64_t got, const char *file, int line, const char *text)
{
	bool held = expected == got;

	if (count(held))
		test_note("%s:%d: %s: expected %llu (0x%llx), got %llu (0x%llx)", file, line, text,
			  (unsigned long long)expected, (unsigned long long)expected,
			  (unsigned long long)got, (unsigned long long)got);
	return held;
}

bool test_expect_le(uint64_t bound, uint64_t got, const char *file, int line, const char *text)
{
	bool held = got <= bound;

	if (count(held))
		test_note("%s:%d: %s: expected at most %llu, got %llu", file, line, text,
			  (unsigned long long)bound, (unsigned long long)got);
	return held;
}

bool test_expect_text(const char *part, const char *got, const char *file, int line)
{
	bool held = strstr(got, part) != NULL;

	if (count(held))
		test_note("%s:%d: expected \"%s\" in \"%s\"", file, line, part, got);
	return held;
}

/* Does the case's name fit the pattern: "suite", or "suite.case"? */
static bool named_by(const struct test_case *test, const char *pattern)
{
	size_t suite = strlen(test->suite);

	if (pattern == NULL || *pattern == '\0')
		return true;
	if (strncmp(pattern, test->suite, suite) != 0)
		return false;
	if (pattern[suite] == '\0')
		return true;
	return pattern[suite] == '.' && strcmp(pattern + suite + 1, test->name) == 0;
}

/* The machine's watermarks and reserves, while a case runs without. */
static struct {
	uint64_t min_free_kbytes;
	unsigned int scale_factor, ratio[MAX_NR_ZONES];
} reserves;

static void reserves_off(void)
{
	reserves.min_free_kbytes = mm_min_free_kbytes();
	reserves.scale_factor = mm_watermark_scale_factor();
	mm_set_min_free_kbytes(0);
	mm_set_watermark_scale_factor(1);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		reserves.ratio[zone] = mm_lowmem_reserve_ratio((enum zone_type)zone);
		mm_set_lowmem_reserve_ratio((enum zone_type)zone, 0);
	}
}

void test_reserves_on(void)
{
	mm_set_min_free_kbytes(reserves.min_free_kbytes);
	mm_set_watermark_scale_factor(reserves.scale_factor);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		mm_set_lowmem_reserve_ratio((enum zone_type)zone, reserves.ratio[zone]);
}

/*
 * Areas for contiguous allocations serve movable requests alone, and cases count on memory that serves
 * all: what is free of a board's areas is held while a case runs.
 */
static struct area {
	struct page *pages;
	unsigned long count;
} areas[8];

void test_areas_hold(void)
{
	struct cma_info info;

	for (unsigned int n = 0; n < sizeof(areas) / sizeof(areas[0]) && cma_get_info(n, &info);
	     n++) {
		areas[n].count = info.pages;
		areas[n].pages = info.used ? NULL : cma_alloc(cma_at(n), info.pages, 0, true);
	}
}

void test_areas_release(void)
{
	for (unsigned int n = 0; n < sizeof(areas) / sizeof(areas[0]); n++) {
		if (areas[n].pages)
			cma_release(cma_at(n), areas[n].pages, areas[n].count);
		areas[n].pages = NULL;
	}
}

void test_skip(const char *why)
{
	current.skipped = why;
}

void test_blocks_move(void)
{
	current.blocks_move = true;
}

static void expect_blocks(uint64_t before[MAX_NR_ZONES][NR_PAGE_ORDERS])
{
	uint64_t after[NR_PAGE_ORDERS], pages_before = 0, pages_after = 0;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_buddyinfo((enum zone_type)zone, after);
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
			pages_before += before[zone][order] << order;
			pages_after += after[order] << order;
			if (!current.blocks_move && count(after[order] == before[zone][order]))
				test_note(
					"zone %d order %u: %llu free blocks before the case, %llu after",
					zone, order, (unsigned long long)before[zone][order],
					(unsigned long long)after[order]);
		}
	}
	EXPECT_EQ(pages_before, pages_after);
}

/* Objects in use, in all caches: those of drivers, and what a case leaves behind. */
static uint64_t objects_in_use(void)
{
	struct slab_info info;
	uint64_t objects = 0;

	for (unsigned int n = 0; slab_info(n, &info); n++)
		objects += info.active;
	return objects;
}

/* Run one case between two pictures of the free blocks, and report it as number n. */
static bool run_case(const struct test_case *test, unsigned int n)
{
	uint64_t before[MAX_NR_ZONES][NR_PAGE_ORDERS], objects = objects_in_use();

	current.asserted = 0;
	current.failed = 0;
	current.skipped = NULL;
	current.blocks_move = false;
	if (strcmp(test->suite, "drivers") != 0) /* which compare with what was free at boot */
		test_areas_hold();
	kmem_release();
	drain_all_pages();
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		mm_buddyinfo((enum zone_type)zone, before[zone]);

	reserves_off();
	test->fn();
	test_reserves_on();

	if (current.asserted == 0 && !current.skipped) {
		test_note("%s.%s asserts nothing", test->suite, test->name);
		current.failed++;
	}
	EXPECT_EQ(0, mm_check());
	EXPECT_EQ(objects, objects_in_use());
	kmem_release();
	drain_all_pages();
	EXPECT_EQ(0, mm_check());
	expect_blocks(before);
	test_areas_release();
	if (current.failed == 0 && current.skipped)
		emit("ok %u %s.%s # SKIP %s", n, test->suite, test->name, current.skipped);
	else if (current.failed == 0)
		emit("ok %u %s.%s # %lu assertions", n, test->suite, test->name, current.asserted);
	else
		emit("not ok %u %s.%s # %lu of %lu assertions failed", n, test->suite, test->name,
		     current.failed, current.asserted);
	return current.failed == 0;
}

int test_run(const char *pattern)
{
	unsigned int planned = 0;
	unsigned int n = 0;
	unsigned int failed = 0;
	unsigned int skipped = 0;
	const struct test_case *const *entry;

	for (entry = __quarry_suites_start; entry != __quarry_suites_end; entry++)
		planned += named_by(*entry, pattern);
	if (planned == 0) {
		printf("test: no suite or case is named '%s': see `test -l`\n",
		       pattern ? pattern : "");
		return -ENOENT;
	}
	bufcache_drop(); /* no case shall find memory that a shrinker gives back meanwhile */
	report.crc = 0;
	report.records = 0;
	emit("KTAP version 1");
	emit("1..%u", planned);
	for (entry = __quarry_suites_start; entry != __quarry_suites_end; entry++) {
		bool good;

		if (!named_by(*entry, pattern))
			continue;
		if (console_interrupted()) {
			emit("Bail out! Ctrl-C, before %s.%s", (*entry)->suite, (*entry)->name);
			break;
		}
		terminal_progress("%u of %u: %s.%s, Ctrl-C ends after it", n + 1, planned,
				  (*entry)->suite, (*entry)->name);
		good = run_case(*entry, ++n);
		failed += !good;
		skipped += good && current.skipped;
	}
	printf("# quarry: passed=%u failed=%u skipped=%u records=%lu crc32=0x%08lx\n",
	       n - failed - skipped, failed, skipped, report.records, (unsigned long)report.crc);
	return n < planned ? -EINTR : (int)failed;
}

int test_list(void)
{
	const struct test_case *const *entry;
	int cases = 0;

	for (entry = __quarry_suites_start; entry != __quarry_suites_end; entry++) {
		printf("%s.%s\n", (*entry)->suite, (*entry)->name);
		cases++;
	}
	return cases;
}

bool all_zero(const void *memory, size_t bytes)
{
	const char *at = memory;

	for (size_t i = 0; i < bytes; i++)
		if (at[i])
			return false;
	return true;
}

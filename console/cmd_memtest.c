/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_memtest.c: `memtest`: all free memory is taken from the allocator and tested by all CPUs; what is good goes back, pages with a
 * bad word do not.
 *
 * CPU 0 takes the blocks and gives them back, and talks to the user; each CPU fetches the number of the next block. Which
 * blocks there are is kept in a table of its own, and not in the memory under test.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <quarry/mm.h>
#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/cpu/smp.h"
#include "boot/mmu/cache.h"
#include "drivers/timer/timer.h"
#include "console/badpages.h"
#include "console/command.h"
#include "console/input.h"
#include "console/memtest.h"
#include "console/output.h"
#include "console/parse.h"
#include "console/terminal.h"

#define WORDS 64   /* bad words that are described */
#define PAGES 1024 /* and pages that are kept out one by one; more: the whole block is */

/* Down to the last page, reserves and CMA areas too, and nobody is asked for more. */
#define MEMTEST_GFP (__GFP_MOVABLE | __GFP_MEMALLOC | __GFP_NOWARN)

/* A block in the table: its frame, its order, and whether it is not given back. */
#define ENTRY_ORDER_SHIFT  56
#define ENTRY_KEPT	   ((uint64_t)1 << 63)
#define ENTRY_PFN(entry)   ((entry) & (((uint64_t)1 << ENTRY_ORDER_SHIFT) - 1))
#define ENTRY_ORDER(entry) ((unsigned int)((entry) >> ENTRY_ORDER_SHIFT & 31))
static_assert(MAX_PAGE_ORDER < 32, "an order has five bits");

struct bad_word {
	phys_addr_t addr;
	uint64_t bits, expected, got;
	enum memtest_pattern pattern;
	bool past_caches;
};

static struct {
	struct memtest test;
	uint64_t *block;
	unsigned long nr, capacity;
	unsigned long next;	 /* the block to be tested next; atomic */
	unsigned long tested;	 /* pages, of this sweep; atomic */
	unsigned long pages;	 /* of all blocks in the range */
	phys_addr_t first, last; /* the range, bytes */
	uint64_t start, end;	 /* ns; end 0: one pass */
	unsigned int pass;
	bool stop, interrupted; /* stop: atomic */

	uint32_t lock; /* of what follows; atomic */
	struct bad_word word[WORDS];
	unsigned int nr_words, said; /* said: of them, printed */
	uint64_t more_words;
	pfn_t page[PAGES];
	unsigned int nr_pages;
} run;

/* ---- on all CPUs ------------------------------------------------------------------------------ */

static void lock(void)
{
	while (__atomic_exchange_n(&run.lock, 1, __ATOMIC_ACQUIRE))
		port_relax();
}

static void unlock(void)
{
	__atomic_store_n(&run.lock, 0, __ATOMIC_RELEASE);
}

static bool note_page(pfn_t pfn)
{
	for (unsigned int i = run.nr_pages; i-- > 0;)
		if (run.page[i] == pfn)
			return true;
	if (run.nr_pages == PAGES)
		return false;
	run.page[run.nr_pages++] = pfn;
	return true;
}

static void note_word(const struct bad_word *word)
{
	for (unsigned int i = 0; i < run.nr_words; i++) {
		if (run.word[i].addr != word->addr)
			continue;
		run.word[i].bits |= word->bits;
		return;
	}
	if (run.nr_words < WORDS)
		run.word[run.nr_words++] = *word;
	else
		run.more_words++;
}

static void bad(void *arg, const volatile uint64_t *at, uint64_t expected, uint64_t got,
		enum memtest_pattern pattern)
{
	uint64_t *block = arg;
	struct bad_word word = {.addr = virt_to_phys((const void *)(uintptr_t)at),
				.bits = expected ^ got,
				.expected = expected,
				.got = got,
				.pattern = pattern,
				.past_caches = run.test.past_caches};

	lock();
	note_word(&word);
	if (!note_page(PFN_DOWN(word.addr)))
		*block |= ENTRY_KEPT;
	unlock();
}

static void past_caches(void *block, size_t size)
{
	cache_flush(block, size);
}

static void print_new_words(void)
{
	for (; run.said < run.nr_words; run.said++) {
		const struct bad_word *word = &run.word[run.said];

		printf("memtest: 0x%" PRIx64 ": bits 0x%016" PRIx64 " wrong: wrote 0x%016" PRIx64
		       ", read 0x%016" PRIx64 " (%s, %s the caches)\n",
		       word->addr, word->bits, word->expected, word->got,
		       memtest_pattern_name(word->pattern), word->past_caches ? "past" : "through");
	}
}

/* Every CPU asks; CPU 0 looks at the clock and the keyboard for all. */
static bool stop(void *arg)
{
	(void)arg;
	if (port_pcpu()->cpu != 0)
		return __atomic_load_n(&run.stop, __ATOMIC_RELAXED);
	if (console_interrupted())
		run.interrupted = true;
	if (run.interrupted || (run.end && timer_now() >= run.end))
		__atomic_store_n(&run.stop, true, __ATOMIC_RELAXED);
	print_new_words();
	terminal_progress(
		"memtest: pass %u, %s the caches: %lu %%, %u bad pages", run.pass,
		run.test.past_caches ? "past" : "through",
		run.pages ? __atomic_load_n(&run.tested, __ATOMIC_RELAXED) * 100 / run.pages : 100,
		run.nr_pages);
	return run.stop;
}

/* The part of a block that lies in the range; false: none does. */
static bool part_of(uint64_t entry, phys_addr_t *first, phys_addr_t *end)
{
	*first = PFN_PHYS(ENTRY_PFN(entry));
	*end = *first + (PAGE_SIZE << ENTRY_ORDER(entry));
	if (*first < run.first)
		*first = run.first;
	if (*end - 1 > run.last)
		*end = run.last + 1;
	return *first < *end;
}

static void work(void *arg)
{
	unsigned long n;

	(void)arg;
	while ((n = __atomic_fetch_add(&run.next, 1, __ATOMIC_RELAXED)) < run.nr) {
		struct memtest test = run.test;
		phys_addr_t first, end;

		test.arg = &run.block[n];
		if (!part_of(run.block[n], &first, &end))
			continue;
		for (int pattern = 0; pattern < NR_MEMTEST_PATTERNS; pattern++)
			if (!memtest_block(&test, (enum memtest_pattern)pattern,
					   phys_to_virt(first), (size_t)(end - first)))
				return;
		__atomic_fetch_add(&run.tested, (unsigned long)((end - first) >> PAGE_SHIFT),
				   __ATOMIC_RELAXED);
	}
}

/* ---- taking and giving back ------------------------------------------------------------------- */

/* Room for each block there is: those that are free, and a page for each that is cached. */
static bool make_table(void)
{
	uint64_t nr_free[NR_PAGE_ORDERS];

	drain_all_pages();
	run.capacity = 4096;
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_buddyinfo((enum zone_type)zone, nr_free);
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			run.capacity += nr_free[order];
	}
	if (run.capacity > (PAGE_SIZE << MAX_PAGE_ORDER) / sizeof(*run.block))
		run.capacity = (PAGE_SIZE << MAX_PAGE_ORDER) / sizeof(*run.block);
	run.block = alloc_pages_exact(run.capacity * sizeof(*run.block), GFP_KERNEL);
	return run.block;
}

static void take_all(void)
{
	phys_addr_t first, end;

	for (unsigned int order = NR_PAGE_ORDERS; order-- > 0;) {
		struct page *page;

		while (run.nr < run.capacity && (page = alloc_pages(MEMTEST_GFP, order))) {
			uint64_t entry = page_to_pfn(page) | (uint64_t)order << ENTRY_ORDER_SHIFT;

			if (part_of(entry, &first, &end))
				run.pages += (unsigned long)((end - first) >> PAGE_SHIFT);
			run.block[run.nr++] = entry;
		}
	}
}

static bool has_bad_page(uint64_t entry)
{
	for (unsigned int i = 0; i < run.nr_pages; i++)
		if (run.page[i] - ENTRY_PFN(entry) < 1UL << ENTRY_ORDER(entry))
			return true;
	return false;
}

static void give_back(uint64_t entry)
{
	__free_pages(pfn_to_page(ENTRY_PFN(entry)), ENTRY_ORDER(entry));
}

/* Bad pages are taken as soon as their block is free. Returns how many could not be. */
static unsigned int give_all_back(void)
{
	unsigned int failed = 0;

	for (unsigned long n = 0; n < run.nr; n++) {
		uint64_t entry = run.block[n];

		if (entry & ENTRY_KEPT) {
			printf("memtest: 0x%" PRIx64
			       ": too many bad pages: all %lu of the block are kept out\n",
			       PFN_PHYS(ENTRY_PFN(entry)), 1UL << ENTRY_ORDER(entry));
			continue;
		}
		give_back(entry);
		if (!has_bad_page(entry))
			continue;
		for (unsigned int i = 0; i < run.nr_pages; i++)
			if (run.page[i] - ENTRY_PFN(entry) < 1UL << ENTRY_ORDER(entry) &&
			    badpages_add(run.page[i]) != 0)
				failed++;
	}
	free_pages_exact(run.block, run.capacity * sizeof(*run.block));
	return failed;
}

/* ---- the command ------------------------------------------------------------------------------ */

/* All blocks once, in one way. */
static void sweep(unsigned int cpus, bool past)
{
	/* `stress background` has others for good: they are not waited for */
	bool called[CONFIG_NR_CPUS] = {false};
	unsigned int busy = 1;

	run.test.past_caches = past ? past_caches : NULL;
	run.next = 0;
	run.tested = 0;
	for (unsigned int cpu = 1; cpu < smp_nr_cpus() && busy < cpus; cpu++)
		if (smp_online(cpu) && smp_call(cpu, work, NULL) == 0) {
			called[cpu] = true;
			busy++;
		}
	work(NULL);
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++)
		if (called[cpu])
			smp_wait(cpu);
	print_new_words();
}

static bool parse_range(char *text)
{
	char *dash = strchr(text, '-');
	struct zone_info info;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info);
		if (strcmp(info.name, text) != 0)
			continue;
		run.first = PFN_PHYS(info.start_pfn);
		run.last = run.first + PFN_PHYS(info.spanned) - 1;
		return info.spanned > 0;
	}
	if (!dash)
		return false;
	*dash++ = '\0';
	if (parse_u64(text, PHYS_ADDR_MAX - PAGE_SIZE, &run.first) != 0 ||
	    parse_u64(dash, PHYS_ADDR_MAX - PAGE_SIZE, &run.last) != 0 || run.first > run.last)
		return false;
	run.first = PFN_PHYS(PFN_DOWN(run.first));
	run.last |= PAGE_SIZE - 1;
	return true;
}

/* 0, or 1 after one line of error. */
static int parse(int argc, char **argv, uint64_t *seconds, uint64_t *cpus)
{
	run.last = PHYS_ADDR_MAX - PAGE_SIZE;
	for (int i = 1; i < argc; i++) {
		bool good;

		if (strncmp(argv[i], "seconds=", 8) == 0)
			good = parse_u64(argv[i] + 8, 1000000, seconds) == 0 && *seconds > 0;
		else if (strncmp(argv[i], "cpus=", 5) == 0)
			good = parse_u64(argv[i] + 5, CONFIG_NR_CPUS, cpus) == 0 && *cpus > 0;
		else
			good = parse_range(argv[i]);
		if (!good) {
			printf("memtest: '%s' is no zone, no range as 0x87000000-0x87ffffff, "
			       "seconds=<n> or cpus=<n>\n",
			       argv[i]);
			return 1;
		}
	}
	if (*seconds && !timer_hz()) {
		printf("memtest: this board has no timer: leave out seconds=\n");
		return 1;
	}
	return 0;
}

static void passes(unsigned int cpus, bool past)
{
	do {
		run.pass++;
		run.test.seed = run.pass;
		sweep(cpus, false);
		if (past && !run.stop)
			sweep(cpus, true);
	} while (run.end && !run.stop);
}

static int cmd_memtest(int argc, char **argv)
{
	uint64_t seconds = 0, cpus = CONFIG_NR_CPUS, tenths;
	unsigned int online = 0, failed;
	const char *why;
	char number[12];
	bool past;

	memset(&run, 0, sizeof(run));
	if (parse(argc, argv, &seconds, &cpus) != 0)
		return 1;
	if (!make_table()) {
		printf("memtest: no memory for its own table\n");
		return 1;
	}
	for (unsigned int cpu = 0; cpu < smp_nr_cpus(); cpu++)
		online += smp_online(cpu);
	past = cache_line(&why) != 0;
	run.test.bad = bad;
	run.test.stop = stop;
	output_live();
	take_all();
	printf("memtest: %" PRIu64 " CPUs, %lu pages; %s%s; Ctrl-C ends it\n",
	       cpus < online ? cpus : online, run.pages,
	       past ? "through the caches and past them" : "through the caches alone: ",
	       past ? "" : why);
	run.start = timer_now();
	run.end = seconds ? run.start + seconds * NSEC_PER_SEC : 0;
	passes((unsigned int)cpus, past);
	tenths = timer_since(run.start) / (NSEC_PER_SEC / 10);
	failed = give_all_back();
	terminal_progress_end();
	if (run.more_words)
		printf("memtest: and %" PRIu64 " more times a bad word\n", run.more_words);
	if (failed)
		printf("memtest: %u bad pages could not be kept out\n", failed);
	if (run.nr_pages)
		badpages_print_node();
	snprintf(number, sizeof(number), run.nr_words ? "%u" : "no", run.nr_words);
	printf("memtest: %u %s in %" PRIu64 ".%" PRIu64 " s, %s bad words on %u pages%s%s\n",
	       run.pass, run.pass == 1 ? "pass" : "passes", tenths / 10, tenths % 10, number,
	       run.nr_pages, run.nr_pages ? ", which are kept out" : "",
	       run.interrupted ? "; stopped by Ctrl-C" : "");
	return run.nr_pages != 0 || run.interrupted;
}

CONSOLE_COMMAND_WORDS(
	memtest, cmd_memtest, "memtest [zone | start-end] [seconds=N] [cpus=N]",
	"test free memory, and keep out what is bad\n"
	"default all free memory, one pass, all CPUs; with seconds: passes until then.\n"
	"Addresses, moving inversions, random words, March C-, through the caches and\n"
	"past them. Bad pages are kept out (badpages); what is in use is not tested\n"
	"example: memtest 0x87000000-0x87ffffff seconds=10",
	"DMA32", "Normal", "seconds=", "cpus=");

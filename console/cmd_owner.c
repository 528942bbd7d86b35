/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_owner.c: who has the pages that are in use: sums by call site, what is older than a while or newer
 * than a mark, and one block.
 *
 * A call site is printed as an offset into quarry.elf; mk/symbols.py on the host puts names to them.
 * The machine keeps no time for each block, but the number of the mark that was the newest when it
 * was allocated, and when each mark was set: by `owner mark`, and before and after each command.
 */
#include <assert.h>
#include <inttypes.h>
#include <quarry/memblock.h>
#include <quarry/mm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/cpu/balance.h"
#include "console/command.h"
#include "console/owner.h"
#include "console/parse.h"
#include "drivers/timer/timer.h"

/* Marks that only the user sets are left: those beyond are as far apart as a part of the time. */
#define MARKS_FREELY 1024U
#define MARK_PART    56U

static struct {
	uint32_t *second; /* when each mark was set, from the first; NULL: it is off */
	uint64_t start;	  /* timer_now() */
	uint32_t newest;
} marks;
#define TIMES_ORDER 1
static_assert((MM_PAGE_OWNER_MARKS + 1) * sizeof(*marks.second) <= PAGE_SIZE << TIMES_ORDER,
	      "a time for each mark");

static uint32_t seconds_now(void)
{
	return (uint32_t)(timer_since(marks.start) / NSEC_PER_SEC);
}

static int set_mark(void)
{
	int mark = mm_page_owner_mark();

	if (mark > 0) {
		marks.newest = (uint32_t)mark;
		marks.second[mark] = seconds_now();
	}
	return mark;
}

void owner_tick(void)
{
	uint32_t now;

	if (!marks.second)
		return;
	now = seconds_now();
	if (marks.newest < MARKS_FREELY || (marks.newest < MM_PAGE_OWNER_MARKS - 1 &&
					    now - marks.second[marks.newest] > now / MARK_PART))
		set_mark();
}

/* ---- sums ----------------------------------------------------------------------------------- */

struct sum {
	struct page_owner owner; /* without its mark */
	uint32_t blocks, pages;
	uint32_t oldest; /* mark */
	pfn_t first;	 /* one of the oldest */
};
#define MAX_SUMS (PAGE_SIZE / sizeof(struct sum))

/* What is asked for: call sites of these marks, or all there is. */
struct question {
	bool sites_only;
	uint32_t from, to; /* marks */
	uint64_t most;	   /* owners are listed; 0: all */
};

struct answer {
	struct sum *sum;
	size_t nr;
	uint64_t blocks, pages;
	uint64_t more_pages; /* of owners that found no room */
};

static void add(struct answer *answer, struct page_owner owner, const struct page_info *info)
{
	uint32_t pages = 1U << info->order;
	struct sum *sum = answer->sum;

	answer->blocks++;
	answer->pages += pages;
	while (sum < answer->sum + answer->nr &&
	       (sum->owner.kind != owner.kind || sum->owner.value != owner.value))
		sum++;
	if (sum == answer->sum + answer->nr) {
		if (answer->nr == MAX_SUMS) {
			answer->more_pages += pages;
			return;
		}
		answer->nr++;
		*sum = (struct sum){.owner = owner, .oldest = UINT32_MAX};
	}
	sum->blocks++;
	sum->pages += pages;
	if (owner.mark < sum->oldest) {
		sum->oldest = owner.mark;
		sum->first = info->pfn;
	}
}

/* The answer's own page has an owner too: it is left out. */
static void look_at(pfn_t pfn, pfn_t end, const struct question *question, struct answer *answer)
{
	struct page_info info;

	for (pfn_t next; pfn < end; pfn = next) {
		struct page_owner owner;

		next = pfn + 1;
		if (mm_page_info(pfn, &info) != 0)
			continue;
		if (info.state != PAGE_RESERVED && info.state != PAGE_BAD)
			next = info.head_pfn + (1UL << info.order);
		owner = mm_page_owner(&info);
		if (owner.kind == PAGE_OWNER_NONE || info.head_pfn != pfn ||
		    pfn == page_to_pfn(virt_to_page(answer->sum)))
			continue;
		if (!question->sites_only ||
		    (owner.kind == PAGE_OWNER_SITE && owner.mark >= question->from &&
		     owner.mark <= question->to))
			add(answer, owner, &info);
	}
}

/* ---- what is printed ------------------------------------------------------------------------ */

static void print_owner(struct page_owner owner)
{
	switch (owner.kind) {
	case PAGE_OWNER_SITE:
		if (owner.value)
			printf("quarry.elf+0x%" PRIx32, owner.value);
		else
			printf("a call site outside of the image");
		break;
	case PAGE_OWNER_TAG:
		printf("tag 0x%" PRIx32, owner.value);
		break;
	case PAGE_OWNER_MOVABLE:
		printf("movable, operations %" PRIu32, owner.value);
		break;
	case PAGE_OWNER_SLAB:
		printf("objects (slabinfo)");
		break;
	case PAGE_OWNER_RANGE:
		printf("range");
		break;
	case PAGE_OWNER_NONE:
		printf("nobody");
		break;
	case PAGE_OWNER_UNKNOWN:
	default:
		printf("unknown");
	}
}

static int more_pages_first(const void *a, const void *b)
{
	const struct sum *x = a, *y = b;

	return (x->pages < y->pages) - (x->pages > y->pages);
}

static int report(const struct question *question)
{
	struct answer answer = {.sum = (struct sum *)__get_free_page(GFP_KERNEL)};

	if (!answer.sum) {
		printf("owner: no page to count in\n");
		return 1;
	}
	for (unsigned long i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *region = &memblock.memory.regions[i];

		look_at(PFN_UP(region->base), PFN_DOWN(region->base + region->size), question,
			&answer);
	}
	qsort(answer.sum, answer.nr, sizeof(*answer.sum), more_pages_first);
	while (question->most && answer.nr > question->most)
		answer.more_pages += answer.sum[--answer.nr].pages;
	if (answer.nr)
		printf("   pages   blocks  age/s  oldest            owner\n");
	for (const struct sum *sum = answer.sum; sum < answer.sum + answer.nr; sum++) {
		printf("%8" PRIu32 " %8" PRIu32, sum->pages, sum->blocks);
		if (sum->owner.kind == PAGE_OWNER_SITE && marks.second)
			printf(" %6" PRIu32, seconds_now() - marks.second[sum->oldest]);
		else
			printf("      -");
		printf("  0x%-14" PRIx64 "  ", PFN_PHYS(sum->first));
		print_owner(sum->owner);
		printf("\n");
	}
	if (answer.more_pages)
		printf("%8" PRIu64 " of others\n", answer.more_pages);
	printf("%" PRIu64 " pages in %" PRIu64 " blocks\n", answer.pages, answer.blocks);
	free_page((unsigned long)answer.sum);
	return 0;
}

/* ---- the command ---------------------------------------------------------------------------- */

static int owner_on(void)
{
	uint32_t *second;
	int error;

	if (marks.second) {
		printf("owner: is on\n");
		return 1;
	}
	second = (uint32_t *)__get_free_pages(GFP_KERNEL, TIMES_ORDER);
	if (!second) {
		printf("owner: no memory for the times of %u marks\n", MM_PAGE_OWNER_MARKS);
		return 1;
	}
	balance_hold(true);
	error = mm_page_owner_start((const void *)(uintptr_t)boot_info.image_base);
	balance_hold(false);
	if (error) {
		printf("owner: not in this build: make EXTRA_CFLAGS=-DCONFIG_DEBUG_HOOKS=1\n");
		free_pages((unsigned long)second, TIMES_ORDER);
		return 1;
	}
	second[0] = 0;
	marks.start = timer_now();
	marks.newest = 0;
	marks.second = second;
	return 0;
}

static int owner_off(void)
{
	balance_hold(true);
	mm_page_owner_stop();
	balance_hold(false);
	free_pages((unsigned long)marks.second, TIMES_ORDER);
	marks.second = NULL;
	return 0;
}

static int owner_mark(void)
{
	int mark = set_mark();

	if (mark < 0) {
		printf("owner: no mark is left; 'owner off; owner on' starts anew\n");
		return 1;
	}
	printf("mark %d\n", mark);
	return 0;
}

static bool parse_mark(const char *text, uint32_t *mark)
{
	uint64_t value;

	if (parse_u64(text, marks.newest, &value) != 0) {
		printf("owner: '%s' is no mark, 0 to %" PRIu32 "\n", text, marks.newest);
		return false;
	}
	*mark = (uint32_t)value;
	return true;
}

static int owner_since(const char *text)
{
	struct question question = {.sites_only = true, .to = MM_PAGE_OWNER_MARKS};

	return parse_mark(text, &question.from) ? report(&question) : 1;
}

/* What came after the one mark and before the other. */
static int owner_diff(const char *from, const char *to)
{
	struct question question = {.sites_only = true};

	if (!parse_mark(from, &question.from) || !parse_mark(to, &question.to))
		return 1;
	if (question.to <= question.from) {
		printf("owner: mark %" PRIu32 " is not after mark %" PRIu32 "\n", question.to,
		       question.from);
		return 1;
	}
	question.to--;
	return report(&question);
}

static int owner_top(const char *text)
{
	struct question question = {0};

	if (parse_u64(text, UINT32_MAX, &question.most) != 0 || !question.most) {
		printf("owner: '%s' is no number of owners\n", text);
		return 1;
	}
	return report(&question);
}

/* A block of a mark is as old as the next mark, or older. */
static int owner_leaks(const char *text)
{
	struct question question = {.sites_only = true};
	uint64_t age;

	if (parse_u64(text, UINT32_MAX, &age) != 0) {
		printf("owner: '%s' is no number of seconds\n", text);
		return 1;
	}
	while (question.to < marks.newest && seconds_now() - marks.second[question.to + 1] >= age)
		question.to++;
	if (!question.to) { /* not even mark 0 has ended so long ago */
		printf("0 pages in 0 blocks\n");
		return 0;
	}
	question.to--;
	return report(&question);
}

static int owner_address(const char *text)
{
	struct page_owner owner;
	struct page_info info;
	phys_addr_t addr;

	if (parse_u64(text, PHYS_ADDR_MAX, &addr) != 0)
		return console_usage("owner");
	if (mm_page_info(PFN_DOWN(addr), &info) != 0) {
		printf("owner: 0x%" PRIx64 ": no such memory\n", addr);
		return 1;
	}
	owner = mm_page_owner(&info);
	printf("0x%" PRIx64 " order %u: ", PFN_PHYS(info.head_pfn), info.order);
	print_owner(owner);
	if (owner.kind == PAGE_OWNER_SITE && marks.second)
		printf(", mark %" PRIu32 ", %" PRIu32 " s ago", owner.mark,
		       seconds_now() - marks.second[owner.mark]);
	printf("\n");
	return 0;
}

static int cmd_owner(int argc, char **argv)
{
	static const struct question all;
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 1)
		return report(&all);
	if (argc <= 3 && strcmp(what, "top") == 0)
		return owner_top(argc == 3 ? argv[2] : "10");
	if (argc == 2 && strcmp(what, "on") == 0)
		return owner_on();
	if (argc == 2 && what[0] >= '0' && what[0] <= '9')
		return owner_address(what);
	if (strcmp(what, "off") != 0 && strcmp(what, "mark") != 0 && strcmp(what, "leaks") != 0 &&
	    strcmp(what, "since") != 0 && strcmp(what, "diff") != 0)
		return console_usage(argv[0]);
	if (!marks.second) {
		printf("owner: is off\n");
		return 1;
	}
	if (argc == 2 && strcmp(what, "off") == 0)
		return owner_off();
	if (argc == 2 && strcmp(what, "mark") == 0)
		return owner_mark();
	if (argc <= 3 && strcmp(what, "leaks") == 0)
		return owner_leaks(argc == 3 ? argv[2] : "10");
	if (argc == 3 && strcmp(what, "since") == 0)
		return owner_since(argv[2]);
	if (argc == 4 && strcmp(what, "diff") == 0)
		return owner_diff(argv[2], argv[3]);
	return console_usage(argv[0]);
}

CONSOLE_COMMAND_WORDS(owner, cmd_owner,
		      "owner [on|off|mark|top|leaks|since <m>|diff <m> <m>|<address>]",
		      "who allocated the pages in use, summed by call site\n"
		      "on: call sites are recorded from then on; off by default\n"
		      "top [n]: who has most, default 10; mark: set one, print its number\n"
		      "leaks [seconds]: what is older, default 10; since: what was\n"
		      "allocated after mark m and is in use; diff: between two marks\n"
		      "mk/symbols.py on the host puts names to quarry.elf+0x..\n"
		      "example: owner on; owner mark; alloc 0; owner since 1",
		      "on", "off", "mark", "top", "leaks", "since", "diff");

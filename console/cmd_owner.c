/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_owner.c: who has the pages and the objects that are in use: sums by call site, what is older than a
 * while or newer than a mark, and one block or object.
 *
 * The machine keeps no time for each of them, but the number of the mark that was the newest when it
 * was allocated, and when each mark was set: by `owner mark`, and before and after each command.
 * owner_report.c counts and prints.
 */
#include <assert.h>
#include <inttypes.h>
#include <quarry/mm.h>
#include <quarry/slab_debug.h>
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

bool owner_is_on(void)
{
	return marks.second;
}

uint32_t owner_age(uint32_t mark)
{
	return seconds_now() - marks.second[mark];
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
	struct owner_question question = {.sites_only = true, .to = MM_PAGE_OWNER_MARKS};

	return parse_mark(text, &question.from) ? owner_report(&question) : 1;
}

/* What came after the one mark and before the other. */
static int owner_diff(const char *from, const char *to)
{
	struct owner_question question = {.sites_only = true};

	if (!parse_mark(from, &question.from) || !parse_mark(to, &question.to))
		return 1;
	if (question.to <= question.from) {
		printf("owner: mark %" PRIu32 " is not after mark %" PRIu32 "\n", question.to,
		       question.from);
		return 1;
	}
	question.to--;
	return owner_report(&question);
}

static int owner_top(const char *text)
{
	struct owner_question question = {0};

	if (parse_u64(text, UINT32_MAX, &question.most) != 0 || !question.most) {
		printf("owner: '%s' is no number of owners\n", text);
		return 1;
	}
	return owner_report(&question);
}

/* What has a mark is as old as the next mark, or older. */
static int owner_leaks(const char *text)
{
	struct owner_question question = {.sites_only = true};
	uint64_t age;

	if (parse_u64(text, UINT32_MAX, &age) != 0) {
		printf("owner: '%s' is no number of seconds\n", text);
		return 1;
	}
	while (question.to < marks.newest && owner_age(question.to + 1) >= age)
		question.to++;
	if (!question.to) { /* not even mark 0 has ended so long ago */
		printf("0 pages in 0 blocks\n");
		return 0;
	}
	question.to--;
	return owner_report(&question);
}

/* The object there, if the debugging of its cache says whose it is. */
static void print_object(const void *address)
{
	struct slab_object object;

	if (!slab_object(address, &object) || !object.alloc_site)
		return;
	printf("object 0x%" PRIx64 " of %s: %zu bytes, %s\n",
	       virt_to_phys((const void *)object.start), object.cache, object.size,
	       object.in_use ? "in use" : "free");
	print_object_sites(&object);
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
		printf(", mark %" PRIu32 ", %" PRIu32 " s ago", owner.mark, owner_age(owner.mark));
	printf("\n");
	if (owner.kind == PAGE_OWNER_SLAB)
		print_object(phys_to_virt(addr));
	return 0;
}

static int cmd_owner(int argc, char **argv)
{
	static const struct owner_question all;
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 1)
		return owner_report(&all);
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
		      "and the objects of caches that have U of slab_debug=\n"
		      "on: call sites are recorded from then on; off by default\n"
		      "top [n]: who has most, default 10; mark: set one, print its number\n"
		      "leaks [seconds]: what is older, default 10; since: what was\n"
		      "allocated after mark m and is in use; diff: between two marks\n"
		      "mk/symbols.py on the host puts names to quarry.elf+0x..\n"
		      "example: owner on; owner mark; alloc 0; owner since 1",
		      "on", "off", "mark", "top", "leaks", "since", "diff");

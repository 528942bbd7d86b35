// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_refusal.c: requests that are refused, on the machine: they change nothing, they are reported, and what is said
 * of a request beforehand is what becomes of it (FEATURES rows 33, 37, 38).
 */
#include "ktap.h"
#include "pool.h"

#include <stdio.h>
#include <string.h>

#include "boot/boot.h"

/* Injected and real refusals of every order leave the state bit for bit as it was. */
static void refusal_changes_nothing(void)
{
	static const gfp_t kinds[] = {GFP_KERNEL,
				      GFP_ATOMIC,
				      GFP_KERNEL | __GFP_MOVABLE,
				      GFP_KERNEL | __GFP_COMP | __GFP_RECLAIMABLE,
				      GFP_KERNEL | __GFP_RETRY_MAYFAIL,
				      GFP_DMA32};
	struct mm_fail every = {.every = 1}, off = {.every = 0};
	uint64_t failed = stats_now().alloc_failed;
	struct grab *list;
	uint64_t hash;

	if (skip_without_hooks())
		return;
	mm_set_fail(&every);
	hash = mm_state_hash();
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			EXPECT(alloc_pages(kinds[i] | __GFP_NOWARN, order) == NULL);
	EXPECT(alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN) == NULL);
	EXPECT_EQ(hash, mm_state_hash());
	mm_set_fail(&off);
	EXPECT_EQ(failed + 6 * NR_PAGE_ORDERS + 1, stats_now().alloc_failed);
	grab_all(&list, GFP_KERNEL);
	hash = mm_state_hash();
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			EXPECT(alloc_pages(kinds[i] | __GFP_NOWARN, order) == NULL);
	EXPECT_EQ(hash, mm_state_hash());
	grab_release(list);
}

static unsigned int reports;
static char advice[40]; /* what the report is to name */

static void find_report(const char *line)
{
	reports += strstr(line, "page allocation failure: order:9, mode:0x530("
				"GFP_KERNEL|__GFP_MOVABLE|__GFP_COMP)") != NULL;
	reports += strstr(line, advice) != NULL;
}

static unsigned int lines;

static void count_line(const char *line)
{
	(void)line;
	lines++;
}

/* A refusal is reported, and what would help does: here the smallest block that was left, a page mostly. */
static void report(void)
{
	unsigned int before, order;
	struct grab *list, *last;
	struct page *page;

	grab_all(&list, GFP_KERNEL);
	last = list; /* the smallest */
	list = last->next;
	order = last->order;
	EXPECT(order < 9);
	snprintf(advice, sizeof(advice), "would help: order %u instead", order);
	reports = 0;
	log_dump(find_report);
	before = reports;
	EXPECT_EQ(0, free_pages((unsigned long)last, order));
	log_set_console(false);
	EXPECT(alloc_pages(GFP_KERNEL | __GFP_MOVABLE | __GFP_COMP, 9) == NULL);
	log_set_console(true);
	page = alloc_pages(GFP_KERNEL | __GFP_MOVABLE | __GFP_COMP, order);
	EXPECT(page != NULL);
	EXPECT_EQ(0, __free_pages(page, order));
	grab_release(list);
	reports = 0;
	log_dump(find_report);
	/* the ring may have lost older ones */
	EXPECT(reports >= 2 || reports > before);
	lines = 0;
	EXPECT(mm_why(GFP_KERNEL, 3, count_line));
	EXPECT_EQ(0, lines);
}

/* ---- what is said of a request -------------------------------------------------------------- */

static struct {
	struct page *page;
	unsigned int order;
} live[256];
static unsigned int nr_live;
static struct prng prng;

static unsigned int draw(unsigned int n)
{
	return (unsigned int)((prng_next(&prng) >> 20) % n);
}

static gfp_t draw_gfp(void)
{
	static const gfp_t base[] = {GFP_KERNEL, GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT};
	static const gfp_t more[] = {__GFP_MOVABLE, __GFP_RECLAIMABLE, __GFP_DMA32,
				     __GFP_HIGH,    __GFP_MEMALLOC,    __GFP_NOMEMALLOC,
				     __GFP_NORETRY, __GFP_COMP,	       __GFP_RETRY_MAYFAIL};
	gfp_t gfp = base[draw(4)] | __GFP_NOWARN;

	while (draw(2))
		gfp |= more[draw(sizeof(more) / sizeof(more[0]))];
	return (gfp & GFP_MOVABLE_MASK) == GFP_MOVABLE_MASK ? gfp & ~__GFP_MOVABLE : gfp;
}

static void free_live(unsigned int n)
{
	EXPECT_EQ(0, __free_pages(live[n].page, live[n].order));
	live[n] = live[--nr_live];
}

/* What the zones manage together; *around_free: the sum of min marks at which one zone's, drawn, is what it has free. */
static uint64_t managed_pages(uint64_t *around_free)
{
	uint64_t managed = 0;
	struct zone_info info[MAX_NR_ZONES];
	unsigned int pick = draw(MAX_NR_ZONES);

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info[zone]);
		managed += info[zone].managed;
	}
	if (info[pick].managed == 0)
		pick = (pick + 1) % MAX_NR_ZONES;
	*around_free = info[pick].free * managed / info[pick].managed;
	return managed;
}

/* The marks around what is free in some zone, the caches on or off, some blocks back. */
static void change_state(void)
{
	uint64_t around, managed = managed_pages(&around);

	switch (draw(8)) {
	case 0:
		around = draw(2) ? (around + draw(64)) % managed : 0;
		EXPECT_EQ(0, mm_set_min_free_kbytes(around * (PAGE_SIZE / 1024)));
		break;
	case 1:
		mm_set_pcp_high(draw(2) ? draw(64) : 0);
		break;
	case 2:
		mm_set_lowmem_reserve_ratio(ZONE_DMA32, draw(3) * 32);
		break;
	case 3:
		drain_all_pages();
		break;
	default:
		for (unsigned int n = draw(16); n > 0 && nr_live > 0; n--)
			free_live(draw(nr_live));
	}
}

/* All memory but the small blocks, two of the largest that came last, and the first: some of each zone. */
static struct grab *hold_most(void)
{
	struct grab *list, *rest, *held;
	unsigned int large = 0;

	grab_all(&list, GFP_KERNEL);
	for (rest = list; rest->next; rest = rest->next)
		if (rest->order == MAX_PAGE_ORDER && ++large == 2)
			break;
	held = rest->next;
	rest->next = NULL;
	grab_release(list);
	for (rest = held; rest && rest->next && rest->next->next; rest = rest->next)
		;
	if (rest && rest->next) {
		grab_release(rest->next);
		rest->next = NULL;
	}
	return held;
}

/* One request: it becomes what mm_explain() says of it. Returns whether it is served. */
static bool ask(gfp_t gfp, unsigned int order)
{
	struct page *page;
	char why[256];
	bool yes;

	if (nr_live == sizeof(live) / sizeof(live[0]))
		free_live(draw(nr_live));
	yes = mm_explain(gfp, order, why, sizeof(why));
	EXPECT_EQ(yes, !why[0]);
	page = alloc_pages(gfp, order);
	EXPECT_EQ(yes, page != NULL);
	if (page) {
		live[nr_live].page = page;
		live[nr_live++].order = order;
	}
	return page != NULL;
}

/*
 * Two requests whose outcome is known on a machine of any size, in the state that the random ones have left: without marks and
 * protection, a page while one is free; and with every zone's min mark at all that it manages but a page, a block of four pages or
 * more for a request without any reserve.
 */
static void ask_known(void)
{
	static const gfp_t types[] = {0, __GFP_MOVABLE, __GFP_RECLAIMABLE};
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN | types[draw(3)];
	unsigned int ratio = mm_lowmem_reserve_ratio(ZONE_DMA32);
	uint64_t kbytes = mm_min_free_kbytes(), around, managed = managed_pages(&around);

	mm_set_lowmem_reserve_ratio(ZONE_DMA32, 0);
	EXPECT_EQ(0, mm_set_min_free_kbytes(0));
	if (nr_live > 0)
		free_live(draw(nr_live));
	EXPECT(ask(gfp, 0));
	drain_all_pages();
	EXPECT_EQ(0, mm_set_min_free_kbytes((managed - 1) * (PAGE_SIZE / 1024)));
	EXPECT(!ask(gfp, 2 + draw(NR_PAGE_ORDERS - 2)));
	mm_set_min_free_kbytes(kbytes);
	mm_set_lowmem_reserve_ratio(ZONE_DMA32, ratio);
}

/* 1000 random requests in random states of the few MiB that are not held, and between them some whose outcome is known. */
static void explained(void)
{
	unsigned long high = mm_pcp_high(), served = 0, refused = 0;
	struct grab *list = hold_most();

	prng.x = PRNG_SEED;
	nr_live = 0;
	for (unsigned int i = 0; i < 1000; i++) {
		unsigned int order = draw(2) ? draw(3) : draw(NR_PAGE_ORDERS);
		gfp_t gfp = draw_gfp();
		bool yes;

		while (draw(2))
			change_state();
		yes = ask(gfp, order);
		served += yes;
		refused += !yes;
		if (i % 8 == 0)
			ask_known();
	}
	test_note("of the random requests %lu are served, %lu refused", served, refused);
	while (nr_live > 0)
		free_live(nr_live - 1);
	mm_set_pcp_high(high);
	grab_release(list);
}

TEST_CASE(policy, refusal_changes_nothing, refusal_changes_nothing);
TEST_CASE(policy, report, report);
TEST_CASE(policy, explained, explained);

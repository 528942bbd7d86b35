/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * moving.c: B18's other half, memory that moves: what compaction leaves free and what a moved page
 * costs beside its copy, and areas and ranges that are full of movable pages.
 *
 * Each page is one of an owner whose table has its place; the note in its descriptor is the place.
 * The owner counts what its copies cost, so that a figure can leave them out.
 */
#include "test/bench/bench.h"

#define CONTIG_PAGES 4096 /* 16 MiB */
#define UNCACHED     64

static struct bench_table table; /* of movable pages */
static unsigned long count;
static int number; /* of the operations below */
static uint64_t copied, copies;

static bool isolate_page(struct page *page)
{
	(void)page;
	return true;
}

/* A loop as an owner has one who knows that these are pages. */
static void copy_page(uint64_t *dst, const uint64_t *src)
{
	for (const uint64_t *end = src + PAGE_SIZE / sizeof(*src); src < end;
	     src += 16, dst += 16) {
		uint64_t word[16];

#pragma GCC unroll 16
		for (int i = 0; i < 16; i++)
			word[i] = src[i];
#pragma GCC unroll 16
		for (int i = 0; i < 16; i++)
			dst[i] = word[i];
	}
}

static int migrate_page(struct page *dst, struct page *src)
{
	uint64_t start = bench_tick();

	copy_page(page_address(dst), page_address(src));
	copied += bench_tock(start);
	copies++;
	*bench_slot(&table, movable_note(src)) = dst;
	return 0;
}

static void putback_page(struct page *page)
{
	(void)page;
}

static const struct movable_operations owner = {
	.holders = 1,
	.isolate_page = isolate_page,
	.migrate_page = migrate_page,
	.putback_page = putback_page,
};

/* ---- pages that move ------------------------------------------------------------------------- */

static bool add(void)
{
	struct page *page =
		count < table.capacity ? alloc_page(BENCH_GFP_ALL | __GFP_MOVABLE) : NULL;

	if (!page)
		return false;
	set_page_movable(page, number, (uint32_t)count);
	*bench_slot(&table, count++) = page;
	return true;
}

static void drop(unsigned long n)
{
	struct page *page = *bench_slot(&table, n), *last = *bench_slot(&table, --count);

	clear_page_movable(page);
	__free_page(page);
	if (n == count)
		return;
	*bench_slot(&table, n) = last;
	set_page_movable(last, number, (uint32_t)n);
}

static void drop_to(unsigned long left)
{
	while (count > left)
		drop(bench_random() % count);
}

/* In this area, or with NULL in any. */
static bool in_area(const struct cma *area, const struct page *page)
{
	struct cma_info info;

	for (unsigned int n = 0; cma_get_info(n, &info); n++)
		if ((!area || cma_at(n) == area) &&
		    page_to_phys(page) - info.base < (phys_addr_t)info.pages << PAGE_SHIFT)
			return true;
	return false;
}

/* ---- compaction ------------------------------------------------------------------------------ */

/* Of all areas: the free 2 MiB blocks, and the free pages. The caches are empty. */
static uint64_t areas_free(uint64_t *pages)
{
	uint64_t nr_free[MIGRATE_TYPES][NR_PAGE_ORDERS], blocks = 0;

	*pages = 0;
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_pagetypeinfo((enum zone_type)zone, nr_free);
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
			*pages += nr_free[MIGRATE_CMA][order] << order;
			if (order >= pageblock_order)
				blocks += nr_free[MIGRATE_CMA][order] << (order - pageblock_order);
		}
	}
	return blocks;
}

/*
 * The share of 2 MiB blocks before and after, in per cent, and the ceiling: those that are free without the
 * movable pages, but for what these need that find no room beside the others. They are gone then. Areas are
 * left as they are: what is in one neither moves nor makes room there.
 */
static void compact_and_print(const char *variant)
{
	uint64_t all = bench_present_pages() >> pageblock_order, before = bench_free_pageblocks();
	uint64_t start, cost, after, most, room, needed = 0, area_pages, area_room, area_blocks;
	unsigned long moved, pages = count;

	copied = copies = 0;
	start = bench_tick();
	moved = compact_memory();
	cost = bench_tock(start);
	after = bench_free_pageblocks();
	area_blocks = areas_free(&area_pages);
	drop_to(0);
	most = bench_free_pageblocks();
	room = bench_free_pages() - (most << pageblock_order);
	most -= areas_free(&area_room) - area_blocks;
	pages -= area_room - area_pages;
	if (pages > room)
		needed = (pages - room + pageblock_nr_pages - 1) >> pageblock_order;
	bench_line(variant);
	bench_ratio("before", before * 100, all);
	bench_ratio("share", after * 100, all);
	bench_ratio("ceiling", (most - needed) * 100, all);
	bench_ratio("of_ceiling", after * 100, most - needed);
	bench_plain("moved", moved);
	bench_mean("page", (int64_t)(cost - copied), moved);
	bench_mean("copy", (int64_t)copied, copies);
	bench_end();
}

/* A pool full of movable pages, of which a random part is left. */
static void leave(const char *variant, unsigned int percent, unsigned long full)
{
	while (count < full && add())
		;
	drop_to(full * percent / 100);
	compact_and_print(variant);
}

static void bench_compaction(void)
{
	unsigned long full = bench_free_pages() * 95 / 100;

	leave("left80", 80, full);
	leave("left50", 50, full);
	leave("left25", 25, full);
	leave("left10", 10, full);
}

/* ---- a request that compacts ----------------------------------------------------------------- */

/*
 * Every second page is in use: the request finds no block, and half a block's pages move for it. What it costs
 * beside the copies, and of this each moved page.
 */
static const char *bench_direct(void)
{
	static const struct {
		unsigned int order;
		const char *cost, *page;
	} kinds[] = {{1, "order1", "page1"}, {3, "order3", "page3"}, {9, "order9", "page9"}};
	uint64_t cost[3], moved[3];

	while (add())
		;
	for (unsigned long n = count; n-- > 0;)
		if (page_to_pfn(*bench_slot(&table, n)) % 2)
			drop(n);
	drain_all_pages();
	for (int i = 0; i < 3; i++) {
		struct page *page;
		uint64_t start;

		copied = copies = 0;
		start = bench_tick();
		page = alloc_pages(BENCH_GFP, kinds[i].order);
		cost[i] = bench_tock(start) - copied;
		moved[i] = copies;
		if (!page)
			return "no page moves for a request";
		__free_pages(page, kinds[i].order);
		if (moved[i] != 1UL << kinds[i].order >> 1)
			return "other pages move than half a block's";
	}
	drop_to(0);
	bench_line("direct");
	for (int i = 0; i < 3; i++)
		bench_plain(kinds[i].cost, cost[i]);
	for (int i = 1; i < 3; i++)
		bench_mean(kinds[i].page, (int64_t)cost[i], moved[i]);
	bench_end();
	return NULL;
}

/* Single pages without caches: what areas cost those that none of theirs serves. */
static const char *bench_uncached(void)
{
	static const gfp_t kinds[] = {BENCH_GFP, BENCH_GFP | __GFP_MOVABLE};
	unsigned long high = mm_pcp_high();
	uint64_t cost[2] = {0, 0};

	mm_set_pcp_high(0);
	for (int k = 0; k < 2; k++) {
		struct page *page[UNCACHED];

		for (int i = 0; i < UNCACHED; i++) {
			uint64_t start = bench_tick();

			page[i] = alloc_page(kinds[k]);
			cost[k] += bench_tock(start);
			if (!page[i])
				return "no memory";
		}
		for (int i = 0; i < UNCACHED; i++)
			__free_page(page[i]);
	}
	mm_set_pcp_high(high);
	bench_line("uncached");
	bench_mean("fixed", (int64_t)cost[0], UNCACHED);
	bench_mean("movable", (int64_t)cost[1], UNCACHED);
	bench_end();
	return NULL;
}

/* ---- B10 with pages that move ---------------------------------------------------------------- */

#define CYCLES 5

static void surge(struct bench_table *fixed, unsigned long *nr)
{
	for (int cycle = 0; cycle < CYCLES; cycle++) {
		while (*nr * 100 < (count + *nr) * 30) {
			struct page *page;

			drop(bench_random() % count);
			page = alloc_page(BENCH_GFP);
			if (page)
				*bench_slot(fixed, (*nr)++) = page;
		}
		while (*nr * 100 > (count + *nr) * 5) {
			struct page **slot = bench_slot(fixed, bench_random() % *nr);

			__free_page(*slot);
			*slot = *bench_slot(fixed, --*nr);
			add();
		}
	}
}

/* The frame is of no area, and free, or cached, or a page of the table; *next: the one after its block. */
static bool gives_way(pfn_t pfn, pfn_t *next)
{
	struct page_info info;
	struct page *page = pfn_to_page(pfn);

	*next = pfn + 1;
	if (mm_page_info(pfn, &info) || in_area(NULL, page))
		return false;
	if (info.untouched)
		return true;
	*next = info.head_pfn + (1UL << info.order);
	if (info.state == PAGE_FREE || info.in_pcp)
		return true;
	return !info.order && movable_note(page) < count &&
	       *bench_slot(&table, movable_note(page)) == page;
}

/* The most pages, from a pageblock's first on, with nothing in the way that cannot move. */
static unsigned long contig_most(void)
{
	unsigned long most = 0;
	struct page_info info;
	pfn_t pfn = page_to_pfn(*bench_slot(&table, 0)), start, next;

	/* in the bank that the table's first page lies in */
	while (pfn && !mm_page_info(pfn - 1, &info))
		pfn--;
	start = ALIGN_UP(pfn, pageblock_nr_pages);
	for (; !mm_page_info(pfn, &info); pfn = next) {
		bool gives = gives_way(pfn, &next);

		if (gives && next > start && next - start > most)
			most = (unsigned long)(next - start);
		if (!gives)
			start = ALIGN_UP(next, pageblock_nr_pages);
	}
	return most;
}

/* After the surge 16 MiB are had if there is a place for them, else as many pages as there is one for. */
static const char *bench_surge_range(void)
{
	unsigned long most = contig_most(), pages = most < CONTIG_PAGES ? most : CONTIG_PAGES;
	uint64_t start, cost;
	struct page *page;

	if (most < CONTIG_PAGES && alloc_contig_pages(CONTIG_PAGES, BENCH_GFP))
		return "a range where one is in the way";
	drain_all_pages();
	copied = copies = 0;
	start = bench_tick();
	page = alloc_contig_pages(pages, BENCH_GFP);
	cost = bench_tock(start);
	if (!page && pages <= bench_free_pages())
		return "no range where all can move";
	bench_line("surge_range");
	bench_plain("most", most);
	bench_plain("pages", page ? pages : 0);
	bench_plain("alloc", cost);
	bench_plain("moved", copies);
	bench_end();
	return page && free_contig_range(page_to_pfn(page), pages) ? "it cannot be freed" : NULL;
}

/* A tenth of the movable pages are left after it, among those that cannot move. */
static const char *bench_moving_surge(void)
{
	unsigned long nr = 0, full = bench_free_pages() * 95 / 100;
	struct bench_table fixed;
	const char *wrong;

	if (!bench_table_init(&fixed, full / 2))
		return "no room for its second table";
	while (count < full && add())
		;
	surge(&fixed, &nr);
	wrong = bench_surge_range();
	drop_to(count / 10);
	compact_and_print("surge");
	while (nr)
		__free_page(*bench_slot(&fixed, --nr));
	bench_table_free(&fixed);
	return wrong;
}

/* ---- ranges and areas full of movable pages -------------------------------------------------- */

static const char *bench_moving_range(void)
{
	static const struct {
		unsigned long pages;
		const char *figure;
	} sizes[] = {{1024, "alloc1024"}, {4096, "alloc4096"}, {16384, "alloc16384"}};
	unsigned long full = bench_free_pages();
	uint64_t cost[3], start;

	while (count < full && add())
		;
	drop_to(full / 2);
	for (int i = 0; i < 3; i++) {
		struct page *page;

		start = bench_tick();
		page = alloc_contig_pages(sizes[i].pages, BENCH_GFP);
		cost[i] = bench_tock(start);
		if (!page)
			return "there is no such range";
		free_contig_range(page_to_pfn(page), sizes[i].pages);
	}
	drop_to(0);
	bench_line("half");
	for (int i = 0; i < 3; i++)
		bench_plain(sizes[i].figure, cost[i]);
	bench_end();
	return NULL;
}

/* The area that is there for all devices, if the machine has one. */
static const char *bench_area(void)
{
	struct cma *area = cma_default();
	struct page *page;
	uint64_t start, empty, full, release, served = 0, back = 0;
	unsigned long pairs = 0;

	if (!area)
		return NULL;
	start = bench_tick();
	page = cma_alloc(area, CONTIG_PAGES, 0, true);
	empty = bench_tock(start);
	if (!page)
		return "the area has no 16 MiB";
	start = bench_tick();
	cma_release(area, page, CONTIG_PAGES);
	release = bench_tock(start);
	while (add())
		;
	/* of the area's pages one comes and goes */
	for (unsigned long n = count; n-- > 0 && pairs < UNCACHED;) {
		page = *bench_slot(&table, n);
		if (!in_area(area, page))
			continue;
		drop(n);
		start = bench_tick();
		page = alloc_page(BENCH_GFP_ALL | __GFP_MOVABLE);
		served += bench_tock(start);
		if (!page || !in_area(area, page))
			return "a page of the area is not had again";
		start = bench_tick();
		__free_page(page);
		back += bench_tock(start);
		add();
		pairs++;
	}
	/* room for what has to go, outside the area */
	for (unsigned long room = 2 * CONTIG_PAGES; room > 0 && count > 0;) {
		unsigned long n = bench_random() % count;

		if (in_area(area, *bench_slot(&table, n)))
			continue;
		drop(n);
		room--;
	}
	drain_all_pages();
	start = bench_tick();
	page = cma_alloc(area, CONTIG_PAGES, 0, true);
	full = bench_tock(start);
	if (page)
		cma_release(area, page, CONTIG_PAGES);
	drop_to(0);
	if (!page)
		return "nothing gives way in the area";
	bench_line("cma");
	bench_plain("alloc", empty);
	bench_plain("release", release);
	bench_plain("full", full);
	bench_mean("served", (int64_t)served, pairs);
	bench_mean("back", (int64_t)back, pairs);
	bench_end();
	return NULL;
}

const char *bench_moving(void)
{
	const char *error;

	if (number <= 0)
		number = mm_register_movable(&owner);
	if (number <= 0)
		return "no number is left for its owner";
	drain_all_pages();
	count = 0;
	if (!bench_table_init(&table, bench_free_pages()))
		return "no room for its table";
	error = bench_uncached();
	bench_compaction();
	if (!error)
		error = bench_direct();
	if (!error)
		error = bench_moving_surge();
	if (!error)
		error = bench_moving_range();
	if (!error)
		error = bench_area();
	drop_to(0);
	bench_table_free(&table);
	return error;
}

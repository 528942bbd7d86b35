/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_campaign.c: a refused request changes nothing, wherever it failed.
 *
 * mm/ marks the places where a request may find that it cannot go on (FAULT_POINT() in mm/internal.h). For every kind of
 * request, in every state of the pool, the campaign fails place n = 1, 2, 3, ... until the request ends
 * before it gets there; once that place alone, once that and all that follow. When the request is refused,
 * mm_state_hash() must be what it was before and mm_check() must find nothing. The state is put back
 * from a copy of the metadata before each try, so all tries start alike.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>

#include "machine.h"
#include "mm/internal.h"
#include "port_host.h"

#define MIB ((phys_addr_t)1 << 20)
#define GIB ((phys_addr_t)1 << 30)

/* ---- failing on purpose -------------------------------------------------------------------- */

static struct {
	unsigned int at;    /* the place to fail, counted from 1; 0: none */
	bool and_all_after; /* those after it too */
	unsigned int seen;
} fault;

static struct {
	unsigned long tries, refused, differences;
	unsigned int most; /* places one request came to */
	struct {
		const char *function;
		int line;
	} place[64];
	unsigned int nr_places;
} total;

static bool fail_here(const char *function, int line)
{
	unsigned int i = 0;

	while (i < total.nr_places &&
	       (total.place[i].line != line || strcmp(total.place[i].function, function)))
		i++;
	if (i == total.nr_places && i < sizeof(total.place) / sizeof(total.place[0])) {
		total.place[i].function = function;
		total.place[i].line = line;
		total.nr_places++;
	}
	fault.seen++;
	return fault.at &&
	       (fault.seen == fault.at || (fault.and_all_after && fault.seen > fault.at));
}

/* ---- a copy of all state ------------------------------------------------------------------- */

static struct mm_pcpu other_cpu; /* CPU 1, where a state has one */

struct piece {
	void *at;
	size_t size;
	char *copy;
};

static struct piece pieces[16];
static unsigned int nr_pieces;

static void keep(void *at, size_t size)
{
	struct piece *piece = &pieces[nr_pieces++];

	*piece = (struct piece){at, size, malloc(size)};
	assert_non_null(piece->copy);
	memcpy(piece->copy, at, size);
}

static void keep_caches(struct mm_pcpu *cpu)
{
	struct page **low = NULL, **high = NULL;

	keep(cpu, sizeof(*cpu));
	for (unsigned int i = 0; i < NR_PCPS; i++) {
		struct per_cpu_pages *pcp = &cpu->cache[i];

		if (!pcp->capacity)
			continue;
		low = !low || pcp->base < low ? pcp->base : low;
		high = pcp->base + pcp->capacity + 1 > high ? pcp->base + pcp->capacity + 1 : high;
	}
	if (low)
		keep(low, (size_t)((char *)high - (char *)low));
}

static void keep_all(void)
{
	nr_pieces = 0;
	keep(&mm, sizeof(mm));
	keep(mm.memmap, mm.memmap_bytes);
	keep_caches(&machine_pcpu);
	if (mm.pcpu[1])
		keep_caches(mm.pcpu[1]);
	keep(&memblock, sizeof(memblock));
	keep(memblock.reserved.regions, memblock.reserved.max * sizeof(struct memblock_region));
}

static void put_back(void)
{
	for (unsigned int i = 0; i < nr_pieces; i++)
		memcpy(pieces[i].at, pieces[i].copy, pieces[i].size);
}

static void keep_none(void)
{
	while (nr_pieces)
		free(pieces[--nr_pieces].copy);
}

/* ---- states -------------------------------------------------------------------------------- */

#define MANY 16384
static struct page *held[MANY];

static void fill(gfp_t gfp, unsigned int order, unsigned int *count)
{
	struct page *page;

	*count = 0;
	while (*count < MANY && (page = alloc_pages(gfp | __GFP_NOWARN, order)))
		held[(*count)++] = page;
}

static void state_fresh(void)
{
}

/* A few blocks of every order and type have been used, so the caches hold some. */
static void state_warm(void)
{
	static const gfp_t kinds[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE,
				      GFP_KERNEL | __GFP_RECLAIMABLE};

	for (unsigned int k = 0; k < 3; k++)
		for (unsigned int order = 0; order <= 4; order++) {
			struct page *page[2];

			for (unsigned int i = 0; i < 2; i++)
				page[i] = alloc_pages(kinds[k], order);
			for (unsigned int i = 0; i < 2; i++)
				if (page[i])
					assert_int_equal(0, __free_pages(page[i], order));
		}
}

static void state_empty(void)
{
	unsigned int count;

	for (int order = MAX_PAGE_ORDER; order >= 0; order--)
		fill(GFP_KERNEL, (unsigned int)order, &count);
}

/* Every second frame is free, and most of that in the buddy: no order above 0 can be had. */
static void state_every_second(void)
{
	unsigned int count;

	fill(GFP_KERNEL, 0, &count);
	for (unsigned int i = 0; i < count; i++)
		if (page_to_pfn(held[i]) & 1)
			assert_int_equal(0, __free_page(held[i]));
}

/* All that is free lies in caches, in pairs that would merge. */
static void state_all_cached(void)
{
	unsigned int count, given = 0;

	fill(GFP_KERNEL | __GFP_MOVABLE, 0, &count);
	for (unsigned int i = 0; i < count && given < 8; i++, given++)
		assert_int_equal(0, __free_page(held[i]));
}

/* Blocks of order 2 in a cache and nothing else: they lie in a HIGHATOMIC pageblock. */
static void state_cached_highatomic(void)
{
	struct page *atomic[2];
	unsigned int count;

	for (unsigned int i = 0; i < 2; i++) {
		atomic[i] = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 2);
		assert_non_null(atomic[i]);
	}
	state_empty();
	/* the rest of the reserve too */
	for (int order = 3; order >= 0; order--)
		fill(order ? GFP_ATOMIC : GFP_KERNEL | __GFP_MEMALLOC, (unsigned int)order, &count);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(0, __free_pages(atomic[i], 2));
}

/* Pageblocks of all types, each with holes of several sizes; a HIGHATOMIC reserve. */
static void state_mixed(void)
{
	static const gfp_t kinds[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE,
				      GFP_KERNEL | __GFP_RECLAIMABLE, GFP_ATOMIC};
	uint64_t seed = 7;
	unsigned int count = 0;
	struct page *page;
	static unsigned char orders[MANY];

	while (count < MANY) {
		unsigned int order = (unsigned int)(host_random(&seed) % 6);

		page = alloc_pages(kinds[host_random(&seed) % 4] | __GFP_NOWARN, order);
		if (!page)
			break;
		orders[count] = (unsigned char)order;
		held[count++] = page;
	}
	for (unsigned int i = 0; i < count; i++)
		if (host_random(&seed) % 3 == 0)
			assert_int_equal(0, __free_pages(held[i], orders[i]));
}

/* The reserve alone is left: requests stop at the min mark. */
static void state_watermarks(void)
{
	unsigned int count;

	assert_int_equal(0, mm_set_min_free_kbytes(2048));
	assert_int_equal(0, mm_set_lowmem_reserve_ratio(ZONE_DMA32, 16));
	for (int order = 4; order >= 0; order--)
		fill(GFP_KERNEL, (unsigned int)order, &count);
}

/* Above low, below high, nothing of it large. */
static void state_low(void)
{
	state_mixed();
	assert_int_equal(0, mm_set_min_free_kbytes(1024));
}

static void kick(unsigned int cpu)
{
	struct mm_pcpu *self = port_pcpu();

	port_set_pcpu(mm.pcpu[cpu]);
	mm_ipi();
	port_set_pcpu(self);
}

static void start_other_cpu(void)
{
	struct mm_pcpu *self = port_pcpu();

	boot_pageset_init(&other_cpu, 1);
	port_set_pcpu(&other_cpu);
	assert_int_equal(0, setup_per_cpu_pageset(&other_cpu, 1));
	port_set_pcpu(self);
	port_host_kick = kick;
}

/* CPU 1's caches hold pages that would merge, some with pages in this CPU's; no page is in the buddy. */
static void state_remote(void)
{
	unsigned int count, mine = 0, theirs = 0;
	struct mm_pcpu *self = port_pcpu();

	start_other_cpu();
	fill(GFP_KERNEL, 0, &count);
	for (unsigned int i = 0; i < count && mine + theirs < 24; i++) {
		pfn_t pair = page_to_pfn(held[i]) & ~(pfn_t)3;
		bool here = pair % 8 == 0 && page_to_pfn(held[i]) % 4 == 1;

		port_set_pcpu(here ? self : &other_cpu);
		assert_int_equal(0, __free_page(held[i]));
		port_set_pcpu(self);
		mine += here;
		theirs += !here;
	}
}

/* Halves of pairs: CPU 1 has one, this CPU the other, below more pages than a request looks at. */
static void state_remote_deep(void)
{
	struct mm_pcpu *self = port_pcpu();
	unsigned int count, pairs = 0, i;

	start_other_cpu();
	fill(GFP_KERNEL, 0, &count);
	for (i = 0; i + 1 < count && pairs < 2; i++) {
		if (page_to_pfn(held[i]) % 2 || held[i + 1] != held[i] + 1)
			continue;
		assert_int_equal(0, __free_page(held[i++]));
		port_set_pcpu(&other_cpu);
		assert_int_equal(0, __free_page(held[i]));
		port_set_pcpu(self);
		pairs++;
	}
	for (unsigned int lone = 0; i < count && lone < 14; i++) {
		if (page_to_pfn(held[i]) % 4)
			continue;
		assert_int_equal(0, __free_page(held[i]));
		lone++;
	}
}

/* The pages in CPU 1's caches count as free, but no few of them lift the zone above its min mark. */
static void state_remote_watermark(void)
{
	struct mm_pcpu *self = port_pcpu();
	unsigned int count;

	start_other_cpu();
	fill(GFP_KERNEL, 0, &count);
	port_set_pcpu(&other_cpu);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(0, __free_page(held[i]));
	port_set_pcpu(self);
	assert_int_equal(0, mm_set_min_free_kbytes(4 * 4));
}

static const struct {
	const char *name;
	void (*make)(void);
} states[] = {
	{"fresh", state_fresh},
	{"warm caches", state_warm},
	{"empty", state_empty},
	{"every second page", state_every_second},
	{"all in caches", state_all_cached},
	{"cached HIGHATOMIC", state_cached_highatomic},
	{"mixed", state_mixed},
	{"at the min mark", state_watermarks},
	{"below low", state_low},
	{"in another CPU's caches", state_remote},
	{"in two CPUs' caches", state_remote_deep},
	{"in another CPU's caches, few", state_remote_watermark},
};
#define NR_STATES (sizeof(states) / sizeof(states[0]))

/* ---- requests ------------------------------------------------------------------------------ */

static const gfp_t kinds[] = {
	GFP_KERNEL,
	GFP_KERNEL | __GFP_MOVABLE,
	GFP_KERNEL | __GFP_RECLAIMABLE,
	GFP_ATOMIC,
	GFP_ATOMIC | __GFP_DMA32,
	GFP_NOWAIT,
	GFP_KERNEL | GFP_DMA32,
	GFP_KERNEL | __GFP_THISNODE,
	GFP_KERNEL | __GFP_COMP,
	GFP_KERNEL | __GFP_ZERO,
	GFP_KERNEL | __GFP_HIGH,
	GFP_KERNEL | __GFP_MEMALLOC,
	GFP_ATOMIC | __GFP_NOMEMALLOC,
	GFP_KERNEL | __GFP_NORETRY,
	GFP_KERNEL | __GFP_RETRY_MAYFAIL,
};
#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* One try of a request; true: it was refused, so nothing may have changed. */
typedef bool request_fn(gfp_t gfp, unsigned int size);

static bool request_pages(gfp_t gfp, unsigned int order)
{
	return !alloc_pages(gfp, order);
}

static bool request_address(gfp_t gfp, unsigned int order)
{
	return !__get_free_pages(gfp, order);
}

static bool request_exact(gfp_t gfp, unsigned int pages)
{
	return !alloc_pages_exact(pages * PAGE_SIZE, gfp);
}

/* What a bulk request got is the caller's; that it gives back, and then nothing may be missing. */
static bool request_bulk(gfp_t gfp, unsigned int n)
{
	struct page *pages[256];
	unsigned long got = alloc_pages_bulk(gfp, n, pages);

	if (!got)
		return true;
	for (unsigned long i = 0; i < got; i++)
		assert_int_equal(0, __free_page(pages[i]));
	assert_int_equal(0, mm_check());
	return false;
}

static bool request_pageset(gfp_t gfp, unsigned int cpu)
{
	int error = setup_per_cpu_pageset(&machine_pcpu, cpu);

	(void)gfp;
	assert_true(!error || error == -ENOMEM);
	return error;
}

static phys_addr_t late_base, late_size;

static bool request_free_late(gfp_t gfp, unsigned int pages)
{
	(void)gfp;
	(void)pages;
	return memblock_free_late(late_base, late_size);
}

static bool request_init(gfp_t gfp, unsigned int unused)
{
	struct mm_config config = {.boot_pcpu = &machine_pcpu};

	(void)gfp;
	(void)unused;
	return mm_init(&config);
}

/* Fail place 1, 2, 3, ... of a request. */
static void try_all_places(const char *state, request_fn *request, gfp_t gfp, unsigned int size)
{
	uint64_t before = mm_state_hash();
	uint64_t reserved = memblock.reserved.total_size;

	for (int all = 0; all < 2; all++) {
		for (unsigned int n = 1;; n++) {
			bool refused;

			put_back();
			fault.at = n;
			fault.and_all_after = all;
			fault.seen = 0;
			mm_fault_point = fail_here;
			refused = request(gfp, size);
			mm_fault_point = NULL;
			assert_int_equal(0, mm_fault_certain);
			assert_int_equal(0, port_pcpu()->in_reclaim);
			total.tries++;
			total.refused += refused;
			if (refused && (mm_state_hash() != before || mm_check() ||
					memblock.reserved.total_size != reserved)) {
				total.differences++;
				print_error(
					"%s: gfp 0x%x size %u: place %u%s%s left a difference\n",
					state, (unsigned int)gfp, size, n,
					all ? " and all after" : "",
					fault.seen < n ? " (not reached)" : "");
			}
			total.most = fault.seen > total.most ? fault.seen : total.most;
			if (fault.seen < n)
				break;
		}
	}
	put_back();
}

/* ---- the campaign -------------------------------------------------------------------------- */

static unsigned long useless_count(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	(void)control;
	return 3;
}

/* Says it freed something, so that all rounds are made; frees nothing, so that a difference is mm's. */
static unsigned long useless_scan(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	(void)control;
	return 1;
}

static struct shrinker useless = {
	.count_objects = useless_count, .scan_objects = useless_scan, .name = "useless"};

static const struct layout machines[] = {
	{"16 MiB", 0, {{0x80000000, 16 * MIB}}, {{0x80000000, MIB}}, 1},
	{"both zones", 0, {{4 * GIB - 12 * MIB, 20 * MIB}}, {{4 * GIB - 12 * MIB, MIB}}, 1},
	{"too small for grouping", 0, {{0x80000000, 5 * MIB}}, {{0x80000000, MIB}}, 1},
};

static void begin(const struct layout *layout)
{
	port_host_log_hook = port_host_quiet;
	machine_start(layout);
}

static void end(void)
{
	keep_none();
	port_host_kick = NULL;
	mm.pcpu[1] = NULL;
	free(machine.frame);
	machine.frame = NULL;
	host_ram_unmap();
	port_host_log_hook = NULL;
}

static void finish(const char *what)
{
	print_message("# %s: %lu tries at %u places, up to %u in one request; %lu refused, %lu "
		      "differences\n",
		      what, total.tries, total.nr_places, total.most, total.refused,
		      total.differences);
	assert_true(total.refused > 0);
	assert_int_equal(0, total.differences);
	memset(&total, 0, sizeof(total));
}

static void in_every_state(const char *what, request_fn *request, const unsigned int sizes[],
			   unsigned int nr_sizes, gfp_t also, unsigned int step)
{
	for (unsigned int m = 0; m < sizeof(machines) / sizeof(machines[0]); m++) {
		for (unsigned int s = 0; s < NR_STATES; s++) {
			begin(&machines[m]);
			if (m == 2 && states[s].make == state_cached_highatomic) {
				end(); /* without grouping there are none */
				continue;
			}
			states[s].make();
			keep_all();
			assert_int_equal(0, register_shrinker(&useless));
			for (unsigned int k = 0; k < NR_KINDS; k += step)
				for (unsigned int i = 0; i < nr_sizes; i++)
					try_all_places(states[s].name, request, kinds[k] | also,
						       sizes[i]);
			unregister_shrinker(&useless);
			end();
		}
	}
	finish(what);
}

static const unsigned int orders[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static void campaign_alloc_pages(void **state)
{
	(void)state;
	in_every_state("alloc_pages", request_pages, orders, 11, __GFP_NOWARN, 1);
}

/* The refusal report asks the rules again, and changes nothing either. */
static void campaign_report(void **state)
{
	static const unsigned int some[] = {0, 1, 3, 9, 10};

	(void)state;
	in_every_state("with the report", request_pages, some, 5, 0, 2);
}

static void campaign_get_free_pages(void **state)
{
	static const unsigned int some[] = {0, 2, 9, 10};

	(void)state;
	in_every_state("__get_free_pages", request_address, some, 4, __GFP_NOWARN, 3);
}

static void campaign_exact(void **state)
{
	static const unsigned int pages[] = {1, 3, 8, 100, 511, 1000};

	(void)state;
	in_every_state("alloc_pages_exact", request_exact, pages, 6, __GFP_NOWARN, 2);
}

static void campaign_bulk(void **state)
{
	static const unsigned int n[] = {1, 7, 64, 200};

	(void)state;
	in_every_state("alloc_pages_bulk", request_bulk, n, 4, __GFP_NOWARN, 2);
}

static void campaign_pageset(void **state)
{
	struct layout layout = machines[0];

	(void)state;
	layout.caches = 0;
	for (unsigned int s = 0; s < NR_STATES; s++) {
		if (states[s].make == state_cached_highatomic || states[s].make == state_remote ||
		    states[s].make == state_remote_deep || states[s].make == state_remote_watermark)
			continue; /* they need caches */
		begin(&layout);
		states[s].make();
		keep_all();
		try_all_places(states[s].name, request_pageset, 0, 0);
		end();
	}
	finish("setup_per_cpu_pageset");
}

static void campaign_free_late(void **state)
{
	struct layout layout = {"late", 0, {{0x80000000, 24 * MIB}}, {{0x80100000, 9 * MIB}}, 1};

	(void)state;
	for (unsigned int s = 0; s < NR_STATES; s++) {
		begin(&layout);
		states[s].make();
		late_base = 0x80180000;
		late_size = 7 * MIB;
		keep_all();
		try_all_places(states[s].name, request_free_late, 0, 0);
		/* not reserved, not memory, half of each */
		for (unsigned int i = 0; i < 3; i++) {
			static const phys_addr_t wrong[3] = {0x81000000, 0x90000000, 0x81700000};

			late_base = wrong[i];
			late_size = 2 * MIB;
			try_all_places(states[s].name, request_free_late, 0, 1);
		}
		end();
	}
	finish("memblock_free_late");
}

static void campaign_init(void **state)
{
	(void)state;
	begin(&machines[0]);
	state_mixed();
	keep_all();
	fault.at = 1;
	fault.and_all_after = true;
	for (int i = 0; i < 2; i++) {
		uint64_t before = mm_state_hash();

		fault.seen = 0;
		mm_fault_point = fail_here;
		assert_true(request_init(0, 0));
		mm_fault_point = NULL;
		assert_int_equal(1, fault.seen);
		assert_true(before == mm_state_hash());
		assert_int_equal(0, mm_check());
	}
	end();
}

/* What mm_explain() says of a request is what becomes of it, and asking changes nothing. */
static void campaign_explain(void **state)
{
	unsigned long asked = 0, refused = 0;
	char text[256];

	(void)state;
	for (unsigned int m = 0; m < sizeof(machines) / sizeof(machines[0]); m++) {
		for (unsigned int s = 0; s < NR_STATES; s++) {
			uint64_t before;

			begin(&machines[m]);
			if (m == 2 && states[s].make == state_cached_highatomic) {
				end();
				continue;
			}
			states[s].make();
			keep_all();
			before = mm_state_hash();
			for (unsigned int k = 0; k < NR_KINDS; k++) {
				for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
					bool yes = mm_explain(kinds[k], order, text, sizeof(text));
					bool got;

					assert_true(before == mm_state_hash());
					got = alloc_pages(kinds[k] | __GFP_NOWARN, order);
					if (yes != got)
						fail_msg(
							"%s: gfp 0x%x order %u: said %d, got %d: %s",
							states[s].name, (unsigned int)kinds[k],
							order, yes, got, text);
					assert_int_equal(yes, !text[0]);
					asked++;
					refused += !got;
					put_back();
				}
			}
			end();
		}
	}
	print_message("# explain: %lu requests, %lu refused\n", asked, refused);
	assert_true(refused > 100 && asked > refused + 100);
}

/* Wrong requests never get as far as a place that could fail, and change nothing. */
static void campaign_bad_requests(void **state)
{
	struct page *page;
	uint64_t before;

	(void)state;
	begin(&machines[1]);
	state_mixed();
	before = mm_state_hash();
	assert_null(alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER + 1));
	assert_null(alloc_pages(GFP_KERNEL | GFP_MOVABLE_MASK, 0));
	assert_null(alloc_pages(GFP_KERNEL | (gfp_t)1 << 31, 0));
	assert_null(alloc_pages_exact(0, GFP_KERNEL));
	assert_null(alloc_pages_exact(SIZE_MAX, GFP_KERNEL));
	assert_int_equal(0, alloc_pages_bulk(GFP_KERNEL | GFP_MOVABLE_MASK, 1, &page));
	assert_int_equal(-EINVAL, mm_set_watermark_scale_factor(0));
	assert_int_equal(-EINVAL, mm_set_watermark_scale_factor(3001));
	assert_int_equal(-EINVAL, mm_set_min_free_kbytes(UINT64_MAX));
	assert_int_equal(-EINVAL, mm_set_lowmem_reserve_ratio(MAX_NR_ZONES, 1));
	assert_int_equal(-EINVAL, mm_set_hooks(MM_HOOK_POISON | MM_HOOK_INIT_ON_FREE));
	assert_int_equal(-EINVAL, mm_trace_start((struct mm_trace_entry *)(void *)held, 3));
	assert_int_equal(-EINVAL, setup_per_cpu_pageset(&machine_pcpu, CONFIG_NR_CPUS));
	assert_int_equal(-EINVAL, setup_per_cpu_pageset(&machine_pcpu, 1));
	assert_true(before == mm_state_hash());
	assert_int_equal(0, mm_check());
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(campaign_alloc_pages),	   cmocka_unit_test(campaign_report),
		cmocka_unit_test(campaign_get_free_pages), cmocka_unit_test(campaign_exact),
		cmocka_unit_test(campaign_bulk),	   cmocka_unit_test(campaign_pageset),
		cmocka_unit_test(campaign_free_late),	   cmocka_unit_test(campaign_init),
		cmocka_unit_test(campaign_explain),	   cmocka_unit_test(campaign_bad_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

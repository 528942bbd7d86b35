/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mix.c: see mix.h. What a call returns is checked where it is certain whatever other CPUs do; what is
 * wrong counts as a mismatch of the worker.
 */
#include "test/target/mix.h"
#include "test/target/mix_moves.h"

#include <errno.h>
#include <string.h>

#include <quarry/port.h>

#define BURST	    8 /* blocks held at once by one call */
#define TRACE_SIZE  64
#define TRACE_GUARD 0x5a

static struct {
	unsigned int kinds;
	struct stress_worker *workers;
	unsigned int nr_workers;
	uint64_t min_free_kbytes, min_free_most;
	unsigned int scale_factor, ratio[MAX_NR_ZONES];
	unsigned long pcp_high;
	uint64_t count[MIX_KINDS]; /* atomic */
} mix;

uint64_t mix_next(struct stress_worker *worker)
{
	/* xorshift64 (Marsaglia 2003); the worker's own numbers stay as they are */
	uint64_t x = worker->mix_random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return worker->mix_random = x;
}

void mix_expect(struct stress_worker *worker, bool holds, const char *what)
{
	if (holds)
		return;
	__atomic_fetch_add(&worker->mismatches, 1, __ATOMIC_RELAXED);
	port_log("stress: CPU %u: %s", worker->number, what);
}

static gfp_t any_gfp(uint64_t random)
{
	static const gfp_t flags[] = {
		GFP_KERNEL,
		GFP_ATOMIC,
		GFP_NOWAIT,
		GFP_DMA32 | GFP_KERNEL,
		GFP_KERNEL | __GFP_NORETRY,
		GFP_KERNEL | __GFP_RETRY_MAYFAIL,
		GFP_KERNEL | __GFP_MOVABLE,
		GFP_ATOMIC | __GFP_RECLAIMABLE,
	};

	return flags[random % (sizeof(flags) / sizeof(flags[0]))];
}

static void emit_nothing(const char *line)
{
	(void)line;
}

/* ---- the kinds ------------------------------------------------------------------------------- */

/* Large blocks until one is refused, with a report; and one request that is always refused. */
static void refuse(struct stress_worker *worker)
{
	struct page *held[BURST];
	uint64_t random = mix_next(worker);
	unsigned int n = 0;

	while (n < BURST && (held[n] = alloc_pages(any_gfp(random), MAX_PAGE_ORDER)))
		n++;
	while (n--)
		mix_expect(worker, __free_pages(held[n], MAX_PAGE_ORDER) == 0,
			   "a block is not freed");
	mix_expect(worker, !alloc_pages(__GFP_MOVABLE | __GFP_RECLAIMABLE, 0), "both mobilities");
}

static void explain(struct stress_worker *worker)
{
	uint64_t random = mix_next(worker);
	char text[256];
	bool served = mm_explain(any_gfp(random), (unsigned int)(random >> 8) % NR_PAGE_ORDERS,
				 text, sizeof(text));

	mix_expect(worker, served == !text[0],
		   "mm_explain() says neither why nor that it is served");
	mm_why(any_gfp(random >> 16), (unsigned int)(random >> 24) % NR_PAGE_ORDERS, emit_nothing);
}

static void atomic_burst(struct stress_worker *worker)
{
	unsigned int order = 1 + (unsigned int)mix_next(worker) % 3, n = 0;
	struct page *held[BURST];

	while (n < BURST && (held[n] = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, order)))
		n++;
	while (n--)
		mix_expect(worker, __free_pages(held[n], order) == 0,
			   "an urgent block is not freed");
}

static void sysctls(struct stress_worker *worker)
{
	uint64_t random = mix_next(worker), value = random >> 8;
	unsigned int zone = (unsigned int)(value % MAX_NR_ZONES);

	switch (random % 4) {
	case 0:
		mix_expect(worker, mm_set_min_free_kbytes(value % (mix.min_free_most + 1)) == 0,
			   "min_free_kbytes");
		break;
	case 1:
		mix_expect(worker,
			   mm_set_watermark_scale_factor(1 + (unsigned int)(value % 100)) == 0,
			   "watermark_scale_factor");
		break;
	case 2:
		mix_expect(worker,
			   mm_set_lowmem_reserve_ratio((enum zone_type)zone,
						       (unsigned int)(value >> 8) % 256) == 0,
			   "lowmem_reserve_ratio");
		break;
	default:
		mm_set_pcp_high(value % 3 ? value % 1024 : 0);
		break;
	}
	mm_min_free_kbytes();
	mm_watermark_scale_factor();
	mm_lowmem_reserve_ratio((enum zone_type)zone);
	mm_pcp_high();
}

/* A shrinker that has a few pages to give. */
struct stash {
	struct shrinker shrinker;
	struct low_memory_notifier notifier;
	struct page *held[BURST];
	unsigned int n;
	uint64_t told; /* atomic */
};

static unsigned long stash_count(struct shrinker *shrinker, struct shrink_control *control)
{
	const struct stash *stash = (const struct stash *)(const void *)shrinker;

	(void)control;
	return stash->n ? stash->n : SHRINK_EMPTY;
}

static unsigned long stash_scan(struct shrinker *shrinker, struct shrink_control *control)
{
	struct stash *stash = (struct stash *)(void *)shrinker;
	unsigned long freed = 0;

	for (; stash->n && freed < control->nr_to_scan; freed++)
		__free_page(stash->held[--stash->n]);
	return freed ? freed : SHRINK_STOP;
}

static void stash_notify(struct low_memory_notifier *notifier, enum zone_type zone, bool low)
{
	struct stash *stash =
		(struct stash *)(void *)((char *)notifier - offsetof(struct stash, notifier));

	(void)zone;
	(void)low;
	__atomic_fetch_add(&stash->told, 1, __ATOMIC_RELAXED);
}

static void callbacks(struct stress_worker *worker)
{
	struct stash stash = {.shrinker = {stash_count, stash_scan, "mix", NULL},
			      .notifier = {stash_notify, NULL}};

	while (stash.n < BURST && (stash.held[stash.n] = alloc_page(GFP_NOWAIT | __GFP_NOWARN)))
		stash.n++;
	mix_expect(worker, register_shrinker(&stash.shrinker) == 0, "register_shrinker()");
	mix_expect(worker, register_low_memory_notifier(&stash.notifier) == 0, "a notifier");
	for (int i = 0; i < 4; i++) {
		struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER);

		if (page)
			__free_pages(page, MAX_PAGE_ORDER);
		mm_idle();
	}
	mix_expect(worker, unregister_low_memory_notifier(&stash.notifier) == 0,
		   "a notifier stays");
	mix_expect(worker, unregister_shrinker(&stash.shrinker) == 0, "unregister_shrinker()");
	while (stash.n)
		__free_page(stash.held[--stash.n]);
}

static void drains(struct stress_worker *worker)
{
	if (mix_next(worker) % 4)
		drain_some_pages();
	else
		drain_all_pages();
}

static void statistics(struct stress_worker *worker)
{
	uint64_t free[MIGRATE_TYPES][NR_PAGE_ORDERS], blocks[MIGRATE_TYPES], orders[NR_PAGE_ORDERS];
	struct zone_info zone;
	struct mm_stats stats;
	struct mm_layout layout;
	struct pcp_info pcp;
	struct page_info page;
	struct mm_fail fail;
	uint64_t pages;

	mm_get_stats(&stats);
	mm_get_layout(&layout);
	mm_get_fail(&fail);
	mm_hooks();
	for (int type = 0; type < MAX_NR_ZONES; type++) {
		mm_zone_info((enum zone_type)type, &zone);
		mm_pagetypeinfo((enum zone_type)type, free);
		mm_pageblocks((enum zone_type)type, blocks);
		mm_buddyinfo((enum zone_type)type, orders);
		pages = 0;
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			pages += orders[order] << order;
		mix_expect(worker, pages <= zone.managed, "more pages are free than managed");
		if (!zone.spanned)
			continue;
		for (int i = 0; i < 4; i++) {
			pfn_t pfn = zone.start_pfn + mix_next(worker) % zone.spanned;

			if (mm_page_info(pfn, &page) == 0)
				mix_expect(worker,
					   page.head_pfn <= pfn && page.order <= MAX_PAGE_ORDER &&
						   pfn - page.head_pfn < 1UL << page.order,
					   "mm_page_info(): the block does not hold the page");
		}
	}
	for (unsigned int n = 0; mm_pcp_info(n, &pcp); n++)
		mix_expect(worker, pcp.count <= pcp.capacity, "a cache holds more than it can");
}

/* One worker alone: what it finds in the ring after it has stopped tracing must stay as it is. */
static void trace(struct stress_worker *worker)
{
	static struct mm_trace_entry ring[TRACE_SIZE], read[TRACE_SIZE];
	static bool on;
	char text[160];
	size_t n;

	if (worker->number != mix.nr_workers - 1)
		return;
	on = !on;
	if (on) {
		for (size_t i = 0; i < sizeof(ring); i++)
			mix_expect(worker,
				   ((unsigned char *)ring)[i] == TRACE_GUARD ||
					   !worker->trace_stopped,
				   "a ring is written after mm_trace_start() has taken it away");
		mm_trace_start(ring, TRACE_SIZE);
		return;
	}
	n = mm_trace_read(read, TRACE_SIZE);
	mix_expect(worker, n <= TRACE_SIZE, "mm_trace_read()");
	for (size_t i = 0; i < n; i++) {
		mix_expect(worker, i == 0 || read[i].sequence > read[i - 1].sequence,
			   "entries of a trace are out of order");
		mm_trace_text(&read[i], text, sizeof(text));
	}
	mm_trace_start(NULL, 0);
	memset(ring, TRACE_GUARD, sizeof(ring));
	worker->trace_stopped = true;
}

static void fail(struct stress_worker *worker)
{
	struct mm_fail fail = {.every = (unsigned int)(mix_next(worker) % 4 * 50),
			       .min_order = (unsigned int)(mix_next(worker) % 3),
			       .times = 20};

	mm_set_fail(&fail);
}

/* The CPU goes, with nothing in its caches, and comes back with the caches it had. */
static void hotplug(struct stress_worker *worker)
{
	struct mm_pcpu *cpu = port_pcpu();
	const struct per_cpu_pages *pcp = cpu->cache;
	unsigned long flags, blocks = 0;

	if (worker->number == 0)
		return;
	flags = port_irq_save();
	mm_cpu_offline();
	for (unsigned int i = 0; i < NR_PAGE_ORDERS * NR_PCP_CLASSES; i++, pcp++)
		blocks += (unsigned long)(pcp->top - pcp->base);
	mix_expect(worker, blocks == 0, "a CPU that has left caches blocks");
	mix_expect(worker, setup_per_cpu_pageset(cpu, cpu->cpu) == 0, "a CPU does not come back");
	port_irq_restore(flags);
}

static void reference(struct stress_worker *worker)
{
	unsigned int order = (unsigned int)mix_next(worker) % 4;
	gfp_t comp = mix_next(worker) % 2 ? __GFP_COMP : 0;
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN | comp, order);

	if (!page)
		return;
	get_page(page);
	mix_expect(worker, page_count(page) == 2, "a page that two hold");
	if (comp) {
		mix_expect(worker, put_page(page + (1U << order) - 1) == 0,
			   "a reference to a tail");
		mix_expect(worker, put_page(page) == 0, "the last reference");
	} else { /* the block falls apart: the holder of the reference keeps its first page */
		mix_expect(worker, __free_pages(page, order) == 0,
			   "a free of a block that another holds");
		mix_expect(worker, put_page(page) == 0, "the last reference to its first page");
	}
}

static void misuse(struct stress_worker *worker)
{
	mix_expect(worker, free_pages_phys((phys_addr_t)1 << 51, 0) == -EFAULT,
		   "a free of memory that does not exist");
	mix_expect(worker, free_pages_phys(1, 0) != 0, "a free of an address within a page");
}

/* ---- from start to end ----------------------------------------------------------------------- */

static void (*const kinds[MIX_KINDS])(struct stress_worker *worker) = {
	refuse, explain, atomic_burst, sysctls, callbacks,  drains,	 statistics, trace,
	fail,	hotplug, reference,    misuse,	mix_handle, mix_compact, mix_range,  mix_cma,
};

bool mix_moves_pages(unsigned int which)
{
	for (unsigned int kind = 0; kind < MIX_KINDS; kind++)
		if (which >> kind & 1 && (kinds[kind] == mix_compact || kinds[kind] == mix_range ||
					  kinds[kind] == mix_cma))
			return true;
	return false;
}

unsigned int mix_parse(const char *text)
{
	static const char *const names[MIX_KINDS] = {MIX_NAMES};
	unsigned int bits = 0;

	if (strcmp(text, "all") == 0)
		return MIX_ALL;
	for (;; text++) {
		size_t length = strcspn(text, ",");
		unsigned int kind = 0;

		while (kind < MIX_KINDS &&
		       (strlen(names[kind]) != length || strncmp(names[kind], text, length) != 0))
			kind++;
		if (kind == MIX_KINDS)
			return 0;
		bits |= 1U << kind;
		text += length;
		if (!*text)
			return bits;
	}
}

void mix_begin(unsigned int which, const struct stress *stress)
{
	mix.kinds = which;
	mix.workers = stress->worker;
	mix.nr_workers = stress->nr_workers;
	mix.min_free_kbytes = mm_min_free_kbytes();
	mix.min_free_most = 2 * mix.min_free_kbytes;
	mix.scale_factor = mm_watermark_scale_factor();
	mix.pcp_high = mm_pcp_high();
	for (int type = 0; type < MAX_NR_ZONES; type++)
		mix.ratio[type] = mm_lowmem_reserve_ratio((enum zone_type)type);
	for (unsigned int i = 0; i < MIX_KINDS; i++)
		mix.count[i] = 0;
	for (unsigned int i = 0; i < stress->nr_workers; i++) {
		stress->worker[i].mix_random = stress->worker[i].random | 1;
		stress->worker[i].trace_stopped = false;
		memset(stress->worker[i].handle, 0, sizeof(stress->worker[i].handle));
		memset(stress->worker[i].sparse, 0, sizeof(stress->worker[i].sparse));
	}
}

void mix_step(struct stress_worker *worker)
{
	/* of the upper bits: the lower ones would say what comes next */
	unsigned int kind = (unsigned int)((mix_next(worker) >> 32) % (MIX_STEPS * MIX_KINDS));

	if (kind >= MIX_KINDS || !(mix.kinds >> kind & 1))
		return;
	kinds[kind](worker);
	__atomic_fetch_add(&mix.count[kind], 1, __ATOMIC_RELAXED);
}

void mix_end(void)
{
	static const struct mm_fail never;

	mm_set_fail(&never);
	mm_trace_start(NULL, 0);
	for (unsigned int i = 0; i < mix.nr_workers; i++)
		mix_handles_end(&mix.workers[i]);
	mm_set_min_free_kbytes(mix.min_free_kbytes);
	mm_set_watermark_scale_factor(mix.scale_factor);
	mm_set_pcp_high(mix.pcp_high);
	for (int type = 0; type < MAX_NR_ZONES; type++)
		mm_set_lowmem_reserve_ratio((enum zone_type)type, mix.ratio[type]);
}

uint64_t mix_count(unsigned int kind)
{
	return __atomic_load_n(&mix.count[kind], __ATOMIC_RELAXED);
}

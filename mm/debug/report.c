/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.c: what is said when a request, a free, a reference or the allocator's own memory is
 * refused.
 *
 * Why a request is refused is found by asking the rules again, without allocating: the verdict of
 * each zone the flags allow, then the figures behind it, the block that comes nearest to serving
 * the request and what pins it, and the one knob that helps.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "debug_internal.h"

struct text {
	char *buf;
	size_t size, used;
};

static __attribute__((format(printf, 2, 3))) void add(struct text *text, const char *fmt, ...)
{
	va_list args;

	if (text->used >= text->size)
		return;
	va_start(args, fmt);
	text->used += (size_t)vsnprintf(text->buf + text->used, text->size - text->used, fmt, args);
	va_end(args);
}

enum wmark_verdict {
	WMARK_OK,
	WMARK_BELOW,	 /* too little would be left below the min mark */
	WMARK_PROTECTED, /* lowmem_reserve keeps it from requests that could use a higher zone */
	WMARK_NO_BLOCK,	 /* enough is free, but no block is large enough */
};

/* The verdict on one zone without the caches. */
static enum wmark_verdict verdict_on(const struct alloc_context *ac, const struct zone *zone)
{
	uint64_t missing = zone_shortfall(zone, ac, zone->mark.min);

	if (missing)
		return missing <= zone->lowmem_reserve[ac->highest] ? WMARK_PROTECTED : WMARK_BELOW;
	return zone_level(zone, ac) ? WMARK_OK : WMARK_NO_BLOCK;
}

/* Could this CPU's caches serve the request? What get_page_from_caches() asks. */
static bool caches_would_serve(const struct alloc_context *ac, struct zone *zone,
			       struct scan_budget *budget)
{
	unsigned long cached = pcp_count_this_cpu(zone);
	bool above = cached && zone_shortfall(zone, ac, zone->mark.min) <= cached;

	if (pcp_first_cached(zone, ac->order, above ? NR_PAGE_ORDERS : ac->order + 1))
		return true;
	return above && pcp_could_assemble(zone, ac->order, budget);
}

/*
 * Would the request be served from this zone? All that the slow path asks, but for what shrinkers
 * might free.
 */
static bool would_serve(const struct alloc_context *ac, struct zone *zone,
			struct scan_budget *budget, struct scan_budget *others)
{
	bool thorough = ac->gfp & (__GFP_RETRY_MAYFAIL | __GFP_NOFAIL);
	unsigned long cached = pcp_count_zone(zone), start, end;
	bool wait = ac->gfp & __GFP_DIRECT_RECLAIM && !in_callback() && !in_interrupt();

	if (verdict_on(ac, zone) == WMARK_OK || caches_would_serve(ac, zone, budget))
		return true;
	if ((wait || (thorough && remote_alone())) && cached &&
	    zone_shortfall(zone, ac, zone->mark.min) <= cached &&
	    remote_find(zone, ac->order, thorough ? NULL : others, &start, &end))
		return true;
	return wait && !(ac->gfp & __GFP_NORETRY) &&
	       highatomic_would_serve(ac, zone, highatomic_peek(zone, ac->order));
}

/* Largest free order, HIGHATOMIC pageblocks not counted; -1 if nothing is free. */
static int largest_order(const struct zone *zone)
{
	int order = MAX_PAGE_ORDER;

	while (order >= 0 && !zone_has_block(zone, (unsigned int)order, false))
		order--;
	return order;
}

static void add_rule(struct text *text, const struct alloc_context *ac, const struct zone *zone,
		     enum wmark_verdict verdict)
{
	int largest = largest_order(zone);

	add(text, "zone %s: ", zone_name(zone));
	switch (verdict) {
	case WMARK_BELOW:
		add(text, "%llu pages free, the min watermark keeps %llu",
		    (unsigned long long)zone->nr_free, (unsigned long long)zone->mark.min);
		break;
	case WMARK_PROTECTED:
		add(text, "%llu pages free, lowmem_reserve keeps %llu for requests limited to it",
		    (unsigned long long)zone->nr_free,
		    (unsigned long long)zone->lowmem_reserve[ac->highest]);
		break;
	default:
		add(text, "no free block of order %u: %llu pages free, ", ac->order,
		    (unsigned long long)zone->nr_free);
		if (largest < 0)
			add(text, "largest free order none");
		else
			add(text, "largest free order %d", largest);
		add(text, ", %lu in per-CPU caches", pcp_count_zone(zone));
	}
}

bool mm_explain(gfp_t gfp, unsigned int order, char *buf, size_t size)
{
	struct text text = {buf, size, 0};
	struct scan_budget budget = SCAN_BUDGET, others = SCAN_BUDGET_OTHERS;
	struct alloc_context ac;

	if (size)
		buf[0] = '\0';
	if (!gfp_check(gfp, order, buf, size))
		return false;
	alloc_context_init(&ac, gfp, order);
	if (gfp & __GFP_NOFAIL)
		ac.alloc_flags |= ALLOC_NO_WATERMARKS;
	for (const struct zoneref *c = ac.zonerefs; c->zone; c++)
		if (would_serve(&ac, c->zone, &budget, &others))
			return true;
	if (!ac.zonerefs->zone)
		add(&text, "no zone the flags allow has memory");
	for (const struct zoneref *c = ac.zonerefs; c->zone; c++) {
		if (c != ac.zonerefs)
			add(&text, "; ");
		add_rule(&text, &ac, c->zone, verdict_on(&ac, c->zone));
	}
	return false;
}

/* ---- at length ------------------------------------------------------------------------------ */

struct candidate {
	unsigned long index;  /* of the aligned block, NIL32 if there is none */
	unsigned long in_use; /* pages of it that are neither free nor cached */
	unsigned long pin;    /* the first block in use */
	unsigned int pins;    /* blocks in use */
};

/* Of the aligned blocks of this order, that with the fewest pages in use and none reserved. */
static void find_candidate(const struct zone *zone, unsigned int order, struct candidate *best)
{
	uint32_t first = zone == &mm.zones[ZONE_DMA32] ? 0 : mm.zones[ZONE_DMA32].span_end;

	for (uint32_t s = first; s < zone->span_end; s++) {
		unsigned long i = (unsigned long)mm.spans[s].first << SECTION_SHIFT;
		unsigned long end = (unsigned long)mm.spans[s].opened << SECTION_SHIFT;
		struct candidate now = {.index = NIL32};

		while (i < end) {
			const struct page *page = &mm.memmap[i];
			unsigned long block = i & ~((1UL << order) - 1);

			if (block != now.index)
				now = (struct candidate){.index = block};
			if (page_state(page) == PAGE_RESERVED) {
				now.in_use = NIL32;
			} else if (page_state(page) != PAGE_FREE && page->_refcount) {
				now.pin = now.pins++ ? now.pin : i;
				now.in_use += 1UL << (page_order(page) < order ? page_order(page)
									       : order);
			}
			i += 1UL << page_order(page);
			if (!(i & ((1UL << order) - 1)) && now.in_use < NIL32 &&
			    (best->index == NIL32 || now.in_use < best->in_use))
				*best = now;
		}
	}
}

static void emit_candidate(const struct zone *zone, unsigned int order,
			   void (*emit)(const char *line))
{
	struct candidate best = {.index = NIL32};
	struct page_info pin;
	char line[192];

	find_candidate(zone, order, &best);
	if (best.index == NIL32 || !best.pins || mm_page_info(index_to_pfn(best.pin), &pin))
		return;
	snprintf(
		line, sizeof(line),
		"  nearest block 0x%llx: %lu of %lu pages in use by %u blocks; the first is 0x%llx order %u "
		"(%s, %u references, owner 0x%x)",
		(unsigned long long)PFN_PHYS(index_to_pfn(best.index)), best.in_use, 1UL << order,
		best.pins, (unsigned long long)PFN_PHYS(pin.pfn), pin.order,
		mm_migratetype_name(pin.migratetype), pin.refcount, (unsigned int)pin.owner);
	emit(line);
}

static void emit_knob(const struct alloc_context *ac, enum wmark_verdict verdict,
		      const struct zone *zone, void (*emit)(const char *line))
{
	char line[160];

	if (verdict == WMARK_BELOW && !(ac->gfp & __GFP_HIGH) && zone->nr_free > zone->mark.min / 2)
		snprintf(line, sizeof(line),
			 "  would help: __GFP_HIGH, which may use half of the min watermark");
	else if (verdict == WMARK_BELOW && zone->nr_free > 1UL << ac->order)
		snprintf(line, sizeof(line),
			 "  would help: sysctl vm.min_free_kbytes=%llu (now %llu)",
			 (unsigned long long)(mm.min_free_kbytes / 2),
			 (unsigned long long)mm.min_free_kbytes);
	else if (verdict == WMARK_PROTECTED)
		snprintf(line, sizeof(line),
			 "  would help: sysctl vm.lowmem_reserve_ratio (a larger one keeps less)");
	else if (verdict == WMARK_NO_BLOCK && pcp_count_zone(zone))
		snprintf(line, sizeof(line),
			 "  would help: drain, then sysctl vm.percpu_pagelist=0");
	else if (verdict == WMARK_NO_BLOCK && largest_order(zone) >= 0)
		snprintf(line, sizeof(line),
			 "  would help: order %d instead, or freeing the block named above",
			 largest_order(zone));
	else
		snprintf(line, sizeof(line), "  would help: freeing memory");
	emit(line);
}

bool mm_why(gfp_t gfp, unsigned int order, void (*emit)(const char *line))
{
	struct alloc_context ac;
	char line[256];

	if (mm_explain(gfp, order, line, sizeof(line)))
		return true;
	if (!gfp_acceptable(gfp, order)) {
		emit(line);
		return false;
	}
	alloc_context_init(&ac, gfp, order);
	if (!ac.zonerefs->zone)
		emit(line);
	for (const struct zoneref *c = ac.zonerefs; c->zone; c++) {
		enum wmark_verdict verdict = verdict_on(&ac, c->zone);
		struct text text = {line, sizeof(line), 0};
		int largest = largest_order(c->zone);

		add_rule(&text, &ac, c->zone, verdict);
		emit(line);
		snprintf(
			line, sizeof(line),
			"  free %llu, min %llu, low %llu, high %llu, lowmem_reserve %llu, highatomic %llu, "
			"largest free order %d, %lu pages in per-CPU caches",
			(unsigned long long)c->zone->nr_free, (unsigned long long)c->zone->mark.min,
			(unsigned long long)c->zone->mark.low,
			(unsigned long long)c->zone->mark.high,
			(unsigned long long)c->zone->lowmem_reserve[ac.highest],
			(unsigned long long)c->zone->nr_highatomic, largest,
			pcp_count_zone(c->zone));
		emit(line);
		if (verdict == WMARK_NO_BLOCK)
			emit_candidate(c->zone, order, emit);
		emit_knob(&ac, verdict, c->zone, emit);
	}
	return false;
}

static void log_line(const char *line)
{
	port_log("%s", line);
}

/* The zones' reasons at length; in an interrupt in one line. */
void report_refusal(gfp_t gfp, unsigned int order, const char *why)
{
	bool acceptable = gfp_acceptable(gfp, order);
	char names[GFP_NAMES_SIZE], text[256];

	if (!(gfp & __GFP_NOWARN)) {
		/* the names of the others would push the reason off the line */
		gfp_names(gfp & ~__GFP_BITS_MASK ? gfp & ~__GFP_BITS_MASK : gfp, names,
			  sizeof(names));
		if (!why && (!acceptable || in_interrupt())) {
			mm_explain(gfp, order, text, sizeof(text));
			why = text;
		}
		port_log("page allocation failure: order:%u, mode:0x%x(%s)%s%s", order,
			 (unsigned int)gfp, names, why ? ": " : "", why ? why : "");
		if (!why)
			mm_why(gfp, order, log_line);
	}
	if (acceptable && gfp & __GFP_NOFAIL)
		port_panic("a __GFP_NOFAIL request for order %u cannot be served", order);
}

/* The order a free meant if it said none: that of the block, 0 if there is none. */
static unsigned int order_at(phys_addr_t addr)
{
	struct page_info info;

	return addr % PAGE_SIZE || mm_page_info(PFN_DOWN(addr), &info) || info.untouched
		       ? 0
		       : info.order;
}

void report_misuse(enum mm_misuse kind, phys_addr_t addr, long order, const void *caller)
{
	char was[48] = "", text[192];

	if (kind == MISUSE_WRONG_ORDER)
		snprintf(was, sizeof(was), ", but the block has order %u", order_at(addr));
	snprintf(text, sizeof(text), "free of 0x%llx order %u refused: %s%s (called from %p)",
		 (unsigned long long)addr, order < 0 ? order_at(addr) : (unsigned int)order,
		 mm_misuse_name(kind), was, caller);
	if (READ_ONCE(mm.misuse_panic))
		port_panic("%s", text);
	port_log("%s", text);
}

void report_no_reference(const struct page *page)
{
	const struct page *head = page_head(page);

	port_panic("get_page: 0x%llx is not held by anyone, or by 65535",
		   (unsigned long long)(head && page_allocated(head) ? page_to_phys(page)
								     : (uintptr_t)page));
}

int report_no_pcpu(void)
{
	port_log(
		"mm: boot_pcpu is not what port_pcpu() returns: port_set_pcpu() comes before mm_init()");
	return -EINVAL;
}

void report_no_grouping(void)
{
	port_log("mm: grouping pages by mobility is off: too little memory");
}

void report_nothing_released(bool again)
{
	port_log("mm: memblock_free_all() %s: nothing is released",
		 again ? "a second time" : "without mm_init()");
}

int report_no_metadata(uint64_t nr_pages, size_t bytes)
{
	if (nr_pages && nr_pages < NIL32) {
		port_log("mm: no room for %zu bytes of page descriptors (%llu sections of 4 MiB)",
			 bytes, (unsigned long long)nr_pages >> SECTION_SHIFT);
		return -ENOMEM;
	}
	port_log("mm: %s", nr_pages ? "too much memory: 16 TiB at most"
				    : "no memory: the device tree gives no whole page of it");
	return -EINVAL;
}

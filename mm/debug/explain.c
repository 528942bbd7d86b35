/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain.c: the record of a request in words, and the dry run that makes one (mm_explain(),
 * mm_why()).
 *
 * Which rule refused, and with what figures, the request has written down (alloc_context.h);
 * nothing here judges a zone or a cache. Besides, the present figures of the zones are printed.
 */
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

/* ---- figures ------------------------------------------------------------------------------- */

/* What a zone holds now. */
struct figures {
	uint64_t free, highatomic;
	int largest; /* free order, HIGHATOMIC pageblocks not counted; -1: none */
	unsigned long cached;
};

static struct figures figures_of(struct zone *zone)
{
	unsigned long flags = port_irq_save();
	struct figures now = {.largest = MAX_PAGE_ORDER};

	spin_lock(&zone->lock);
	now.free = zone_free_pages(zone);
	now.highatomic = zone->nr_highatomic;
	while (now.largest >= 0 && !zone_has_block(zone, (unsigned int)now.largest, false))
		now.largest--;
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	now.cached = pcp_count_zone(zone);
	return now;
}

static void add_largest(struct text *text, const struct figures *now)
{
	if (now->largest < 0)
		add(text, "largest free order none");
	else
		add(text, "largest free order %d", now->largest);
}

/* ---- the record ---------------------------------------------------------------------------- */

static unsigned long long ull(uint64_t number)
{
	return number;
}

/*
 * What is free in a zone, of a request that its marks refused. The figures of the answer add up, so
 * what they leave over is what did not count because it lies in HIGHATOMIC pageblocks.
 */
static void add_free(struct text *text, const struct zone_answer *answer, uint64_t reserve,
		     unsigned int order)
{
	uint64_t counted = answer->kept + reserve + (1UL << order) - answer->missing;

	add(text, "%llu pages free, ", ull(answer->free));
	if ((int64_t)(answer->free - counted) > 0)
		add(text, "%llu of them in HIGHATOMIC pageblocks, ", ull(answer->free - counted));
}

/* What a zone answered. */
static void add_answer(struct text *text, const struct alloc_context *ac, const struct zoneref *ref,
		       const struct figures *now)
{
	const struct zone_answer *answer = &ac->answer[ref - ac->zonerefs];
	uint64_t reserve = READ_ONCE(ref->zone->lowmem_reserve[ac->highest]);

	add(text, "zone %s: ", zone_name(ref->zone));
	if (!answer->missing) {
		add(text, "no free block of order %u: %llu pages free, ", ac->order,
		    ull(answer->free));
		add_largest(text, now);
		add(text, ", %lu in per-CPU caches", now->cached);
		return;
	}
	add_free(text, answer, reserve, ac->order);
	if (answer->missing <= reserve)
		add(text, "lowmem_reserve keeps %llu for requests limited to it", ull(reserve));
	else
		add(text, "the min watermark keeps %llu", ull(answer->kept));
	add(text, ", %llu missing for order %u", ull(answer->missing), ac->order);
}

void record_text(const struct alloc_context *ac, char *buf, size_t size)
{
	struct text text = {buf, size, 0};

	if (!ac->zonerefs->zone)
		add(&text, "no zone the flags allow has memory");
	for (const struct zoneref *ref = ac->zonerefs; ref->zone; ref++) {
		struct figures now = figures_of(ref->zone);

		if (ref != ac->zonerefs)
			add(&text, "; ");
		add_answer(&text, ac, ref, &now);
	}
}

/* Where the request looked besides the free lists. */
static void emit_stages(const struct alloc_context *ac, void (*emit)(const char *line))
{
	char line[192];
	struct text text = {line, sizeof(line), 0};

	add(&text, "  searched: free lists, caches of this CPU");
	if (ac->stages & STAGE_ALL_CPUS)
		add(&text, ", caches of all CPUs");
	if (ac->stages & 1U << MM_STAGE_COMPACT)
		add(&text, ", pages that can move");
	if (ac->stages & 1U << MM_STAGE_RECLAIM)
		add(&text, ", shrinkers (%lu objects freed)", ac->shrunk);
	if (ac->stages & 1U << MM_STAGE_HIGHATOMIC)
		add(&text, ", HIGHATOMIC pageblocks");
	if (ac->stages & STAGE_COMPACT_LEFT)
		add(&text, "; no page was moved, the request would move those that can");
	if (ac->stages & STAGE_SHRINKERS_LEFT)
		add(&text, "; shrinkers were not asked, the request would ask them");
	emit(line);
}

void emit_record(const struct alloc_context *ac, void (*emit)(const char *line))
{
	char line[256];

	if (!ac->zonerefs->zone) {
		emit("no zone the flags allow has memory");
		return;
	}
	for (const struct zoneref *ref = ac->zonerefs; ref->zone; ref++) {
		struct zone *zone = ref->zone;
		struct figures now = figures_of(zone);
		struct text text = {line, sizeof(line), 0};

		add_answer(&text, ac, ref, &now);
		emit(line);
		text.used = 0;
		add(&text,
		    "  free %llu, min %llu, low %llu, high %llu, lowmem_reserve %llu, highatomic %llu, ",
		    ull(now.free), ull(READ_ONCE(zone->mark.min)), ull(READ_ONCE(zone->mark.low)),
		    ull(READ_ONCE(zone->mark.high)),
		    ull(READ_ONCE(zone->lowmem_reserve[ac->highest])), ull(now.highatomic));
		add_largest(&text, &now);
		add(&text, ", %lu pages in per-CPU caches", now.cached);
		emit(line);
		if (!ac->answer[ref - ac->zonerefs].missing)
			emit_nearest(zone, ac->order, emit);
	}
	emit_stages(ac, emit);
	emit_advice(ac, emit);
}

/* ---- dry runs ------------------------------------------------------------------------------ */

bool request_would_succeed(struct alloc_context *ac, gfp_t gfp, unsigned int order,
			   const uint64_t granted[])
{
	unsigned long flags = port_irq_save();
	bool served = !(gfp & ~GFP_HOT_MASK) && pcp_has(gfp & GFP_CLASS_MASK, order);

	port_irq_restore(flags);
	alloc_context_init(ac, gfp, order);
	ac->type = TAKE_NOTHING;
	for (unsigned int i = 0; i < MAX_NR_ZONES; i++)
		ac->answer[i].granted = granted ? granted[i] : 0;
	/* Tests fail requests on their way, not the questions about them. */
	FAULT_CERTAIN(true);
	served = served || alloc_pages_request(ac);
	FAULT_CERTAIN(false);
	return served;
}

bool mm_explain(gfp_t gfp, unsigned int order, char *buf, size_t size)
{
	struct alloc_context ac;

	if (size)
		buf[0] = '\0';
	if (!gfp_check(gfp, order, buf, size))
		return false;
	if (request_would_succeed(&ac, gfp, order, NULL))
		return true;
	record_text(&ac, buf, size);
	return false;
}

bool mm_why(gfp_t gfp, unsigned int order, void (*emit)(const char *line))
{
	struct alloc_context ac;
	char wrong[GFP_NAMES_SIZE];

	if (!gfp_check(gfp, order, wrong, sizeof(wrong))) {
		emit(wrong);
		return false;
	}
	if (request_would_succeed(&ac, gfp, order, NULL))
		return true;
	emit_record(&ac, emit);
	return false;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_fields.c: the tables of check_fields.h. A field that is not in its structure's table makes
 * test_check.c fail, so a new one comes with its row and with its part of mm_check().
 */
#include <assert.h>
#include "check_fields.h"

#include "machine.h"
#include "mm/buddy/buddy.h"
#include "mm/free_map.h"
#include "mm/pcp/pcp.h"

/* may_be NULL: mm_check() finds every other value. */
#define ROW(name, type, field, may_be) \
	{name, offsetof(type, field), sizeof(((type *)0)->field), 1, may_be}
#define FIELD(field, may_be) ROW(#field, STRUCT, field, may_be)
#define ARRAY(field, may_be)                                               \
	{#field, offsetof(STRUCT, field), sizeof(((STRUCT *)0)->field[0]), \
	 sizeof(((STRUCT *)0)->field) / sizeof(((STRUCT *)0)->field[0]), may_be}
/* Padding, or what has a table of its own. */
#define BYTES(from, to)	   {"", from, to - (from), 0, NULL}
#define AFTER(field)	   (offsetof(STRUCT, field) + sizeof(((STRUCT *)0)->field))
#define ELSEWHERE(field)   BYTES(offsetof(STRUCT, field), AFTER(field))
#define GAP(after, before) BYTES(AFTER(after), offsetof(STRUCT, before))
#define GAP_AT_END(after)  BYTES(AFTER(after), sizeof(STRUCT))
#define END		   {NULL, 0, 0, 0, NULL}

#define STRUCT		   struct mm
#define DEFER(z)                                                     \
	FIELD(compaction.defer[z].order_failed, may_be_compaction),  \
		FIELD(compaction.defer[z].shift, may_be_compaction), \
		FIELD(compaction.defer[z].considered, may_be_compaction)
static_assert(MAX_NR_ZONES == 2, "DEFER() for each of them");
static const struct field mm_fields[] = {
	FIELD(memmap, NULL),
	FIELD(trust, NULL),
	FIELD(pageblocks, NULL),
	FIELD(map, NULL),
	FIELD(map_order, NULL),
	FIELD(banks, NULL),
	FIELD(spans, NULL),
	FIELD(nr_pages, NULL),
	FIELD(nr_banks, NULL),
	FIELD(nr_spans, NULL),
	FIELD(max_spans, NULL),
	FIELD(memmap_bytes, NULL),
	FIELD(pcp_bytes, NULL),
	FIELD(grouping, may_be_grouping),
	FIELD(misuse_panic, may_be_misuse_panic),
	FIELD(poison_check, may_be_poison_check),
	GAP(poison_check, hooks),
	FIELD(hooks, NULL),
	FIELD(pcp_high, may_be_pcp_high),
	FIELD(nr_cpus, may_be_nr_cpus),
	FIELD(end_cpu, may_be_end_cpu),
	FIELD(kmem, NULL),
	FIELD(kmem_copy, NULL),
	FIELD(callbacks_thread, may_be_any),
	FIELD(watermark_scale_factor, may_be_same_marks),
	ARRAY(lowmem_reserve_ratio, may_be_same_marks),
	GAP(lowmem_reserve_ratio, min_free_kbytes),
	FIELD(min_free_kbytes, may_be_same_marks),
	FIELD(user_min_free_kbytes, may_be_user_min_free),
	GAP(user_min_free_kbytes, zones),
	ELSEWHERE(zones),
	ELSEWHERE(zonelists),
	ARRAY(stats.misuse, may_be_any),
	ARRAY(stats.stage, may_be_any),
	FIELD(stats.alloc_failed, may_be_any),
	FIELD(stats.bad_request, may_be_any),
	FIELD(stats.extfrag, may_be_any),
	FIELD(stats.shrunk, may_be_any),
	FIELD(stats.might_sleep, may_be_any),
	FIELD(stats.fail_injected, may_be_any),
	FIELD(stats.poison_hit, may_be_any),
	ROW("every", STRUCT, fail.every, NULL),
	FIELD(fail.min_order, may_be_any),
	FIELD(fail.times, may_be_any),
	GAP(fail.times, fail.seen),
	FIELD(fail.seen, may_be_any),
	FIELD(fail.failed, may_be_any),
	ARRAY(pcpu, NULL),
	FIELD(pcpu_xor, NULL),
	GAP(kmem_copy, compaction),
	DEFER(0),
	DEFER(1),
	GAP(compaction.defer, compaction.extfrag_threshold),
	FIELD(compaction.extfrag_threshold, may_be_compaction),
	FIELD(compaction.proactiveness, may_be_compaction),
	FIELD(compaction.skip, may_be_compaction),
	FIELD(compaction.ahead, may_be_compaction),
	ARRAY(compaction.balancing, may_be_compaction),
	FIELD(compaction.balance, may_be_compaction),
	FIELD(compaction.boost_factor, may_be_compaction),
	GAP(compaction.boost_factor, compaction.mixed),
	ARRAY(compaction.mixed, may_be_any),
	ARRAY(compaction.boost, may_be_any),
	{"zone_stats", offsetof(STRUCT, zone_stats), sizeof(uint64_t),
	 sizeof(mm.zone_stats) / (sizeof(uint64_t)), may_be_any},
	FIELD(gfp_masked, may_be_any),
	GAP_AT_END(gfp_masked),
	END,
};
#undef STRUCT

static void *mm_object(unsigned int n)
{
	return n ? NULL : &mm;
}

#define STRUCT struct zone
static const struct field zone_fields[] = {
	ROW("locked", STRUCT, lock.locked, NULL),
	ROW("next", STRUCT, lock.next, NULL),
	ROW("head", STRUCT, lock.head, NULL),
	ROW("overtaken", STRUCT, lock.overtaken, NULL),
	ROW("acquired", STRUCT, lock.acquired, may_be_acquired),
#if CONFIG_DEBUG_VM
	ROW("holder", STRUCT, lock.holder, NULL),
#endif
	ARRAY(nonempty, NULL),
	GAP(nonempty, nr_free),
	FIELD(nr_free, NULL),
	ARRAY(nr_free_kept, NULL),
	FIELD(nr_untouched, NULL),
	FIELD(nr_highatomic, NULL),
	FIELD(nr_cma, NULL),
	FIELD(nr_kept, NULL),
	FIELD(span, may_be_zone_span),
	FIELD(span_end, NULL),
	FIELD(start, NULL),
	FIELD(end, NULL),
	FIELD(managed, NULL),
	FIELD(first_pcp, NULL),
	GAP(first_pcp, mark),
	ROW("mark.min", STRUCT, mark.min, NULL),
	ROW("mark.low", STRUCT, mark.low, NULL),
	ROW("mark.high", STRUCT, mark.high, NULL),
	ARRAY(lowmem_reserve, NULL),
	FIELD(low, may_be_zone_low),
	GAP(low, list),
	{"list", offsetof(STRUCT, list), sizeof(uint32_t), NR_PB_LISTS *NR_PAGE_ORDERS, NULL},
	GAP(list, extfrag),
	FIELD(extfrag, may_be_any),
	GAP_AT_END(extfrag),
	END,
};
#undef STRUCT

static void *zone_object(unsigned int n)
{
	return n < MAX_NR_ZONES ? &mm.zones[n] : NULL;
}

#define STRUCT struct zonelist
#define ZONEREF(n)                                                       \
	ROW("zone", STRUCT, zonerefs[n].zone, may_be_zoneref),           \
		ROW("class", STRUCT, zonerefs[n].class, may_be_zoneref), \
		BYTES(AFTER(zonerefs[n].class), AFTER(zonerefs[n]))
static const struct field zonelist_fields[] = {ZONEREF(0), ZONEREF(1), ZONEREF(2), END};
static_assert(MAX_NR_ZONES == 2, "ZONEREF() for each of them and for the end");
#undef STRUCT

static void *zonelist_object(unsigned int n)
{
	return n < NR_ZONELISTS * MAX_NR_ZONES ? &mm.zonelists[n / MAX_NR_ZONES][n % MAX_NR_ZONES]
					       : NULL;
}

#define STRUCT struct bank
static const struct field bank_fields[] = {FIELD(start, NULL), FIELD(first, NULL),
					   FIELD(pages, NULL), FIELD(page, NULL), END};
#undef STRUCT

static void *bank_object(unsigned int n)
{
	return n < mm.nr_banks ? &mm.banks[n] : NULL;
}

#define STRUCT struct span
static const struct field span_fields[] = {FIELD(first, NULL), FIELD(opened, NULL),
					   FIELD(end, NULL), FIELD(next, may_be_span_next), END};
#undef STRUCT

static void *span_object(unsigned int n)
{
	return n < mm.nr_spans ? &mm.spans[n] : NULL;
}

#define STRUCT struct pageblock
static const struct field pageblock_fields[] = {
	FIELD(prev, may_be_off_list),
	FIELD(next, may_be_off_list),
	FIELD(nr_free, NULL),
	FIELD(list, NULL),
	FIELD(type, may_be_type),
	GAP_AT_END(type),
	END,
};
#undef STRUCT

/* The n-th of the open sections. */
static unsigned long open_section(unsigned int n)
{
	for (uint32_t s = 0; s < mm.nr_spans; s++) {
		if (n < mm.spans[s].opened - mm.spans[s].first)
			return mm.spans[s].first + n;
		n -= mm.spans[s].opened - mm.spans[s].first;
	}
	return NIL32;
}

static void *pageblock_object(unsigned int n)
{
	unsigned long section = open_section(n / 2);

	return section != NIL32 ? &mm.pageblocks[section * 2 + n % 2] : NULL;
}

#define STRUCT struct page
static const struct field page_fields[] = {
	FIELD(info, may_be_info),
	FIELD(_refcount, may_be_refcount),
	FIELD(owner, may_be_any),
	END,
};
#undef STRUCT

/*
 * Each seventh page: of all pages there are too many, and blocks have sizes that are no multiples.
 */
void *page_object(unsigned int n)
{
	unsigned int index = n * 7;
	unsigned long section = open_section(index / (unsigned int)SECTION_PAGES);

	return section != NIL32 ? &mm.memmap[(section << SECTION_SHIFT) + index % SECTION_PAGES]
				: NULL;
}

static const struct field map_fields[] = {{"map", 0, sizeof(uint64_t), 1, NULL}, END};
static const struct field map_order_fields[] = {{"map_order", 0, 1, 1, NULL}, END};

/* The n-th word of the map of the open sections. */
static unsigned long map_number(unsigned int n)
{
	unsigned long section = open_section(n / (unsigned int)(SECTION_PAGES / WORD_PAGES));

	return section != NIL32
		       ? section * (SECTION_PAGES / WORD_PAGES) + n % (SECTION_PAGES / WORD_PAGES)
		       : NIL32;
}

static void *map_object(unsigned int n)
{
	unsigned long number = map_number(n);

	return number != NIL32 ? &mm.map[number] : NULL;
}

static void *map_order_object(unsigned int n)
{
	unsigned long number = map_number(n);

	return number != NIL32 ? &mm.map_order[number] : NULL;
}

static const struct field trust_fields[] = {{"trust", 0, 1, 1, may_be_trust}, END};

static void *trust_object(unsigned int n)
{
	unsigned long section = open_section(n / (SECTION_PAGES / GROUP_PAGES));

	return section != NIL32 ? &mm.trust[section * (SECTION_PAGES / GROUP_PAGES) +
					    n % (SECTION_PAGES / GROUP_PAGES)]
				: NULL;
}

#define STRUCT struct mm_pcpu
#define OPEN(n)                                                 \
	ROW("start", STRUCT, open[n].start, may_be_open_range), \
		ROW("bytes", STRUCT, open[n].bytes, may_be_open_range)
static const struct field cpu_fields[] = {
	OPEN(0),
	OPEN(1),
	OPEN(2),
	OPEN(3),
	FIELD(trust, NULL),
	FIELD(cache, NULL),
	FIELD(bank, NULL),
	FIELD(kmem, NULL),
	FIELD(cpu, NULL),
	FIELD(irq_depth, may_be_irq_depth),
	FIELD(online, NULL),
	FIELD(hooks, NULL),
	FIELD(acknowledged, NULL),
	FIELD(place, may_be_any),
	FIELD(refills, may_be_any),
	FIELD(returns, may_be_any),
	FIELD(drained, may_be_any),
	ELSEWHERE(pcp),
	ELSEWHERE(held),
	END,
};
static_assert(MM_OPEN_RANGES == 4, "OPEN() for each of them");
#undef STRUCT

static void *cpu_object(unsigned int n)
{
	return n < mm.end_cpu ? mm.pcpu[n] : NULL;
}

#define STRUCT struct per_cpu_pages
static const struct field cache_fields[] = {
	FIELD(top, NULL),
	FIELD(limit, NULL),
	FIELD(base, NULL),
	FIELD(capacity, NULL),
	FIELD(zone, may_be_no_array),
	FIELD(cursor, may_be_cursor),
	GAP_AT_END(cursor),
	END,
};
/* While hooks are on the caches are hidden, and these stand in their places. */
static const struct field shown_fields[] = {
	FIELD(top, NULL),	 FIELD(limit, NULL),
	FIELD(base, NULL),	 FIELD(capacity, may_be_any),
	FIELD(zone, may_be_any), FIELD(cursor, may_be_any),
	GAP_AT_END(cursor),	 END,
};

static void *cache_object(unsigned int n)
{
	return n < mm.end_cpu * NR_PCPS ? &mm.pcpu[n / NR_PCPS]->cache[n % NR_PCPS] : NULL;
}

static void *shown_object(unsigned int n)
{
	struct mm_pcpu *cpu = n < mm.end_cpu * NR_PCPS ? mm.pcpu[n / NR_PCPS] : NULL;
	struct per_cpu_pages *shown = cpu ? cpu->pcp[0] : NULL;

	return cpu && cpu->hooks ? &shown[n % NR_PCPS] : NULL;
}

const struct structure structures[] = {
	{"mm", sizeof(struct mm), mm_fields, mm_object},
	{"zone", sizeof(struct zone), zone_fields, zone_object},
	{"zonelists", sizeof(struct zonelist), zonelist_fields, zonelist_object},
	{"bank", sizeof(struct bank), bank_fields, bank_object},
	{"span", sizeof(struct span), span_fields, span_object},
	{"pageblock", sizeof(struct pageblock), pageblock_fields, pageblock_object},
	{"page", sizeof(struct page), page_fields, page_object},
	{"map", sizeof(uint64_t), map_fields, map_object},
	{"map_order", 1, map_order_fields, map_order_object},
	{"trust", 1, trust_fields, trust_object},
	{"cpu", sizeof(struct mm_pcpu), cpu_fields, cpu_object},
	{"cache", sizeof(struct per_cpu_pages), cache_fields, cache_object},
	{"pcp", sizeof(struct per_cpu_pages), shown_fields, shown_object},
};
const unsigned int nr_structures = sizeof(structures) / sizeof(structures[0]);

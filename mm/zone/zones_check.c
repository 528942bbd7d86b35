/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zones_check.c: what follows from other values: zonelists from the zones that have memory, marks
 * and protection from the sysctls and the zones' sizes; and what switches and
 * the counts of compaction may be.
 */
#include "../check_walk.h"
#include "zone_internal.h"

#define ALL_HOOKS                                                                \
	(MM_HOOK_TRACE | MM_HOOK_FAIL | MM_HOOK_POISON | MM_HOOK_INIT_ON_ALLOC | \
	 MM_HOOK_INIT_ON_FREE | MM_HOOK_OWNER | MM_HOOK_RECORD)

static void check_zonelists(struct walk *walk)
{
	for (unsigned int i = 0; i < NR_ZONELISTS * MAX_NR_ZONES; i++) {
		unsigned int list = i / MAX_NR_ZONES, highest = i % MAX_NR_ZONES, n = 0;
		const struct zoneref *ref = mm.zonelists[list][highest].zonerefs;

		for (unsigned int z = highest + 1; z--;) {
			const struct zone *zone = &mm.zones[z];
			gfp_t class = zone->first_pcp * (gfp_t)sizeof(struct per_cpu_pages);

			if (!zone_populated(zone))
				continue;
			expect(walk, ref[n].zone == zone && ref[n].class == class,
			       "mm.zonelists[%u][%u].zonerefs[%u]: .zone or .class 0x%x is not that of zone[%u]",
			       list, highest, n, (unsigned int)ref[n].class, z);
			n++;
		}
		expect(walk, !ref[n].zone, "mm.zonelists[%u][%u].zonerefs[%u].zone: not the end",
		       list, highest, n);
	}
}

static void check_mark(struct walk *walk, int zone, const char *field, uint64_t value,
		       uint64_t expected)
{
	expect(walk, value == expected,
	       "zone[%d].mark.%s: %llu, but %llu by mm.min_free_kbytes %llu, mm.watermark_scale_factor %u",
	       zone, field, (unsigned long long)value, (unsigned long long)expected,
	       (unsigned long long)mm.min_free_kbytes, mm.watermark_scale_factor);
}

static void check_marks(struct walk *walk)
{
	uint64_t managed[MAX_NR_ZONES], total = 0;

	for (int z = 0; z < MAX_NR_ZONES; z++)
		total += managed[z] = mm.zones[z].managed;
	expect(walk,
	       !total || (mm.watermark_scale_factor >= 1 && mm.watermark_scale_factor <= 3000),
	       "mm.watermark_scale_factor: %u", mm.watermark_scale_factor);
	expect(walk,
	       flag_byte(&mm.user_min_free_kbytes) <= 1 &&
		       (!total || flag_byte(&mm.user_min_free_kbytes) ||
			mm.min_free_kbytes == mm_default_min_free_kbytes(total)),
	       "mm.user_min_free_kbytes: %u, with mm.min_free_kbytes %llu",
	       flag_byte(&mm.user_min_free_kbytes), (unsigned long long)mm.min_free_kbytes);
	for (int z = 0; z < MAX_NR_ZONES; z++) {
		const struct zone *zone = &mm.zones[z];
		uint64_t protection[MAX_NR_ZONES];
		struct mm_watermarks mark;

		calc_watermarks(managed[z], total, mm.min_free_kbytes, mm.watermark_scale_factor,
				&mark);
		check_mark(walk, z, "min", zone->mark.min, mark.min);
		check_mark(walk, z, "low", zone->mark.low, mark.low);
		check_mark(walk, z, "high", zone->mark.high, mark.high);
		calc_protection((unsigned int)z, MAX_NR_ZONES, managed, mm.lowmem_reserve_ratio[z],
				protection);
		for (int i = 0; i < MAX_NR_ZONES; i++)
			expect(walk, zone->lowmem_reserve[i] == protection[i],
			       "zone[%d].lowmem_reserve[%d]: %llu, but %llu by mm.lowmem_reserve_ratio[%d] %u",
			       z, i, (unsigned long long)zone->lowmem_reserve[i],
			       (unsigned long long)protection[i], z, mm.lowmem_reserve_ratio[z]);
		expect(walk, flag_byte(&zone->low) <= 1, "zone[%d].low: %u", z,
		       flag_byte(&zone->low));
	}
	/* There is memory enough for pageblocks of all types; more may have come later. */
	expect(walk, flag_byte(&mm.grouping) <= (total >= GROUPING_PAGES),
	       "mm.grouping: %u, with %llu pages", flag_byte(&mm.grouping),
	       (unsigned long long)total);
}

static void check_switches(struct walk *walk)
{
	unsigned int poison = MM_HOOK_POISON | MM_HOOK_INIT_ON_FREE;

	expect(walk, !(mm.hooks & ~ALL_HOOKS) && (mm.hooks & poison) != poison, "mm.hooks: 0x%x",
	       mm.hooks);
	expect(walk, flag_byte(&mm.misuse_panic) <= 1, "mm.misuse_panic: %u",
	       flag_byte(&mm.misuse_panic));
	expect(walk, flag_byte(&mm.poison_check) <= !!(mm.hooks & MM_HOOK_POISON),
	       "mm.poison_check: %u, but mm.hooks: 0x%x", flag_byte(&mm.poison_check), mm.hooks);
	expect(walk, !mm.fail.every == !(mm.hooks & MM_HOOK_FAIL),
	       "mm.fail.every: %u, but mm.hooks: 0x%x", mm.fail.every, mm.hooks);
}

/* A sysctl that is kept less its default. */
static void check_sysctl(struct walk *walk, const char *name, int value, int standard, int most)
{
	expect(walk, value >= -standard && value <= most - standard,
	       "mm.compaction.%s: %d, not from %d to %d", name, value, -standard, most - standard);
}

/* What CPUs count at once may be of moments: a count may be above its zone's limit, not above all. */
static void check_compaction(struct walk *walk)
{
	const struct compaction *compaction = &mm.compaction;

	for (int z = 0; z < MAX_NR_ZONES; z++) {
		const struct compact_defer *defer = &compaction->defer[z];

		expect(walk, defer->order_failed <= NR_PAGE_ORDERS,
		       "mm.compaction.defer[%d].order_failed: %u", z, defer->order_failed);
		expect(walk, defer->shift <= COMPACT_DEFER_MAX, "mm.compaction.defer[%d].shift: %u",
		       z, defer->shift);
		expect(walk, defer->considered <= 1U << COMPACT_DEFER_MAX,
		       "mm.compaction.defer[%d].considered: %u", z, defer->considered);
		expect(walk, flag_byte(&compaction->balancing[z]) <= 1,
		       "mm.compaction.balancing[%d]: %u", z, flag_byte(&compaction->balancing[z]));
	}
	check_sysctl(walk, "extfrag_threshold", compaction->extfrag_threshold, EXTFRAG_THRESHOLD,
		     EXTFRAG_THRESHOLD_MAX);
	check_sysctl(walk, "proactiveness", compaction->proactiveness, PROACTIVENESS,
		     PROACTIVENESS_MAX);
	check_sysctl(walk, "boost_factor", compaction->boost_factor, BOOST_FACTOR,
		     BOOST_FACTOR_MAX);
	expect(walk, compaction->skip <= COMPACT_SKIP, "mm.compaction.skip: %u", compaction->skip);
	expect(walk, flag_byte(&compaction->ahead) <= 1, "mm.compaction.ahead: %u",
	       flag_byte(&compaction->ahead));
	expect(walk, compaction->balance <= BALANCE_STEP, "mm.compaction.balance: %u",
	       (unsigned int)compaction->balance);
}

void check_rules(struct walk *walk)
{
	check_zonelists(walk);
	check_marks(walk);
	check_switches(walk);
	check_compaction(walk);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balance.c: what is done ahead of requests, a step a call (Linux: kswapd and kcompactd).
 *
 *   a zone below its low mark   the shrinkers are called once a step, until it is at its high mark
 *   types that mix              the shrinkers give back the zone's boost, which each time raises
 *   free memory cut up          one pageblock is emptied a step: until 100 - vm.compaction_proactiveness
 *                               per cent of what is free, 5 at least, are of no use for requests of a
 *                               pageblock; from 10 more on, or from as many if 10 more are all
 *
 * A step that comes to nothing leaves compaction out for the next COMPACT_SKIP of them. Whoever calls it while
 * mm_balance_woken() alone does nothing behind anybody's back.
 */
#include <quarry/errno.h>
#include "migrate_internal.h"

unsigned int mm_compaction_proactiveness(void)
{
	return (unsigned int)(READ_ONCE(mm.compaction.proactiveness) + PROACTIVENESS);
}

int mm_set_compaction_proactiveness(unsigned int proactiveness)
{
	if (proactiveness > PROACTIVENESS_MAX)
		return -EINVAL;
	WRITE_ONCE(mm.compaction.proactiveness, (int)proactiveness - PROACTIVENESS);
	WRITE_ONCE(mm.compaction.skip, 0);
	return 0;
}

/* ---- boost ----------------------------------------------------------------------------------- */

unsigned int mm_watermark_boost_factor(void)
{
	return (unsigned int)(READ_ONCE(mm.compaction.boost_factor) + BOOST_FACTOR);
}

static RACY uint64_t zone_mixed(const struct zone *zone)
{
	return READ_ONCE(zone->extfrag);
}

int mm_set_watermark_boost_factor(unsigned int factor)
{
	if (factor > BOOST_FACTOR_MAX)
		return -EINVAL;
	/* types that mixed while there was no boost raise none now */
	for (unsigned int i = 0; i < MAX_NR_ZONES && !mm_watermark_boost_factor(); i++) {
		WRITE_ONCE(mm.compaction.mixed[i], zone_mixed(&mm.zones[i]));
		WRITE_ONCE(mm.compaction.boost[i], 0);
	}
	WRITE_ONCE(mm.compaction.boost_factor, (int)factor - BOOST_FACTOR);
	return 0;
}

/*
 * A pageblock for each time that types mixed, up to the factor's share of the high mark, a pageblock at least; none
 * where four pageblocks are more than the zone (Linux: boost_watermark()).
 */
static RACY uint64_t zone_boost(const struct zone *zone)
{
	size_t n = (size_t)(zone - mm.zones);
	uint64_t most = READ_ONCE(zone->mark.high) * mm_watermark_boost_factor() / 10000;
	uint64_t mixed = zone_mixed(zone) - READ_ONCE(mm.compaction.mixed[n]);
	uint64_t boost = READ_ONCE(mm.compaction.boost[n]);

	if (!mm_watermark_boost_factor() || zone->managed < 4 * pageblock_nr_pages)
		return 0;
	if (most < pageblock_nr_pages)
		most = pageblock_nr_pages;
	/* the product may not wrap */
	boost += mixed < most ? mixed * pageblock_nr_pages : most;
	return boost < most ? boost : most;
}

uint64_t mm_zone_boost(enum zone_type zone)
{
	return zone_boost(&mm.zones[zone]);
}

/*
 * What shrinkers have freed in a step is taken off the boost that there was before it; all of it if they
 * have nothing to give. Types that have mixed meanwhile raise the next one.
 */
static void lower_boost(unsigned int n, uint64_t mixed, uint64_t boost, unsigned long freed)
{
	WRITE_ONCE(mm.compaction.mixed[n], mixed);
	WRITE_ONCE(mm.compaction.boost[n], freed && freed < boost ? boost - freed : 0);
}

/* ---- a zone's marks, and compaction -------------------------------------------------------------- */

/* Between low and high it goes on if it has begun. */
static bool needs_pages(const struct zone *zone, bool *begun)
{
	uint64_t free = zone_free_pages(zone);
	bool low = free < READ_ONCE(*(READ_ONCE(*begun) ? &zone->mark.high : &zone->mark.low));

	if (low && !READ_ONCE(*begun))
		count_event(&mm_moves.balance_run);
	WRITE_ONCE(*begun, low);
	return low;
}

/* Pages free in pageblocks that are free in part. */
static RACY uint64_t free_in_parts(const struct zone *zone)
{
	uint64_t pages = 0;

	for (unsigned long n = zone->start >> pageblock_order; n < zone->end >> pageblock_order;
	     n++) {
		const struct pageblock *pb = &mm.pageblocks[n];
		unsigned long free;

		if (!section_is_open(n >> (SECTION_SHIFT - pageblock_order)) || pb_is_kept(pb))
			continue;
		free = READ_ONCE(pb->nr_free);
		pages += free < pageblock_nr_pages ? free : 0;
	}
	return pages;
}

/* One pageblock's pages at most. Returns how many were asked for. */
static RACY unsigned long compact_ahead(void)
{
	unsigned int proactiveness = mm_compaction_proactiveness();
	unsigned int least = proactiveness > 95 ? 5 : 100 - proactiveness;
	uint64_t free = 0, parts = 0, most = 0;
	uint8_t skip = READ_ONCE(mm.compaction.skip); /* once: other CPUs count it down, too */
	struct zone *zone, *worst = NULL;
	unsigned long moved;
	bool done;

	if (!proactiveness)
		return 0;
	if (skip) {
		WRITE_ONCE(mm.compaction.skip, (uint8_t)(skip - 1));
		return 0;
	}
	for_each_zone (zone) {
		uint64_t here = free_in_parts(zone);

		free += READ_ONCE(zone->nr_free);
		parts += here;
		if (here > most) {
			most = here;
			worst = zone;
		}
	}
	done = parts * 100 <=
	       free * (READ_ONCE(mm.compaction.ahead) || least >= 90 ? least : least + 10);
	if (!done && !READ_ONCE(mm.compaction.ahead))
		count_event(&mm_moves.daemon_wake);
	WRITE_ONCE(mm.compaction.ahead, !done);
	if (done)
		return 0;
	/* what is in use of one has room in the others if together they have a pageblock's pages */
	if (most < pageblock_nr_pages || !compact_pageblock(worst, &moved)) {
		WRITE_ONCE(mm.compaction.skip, COMPACT_SKIP);
		return 0;
	}
	return moved;
}

bool mm_balance_woken(void)
{
	const struct zone *zone;
	bool boosted = false;

	for_each_zone (zone)
		boosted |= zone_boost(zone) != 0;
	return boosted || READ_ONCE(mm.compaction.balance) != BALANCE_IDLE;
}

unsigned long mm_balance(void)
{
	unsigned long freed = 0, moved;
	uint64_t boost[MAX_NR_ZONES], mixed[MAX_NR_ZONES];
	uint32_t step = BALANCE_STEP;
	bool low = false;

	if (in_interrupt() || in_callback())
		return 0;
	WRITE_ONCE(mm.compaction.balance, BALANCE_STEP);
	for (unsigned int i = 0; i < MAX_NR_ZONES; i++) {
		/* first: what mixes now may be in the boost, too, and is not lost */
		mixed[i] = zone_mixed(&mm.zones[i]);
		boost[i] = zone_boost(&mm.zones[i]);
		low |= boost[i] != 0;
		if (mm.zones[i].managed)
			low |= needs_pages(&mm.zones[i], &mm.compaction.balancing[i]);
	}
	if (low)
		freed = shrink_all(GFP_KERNEL);
	for (unsigned int i = 0; i < MAX_NR_ZONES; i++)
		if (boost[i])
			lower_boost(i, mixed[i], boost[i], freed);
	moved = compact_ahead();
	count_events(&mm_moves.balance_freed, freed);
	count_events(&mm_moves.balance_moved, moved);
	if (freed + moved)
		WRITE_ONCE(mm.compaction.balance, BALANCE_WOKEN);
	else /* but for who has come meanwhile */
		__atomic_compare_exchange_n(&mm.compaction.balance, &step, BALANCE_IDLE, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return freed + moved;
}

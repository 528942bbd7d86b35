/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balance.c: what is done ahead of requests, a step a call (Linux: kswapd and kcompactd).
 *
 *   a zone below its low mark   the shrinkers are called once a step, until it is at its high mark
 *   free memory cut up          one pageblock is emptied a step: until 100 - vm.compaction_proactiveness
 *                               per cent of what is free, 5 at least, are of no use for requests of a
 *                               pageblock; from 10 more on, or from as many if 10 more are all
 *
 * A step that comes to nothing leaves compaction out for the next SKIP of them.
 */
#include <quarry/errno.h>
#include "migrate_internal.h"

#define SKIP	      64
#define PROACTIVENESS 20

unsigned int mm_compaction_proactiveness(void)
{
	return (unsigned int)(READ_ONCE(mm.compaction.proactiveness) + PROACTIVENESS);
}

int mm_set_compaction_proactiveness(unsigned int proactiveness)
{
	if (proactiveness > 100)
		return -EINVAL;
	WRITE_ONCE(mm.compaction.proactiveness, (int)proactiveness - PROACTIVENESS);
	WRITE_ONCE(mm.compaction.skip, 0);
	return 0;
}

/* Between low and high it goes on if it has begun. */
static bool needs_pages(const struct zone *zone, bool *begun)
{
	uint64_t free = zone_free_pages(zone);
	bool low = free < READ_ONCE(*(READ_ONCE(*begun) ? &zone->mark.high : &zone->mark.low));

	if (low && !READ_ONCE(*begun))
		count_event(&mm_moves.daemon_wake);
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
		WRITE_ONCE(mm.compaction.skip, SKIP);
		return 0;
	}
	return moved;
}

unsigned long mm_balance(void)
{
	unsigned long done = 0;
	bool low = false;

	if (in_interrupt() || in_callback())
		return 0;
	for (unsigned int i = 0; i < MAX_NR_ZONES; i++)
		if (mm.zones[i].managed)
			low |= needs_pages(&mm.zones[i], &mm.compaction.balancing[i]);
	if (low)
		done = shrink_all(GFP_KERNEL);
	return done + compact_ahead();
}

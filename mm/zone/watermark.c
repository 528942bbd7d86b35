/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watermark.c: how much of a zone is kept back, and from whom.
 *
 * Three marks per zone, Linux's arithmetic (admin-guide/sysctl/vm.rst): a request that may wait
 * stops at min, an urgent one goes below it by a half and, if it cannot wait, by a quarter of the
 * rest. A request that could use a higher zone also leaves lowmem_reserve[] of a lower one to
 * those who cannot.
 */
#include <errno.h>
#include "../alloc_context.h"
#include "../debug/hooks.h"
#include "zone_internal.h"

#define MIN_FREE_KBYTES_LOW  128
#define MIN_FREE_KBYTES_HIGH 262144
#define SCALE_FACTOR_MAX     3000 /* of 10000 */

/* Largest r with r * r <= x, but 2^19 - 1 at most: more than MIN_FREE_KBYTES_HIGH. */
static uint64_t isqrt(uint64_t x)
{
	uint64_t root = 0;

	for (uint64_t bit = (uint64_t)1 << 36; bit; bit >>= 2) {
		if (x >= root + bit) {
			x -= root + bit;
			root = (root >> 1) + bit;
		} else {
			root >>= 1;
		}
	}
	return root;
}

uint64_t mm_default_min_free_kbytes(uint64_t managed_pages)
{
	uint64_t kbytes = isqrt((managed_pages << (PAGE_SHIFT - 10)) * 16);

	return kbytes < MIN_FREE_KBYTES_LOW    ? MIN_FREE_KBYTES_LOW
	       : kbytes > MIN_FREE_KBYTES_HIGH ? MIN_FREE_KBYTES_HIGH
					       : kbytes;
}

void calc_watermarks(uint64_t managed, uint64_t total, uint64_t min_free_kbytes,
		     unsigned int scale_factor, struct mm_watermarks *mark)
{
	uint64_t pages_min = min_free_kbytes >> (PAGE_SHIFT - 10);
	uint64_t min = total ? pages_min * managed / total : 0;
	uint64_t step = min >> 2, scaled = managed * scale_factor / 10000;

	if (step < scaled)
		step = scaled;
	/* A word each: requests read them without a lock. */
	WRITE_ONCE(mark->min, min);
	WRITE_ONCE(mark->low, min + step);
	WRITE_ONCE(mark->high, min + 2 * step);
}

void calc_protection(unsigned int zone, unsigned int nr_zones, const uint64_t managed[],
		     unsigned int ratio, uint64_t protection[])
{
	uint64_t above = 0;

	for (unsigned int i = 0; i < nr_zones; i++) {
		if (i > zone)
			above += managed[i];
		WRITE_ONCE(protection[i], ratio ? above / ratio : 0);
	}
}

static uint64_t managed_pages(void)
{
	return mm.zones[ZONE_DMA32].managed + mm.zones[ZONE_NORMAL].managed;
}

/*
 * Several CPUs may set a sysctl at once. One that finds that another has begun meanwhile computes once
 * more, so the marks that stay are computed from what all have set.
 */
int setup_per_zone_wmarks(void)
{
	static uint32_t settings; /* made so far */
	/* Release: what was set before is seen by who sees the new number; acquire: the same of others. */
	uint32_t seen, now = __atomic_add_fetch(&settings, 1, __ATOMIC_ACQ_REL);
	uint64_t managed[MAX_NR_ZONES];

	do {
		seen = now;
		for (unsigned int i = 0; i < MAX_NR_ZONES; i++)
			managed[i] = mm.zones[i].managed;
		for (unsigned int i = 0; i < MAX_NR_ZONES; i++) {
			struct zone *zone = &mm.zones[i];

			calc_watermarks(managed[i], managed_pages(), READ_ONCE(mm.min_free_kbytes),
					READ_ONCE(mm.watermark_scale_factor), &zone->mark);
			calc_protection(i, MAX_NR_ZONES, managed,
					READ_ONCE(mm.lowmem_reserve_ratio[i]),
					zone->lowmem_reserve);
		}
		now = __atomic_load_n(&settings, __ATOMIC_ACQUIRE);
	} while (now != seen);
	return 0;
}

void init_per_zone_wmark_min(void)
{
	mm.min_free_kbytes = mm_default_min_free_kbytes(managed_pages());
	mm.watermark_scale_factor = 10;
	mm.lowmem_reserve_ratio[ZONE_DMA32] = 256;
	mm.lowmem_reserve_ratio[ZONE_NORMAL] = 32;
	setup_per_zone_wmarks();
}

/* ---- the check ----------------------------------------------------------------------------- */

/* What of a mark a request with these flags must leave. */
static inline uint64_t mark_for(unsigned int alloc_flags, uint64_t mark)
{
	if (alloc_flags & ALLOC_NO_WATERMARKS)
		return 0;
	if (alloc_flags & ALLOC_MIN_RESERVE) {
		mark -= mark / 2;
		if (alloc_flags & ALLOC_NON_BLOCK)
			mark -= mark / 4;
	}
	return mark;
}

/*
 * Pages free after the request that count for its mark. Free pages of the HIGHATOMIC pageblocks
 * count only for those who may use them.
 */
static inline RACY int64_t left_for(const struct zone *zone, const struct alloc_context *ac)
{
	uint64_t left = READ_ONCE(zone->nr_free) + 1;

	if (ac->alloc_flags & ALLOC_NO_WATERMARKS)
		return (int64_t)left;
	left -= (1UL << ac->order) + READ_ONCE(zone->lowmem_reserve[ac->highest]);
	if (!(ac->alloc_flags & (ALLOC_MIN_RESERVE | ALLOC_HIGHATOMIC)))
		left -= READ_ONCE(zone->nr_free_highatomic);
	return (int64_t)left;
}

/*
 * Is there a block for it? Parts of HIGHATOMIC pageblocks count for those who may have them, single
 * pages also for who cannot wait.
 */
static inline bool has_block(const struct zone *zone, const struct alloc_context *ac)
{
	unsigned int own =
		ALLOC_NO_WATERMARKS | ALLOC_HIGHATOMIC | (ac->order ? 0 : ALLOC_NON_BLOCK);

	return zone_has_block(zone, ac->order,
			      ac->order < pageblock_order && ac->alloc_flags & own);
}

uint64_t zone_shortfall(const struct zone *zone, const struct alloc_context *ac, uint64_t mark)
{
	int64_t missing = (int64_t)mark_for(ac->alloc_flags, mark) + 1 - left_for(zone, ac);

	return missing > 0 ? (uint64_t)missing : 0;
}

enum wmark_level zone_level(const struct zone *zone, const struct alloc_context *ac)
{
	int64_t left;

	if (!FOR_SPEED) /* the same by two calls, which is smaller */
		return FAULT_POINT() || zone_shortfall(zone, ac, READ_ONCE(zone->mark.min)) ||
				       !has_block(zone, ac)
			       ? WMARK_NO_LEVEL
		       : zone_shortfall(zone, ac, READ_ONCE(zone->mark.low)) ? WMARK_ABOVE_MIN
									     : WMARK_ABOVE_LOW;
	left = left_for(zone, ac);
	if (FAULT_POINT() ||
	    left <= (int64_t)mark_for(ac->alloc_flags, READ_ONCE(zone->mark.min)) ||
	    !has_block(zone, ac))
		return WMARK_NO_LEVEL;
	return left > (int64_t)mark_for(ac->alloc_flags, READ_ONCE(zone->mark.low))
		       ? WMARK_ABOVE_LOW
		       : WMARK_ABOVE_MIN;
}

/* ---- sysctls ------------------------------------------------------------------------------- */

uint64_t mm_min_free_kbytes(void)
{
	return READ_ONCE(mm.min_free_kbytes);
}

int mm_set_min_free_kbytes(uint64_t kbytes)
{
	if (kbytes >> (PAGE_SHIFT - 10) >= managed_pages())
		return -EINVAL;
	WRITE_ONCE(mm.min_free_kbytes, kbytes);
	return setup_per_zone_wmarks();
}

unsigned int mm_watermark_scale_factor(void)
{
	return READ_ONCE(mm.watermark_scale_factor);
}

int mm_set_watermark_scale_factor(unsigned int factor)
{
	if (factor < 1 || factor > SCALE_FACTOR_MAX)
		return -EINVAL;
	WRITE_ONCE(mm.watermark_scale_factor, factor);
	return setup_per_zone_wmarks();
}

unsigned int mm_lowmem_reserve_ratio(enum zone_type zone)
{
	return READ_ONCE(mm.lowmem_reserve_ratio[zone]);
}

int mm_set_lowmem_reserve_ratio(enum zone_type zone, unsigned int ratio)
{
	if (zone >= MAX_NR_ZONES)
		return -EINVAL;
	WRITE_ONCE(mm.lowmem_reserve_ratio[zone], ratio); /* 0: no protection */
	return setup_per_zone_wmarks();
}

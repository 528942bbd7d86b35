/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watermark.c: how much of a zone is kept back, and from which requests.
 *
 * Three marks per zone, Linux's arithmetic (admin-guide/sysctl/vm.rst): a request that may wait
 * stops at min, an urgent one goes below it by a half and, if it cannot wait, by a quarter of the
 * rest. A request that could use a higher zone also leaves lowmem_reserve[] of a lower one to
 * requests that could not.
 */
#include <quarry/errno.h>
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

/*@
  requires part <= total < 0x100000000 && pages < 0x100000000;
  assigns  \nothing;
  ensures  total == 0 ==> \result == 0;
  ensures  total > 0 ==> \result == pages * part / total;
  ensures  \result <= pages;
*/
static inline uint64_t share_of(uint64_t pages, uint64_t part, uint64_t total)
{
	return total ? pages * part / total : 0;
}

/*@
  requires managed <= total < 0x100000000;
  requires (min_free_kbytes >> (PAGE_SHIFT - 10)) < 0x100000000;
  requires scale_factor <= SCALE_FACTOR_MAX;
  requires \valid(mark);
  assigns  *mark;
  ensures  total > 0 ==> mark->min == (min_free_kbytes >> (PAGE_SHIFT - 10)) * managed / total;
  ensures  mark->low - mark->min >= managed * scale_factor / 10000;
  ensures  mark->low - mark->min >= mark->min / 4;
  ensures  mark->high - mark->low == mark->low - mark->min;
*/
void calc_watermarks(uint64_t managed, uint64_t total, uint64_t min_free_kbytes,
		     unsigned int scale_factor, struct mm_watermarks *mark)
{
	uint64_t min = share_of(min_free_kbytes >> (PAGE_SHIFT - 10), managed, total);
	/*@ assert managed * scale_factor <= 0xffffffff * SCALE_FACTOR_MAX; */
	uint64_t step = min / 4, scaled = managed * scale_factor / 10000;

	if (step < scaled)
		step = scaled;
	VM_BUG_ON(min + step < min || min + 2 * step < min + step);
	/* A word each: requests read them without a lock. */
	WRITE_ONCE(mark->min, min);
	WRITE_ONCE(mark->low, min + step);
	WRITE_ONCE(mark->high, min + 2 * step);
}

/*@
  requires zone < nr_zones && nr_zones <= MAX_NR_ZONES;
  requires \valid_read(managed + (0 .. nr_zones - 1)) && \valid(protection + (0 .. nr_zones - 1));
  requires \separated(managed + (0 .. nr_zones - 1), protection + (0 .. nr_zones - 1));
  requires \forall integer i; 0 <= i < nr_zones ==> managed[i] < 0x100000000;
  assigns  protection[0 .. nr_zones - 1];
  ensures  \forall integer i; 0 <= i <= zone ==> protection[i] == 0;
  ensures  ratio == 0 ==> \forall integer i; 0 <= i < nr_zones ==> protection[i] == 0;
  ensures  ratio > 0 && zone + 1 < nr_zones ==> protection[zone + 1] == managed[zone + 1] / ratio;
*/
void calc_protection(unsigned int zone, unsigned int nr_zones, const uint64_t managed[],
		     unsigned int ratio, uint64_t protection[])
{
	uint64_t above = 0;

	VM_BUG_ON(zone >= nr_zones);
	/*@
	  loop invariant i <= nr_zones;
	  loop invariant i <= zone + 1 ==> above == 0;
	  loop invariant i == zone + 2 ==> above == managed[zone + 1];
	  loop invariant above <= i * 0xffffffff;
	  loop invariant \forall integer j; 0 <= j < i && j <= zone ==> protection[j] == 0;
	  loop invariant ratio == 0 ==> \forall integer j; 0 <= j < i ==> protection[j] == 0;
	  loop invariant ratio > 0 && zone + 1 < i ==> protection[zone + 1] == managed[zone + 1] / ratio;
	  loop assigns i, above, protection[0 .. nr_zones - 1];
	  loop variant nr_zones - i;
	*/
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
 * Several CPUs may set a sysctl at once. One that finds that another has begun meanwhile computes
 * once more, so the marks that stay are computed from what all have set.
 */
int setup_per_zone_wmarks(void)
{
	static uint32_t settings; /* made so far, of any allocator */
	/*
	 * Release: a CPU that reads the new number sees what was set before. Acquire: this CPU sees
	 * what the others have set.
	 */
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

/*
 * Memory has come, at boot or late: min_free_kbytes is the default for all there is now, unless the
 * user has set it.
 */
int init_per_zone_wmark_min(void)
{
	if (!mm.watermark_scale_factor) { /* boot */
		mm.watermark_scale_factor = 10;
		mm.lowmem_reserve_ratio[ZONE_DMA32] = 256;
		mm.lowmem_reserve_ratio[ZONE_NORMAL] = 32;
	}
	if (!READ_ONCE(mm.user_min_free_kbytes))
		WRITE_ONCE(mm.min_free_kbytes, mm_default_min_free_kbytes(managed_pages()));
	return setup_per_zone_wmarks();
}

/* ---- the check ----------------------------------------------------------------------------- */

RACY bool zone_watermark_ok(struct alloc_context *ac, const struct zoneref *ref)
{
	/* Where an answer is two zonerefs long: no division, and one register. */
	struct zone_answer *answer =
		sizeof(*answer) == 2 * sizeof(*ref)
			? (void *)((char *)ac->answer +
				   2 * ((uintptr_t)ref - (uintptr_t)ac->zonerefs))
			: &ac->answer[ref - ac->zonerefs];
	const struct zone *zone = ref->zone;
	unsigned int flags = ac->alloc_flags;
	int64_t free = (int64_t)READ_ONCE(zone->nr_free), kept = 0, left = 0;
	int64_t cma = cma_serves(ac->gfp, ac->order)
			      ? (int64_t)READ_ONCE(nr_free_of(zone, MIGRATE_CMA))
			      : 0;
	int64_t highatomic = (int64_t)READ_ONCE(nr_free_of(zone, MIGRATE_HIGHATOMIC));
	/* With one of these flags a request may be served from HIGHATOMIC pageblocks. */
	unsigned int own = ac->order ? ALLOC_NO_WATERMARKS | ALLOC_HIGHATOMIC
				     : ALLOC_NO_WATERMARKS | ALLOC_HIGHATOMIC | ALLOC_NON_BLOCK;

	__asm__("" : "+r"(answer));
	VM_BUG_ON(answer != &ac->answer[ref - ac->zonerefs]);
	VM_BUG_ON(ac->order > MAX_PAGE_ORDER || ac->highest >= MAX_NR_ZONES);
	VM_BUG_ON(!zone || !zone_populated(zone) || zone > &mm.zones[ac->highest]);
	VM_BUG_ON(ref < ac->zonerefs || ref - ac->zonerefs >= MAX_NR_ZONES);
	if (!(flags & ALLOC_NO_WATERMARKS)) {
		kept = (int64_t)wmark_kept(flags, FOR_SPEED || flags & ALLOC_WMARK_MIN
							  ? READ_ONCE(zone->mark.min)
							  : READ_ONCE(zone->mark.low));
		left = free - (1L << ac->order) -
		       (int64_t)READ_ONCE(zone->lowmem_reserve[ac->highest]);
		if (flags & (ALLOC_MIN_RESERVE | ALLOC_HIGHATOMIC))
			left += highatomic;
		left += cma;
		if (dry_run(ac))
			left += (int64_t)answer->granted;
	}
	answer->free = (uint64_t)(free + highatomic + cma);
	answer->kept = (uint64_t)kept;
	answer->missing = left < kept ? (uint64_t)(kept - left) : 0;
	return left >= kept && !FAULT_POINT() &&
	       (zone_has_block(zone, ac->order, ac->order < pageblock_order && flags & own) ||
		(cma && READ_ONCE(zone->nonempty[MIGRATE_CMA]) >> ac->order));
}

/* ---- sysctls ------------------------------------------------------------------------------- */

/* A section of a recording; NULL: there is none. */
static inline struct record_call *record_sysctl(unsigned int sysctl, uint64_t value)
{
	return RECORDING ? record_enter(MM_RECORD_SYSCTL, sysctl, 0, value) : NULL;
}

static inline int set_wmarks(struct record_call *recorded, uint64_t value)
{
	int error = setup_per_zone_wmarks();

	record_end(recorded, value, 0);
	return error;
}

uint64_t mm_min_free_kbytes(void)
{
	return READ_ONCE(mm.min_free_kbytes);
}

int mm_set_min_free_kbytes(uint64_t kbytes)
{
	struct record_call *recorded;

	if (kbytes >> (PAGE_SHIFT - 10) >= managed_pages())
		return -EINVAL;
	recorded = record_sysctl(MM_RECORD_MIN_FREE_KBYTES, kbytes);
	WRITE_ONCE(mm.min_free_kbytes, kbytes);
	WRITE_ONCE(mm.user_min_free_kbytes, true);
	return set_wmarks(recorded, kbytes);
}

unsigned int mm_watermark_scale_factor(void)
{
	return READ_ONCE(mm.watermark_scale_factor);
}

int mm_set_watermark_scale_factor(unsigned int factor)
{
	struct record_call *recorded;

	if (factor < 1 || factor > SCALE_FACTOR_MAX)
		return -EINVAL;
	recorded = record_sysctl(MM_RECORD_WATERMARK_SCALE_FACTOR, factor);
	WRITE_ONCE(mm.watermark_scale_factor, factor);
	return set_wmarks(recorded, factor);
}

unsigned int mm_lowmem_reserve_ratio(enum zone_type zone)
{
	return READ_ONCE(mm.lowmem_reserve_ratio[zone]);
}

int mm_set_lowmem_reserve_ratio(enum zone_type zone, unsigned int ratio)
{
	struct record_call *recorded;

	if (zone >= MAX_NR_ZONES)
		return -EINVAL;
	recorded = record_sysctl(MM_RECORD_LOWMEM_RESERVE_RATIO + (unsigned int)zone, ratio);
	WRITE_ONCE(mm.lowmem_reserve_ratio[zone], ratio); /* 0: no protection */
	return set_wmarks(recorded, ratio);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * advice.c: what would make a refused request succeed: a drain, one flag, one sysctl, a lower
 * order.
 *
 * Each is tried by a dry run of the same request with it, and named only if that succeeds. Where a
 * sysctl would keep less, the dry run supposes so many more pages free in each zone. If none of
 * them helps, what is missing, and where, is all that can be said.
 */
#include <stdio.h>
#include "debug_internal.h"

static bool helps(const struct alloc_context *ac, gfp_t gfp, const uint64_t granted[])
{
	struct alloc_context with;

	return request_would_succeed(&with, gfp, ac->order, granted);
}

/* ---- drain_all_pages() --------------------------------------------------------------------- */

/*
 * Would the zone serve the request with all caches empty? What lies in HIGHATOMIC pageblocks would
 * stay there, so a zone that has pages of these in use or in caches is left out.
 */
static RACY bool zone_drained_helps(struct alloc_context *with, const struct zoneref *ref)
{
	struct zone *zone = ref->zone;
	struct zone_answer *answer = &with->answer[ref - with->zonerefs];
	unsigned long start, end;

	answer->granted = pcp_count_zone(zone);
	if (!answer->granted || zone->nr_highatomic != nr_free_of(zone, MIGRATE_HIGHATOMIC))
		return false;
	return zone_watermark_ok(with, ref) ||
	       (!answer->missing && remote_find(zone, with->order, NULL, &start, &end));
}

static bool drain_helps(const struct alloc_context *ac)
{
	struct alloc_context with = *ac;

	with.type = TAKE_NOTHING;
	for (const struct zoneref *ref = ac->zonerefs; ref->zone; ref++)
		if (zone_drained_helps(&with, ref))
			return true;
	return false;
}

/* ---- flags --------------------------------------------------------------------------------- */

static const char *flag_that_helps(const struct alloc_context *ac)
{
	static const struct {
		gfp_t set, clear;
		const char *text;
	} tries[] = {
		{__GFP_HIGH, 0, "__GFP_HIGH, which may use half of the min watermark"},
		{__GFP_RETRY_MAYFAIL, __GFP_NORETRY,
		 "__GFP_RETRY_MAYFAIL, which searches all caches to the end"},
		{0, __GFP_NORETRY,
		 "no __GFP_NORETRY, which leaves the HIGHATOMIC pageblocks to others"},
		{__GFP_DIRECT_RECLAIM, 0, "__GFP_DIRECT_RECLAIM, where the caller may wait"},
	};

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		gfp_t gfp = (ac->gfp | tries[i].set) & ~tries[i].clear;

		if (gfp != ac->gfp && helps(ac, gfp, NULL))
			return tries[i].text;
	}
	return NULL;
}

/* ---- sysctls ------------------------------------------------------------------------------- */

/* With vm.min_free_kbytes so small? */
static bool min_free_helps(const struct alloc_context *ac, uint64_t kbytes)
{
	uint64_t total = 0, granted[MAX_NR_ZONES] = {0};

	for (unsigned int i = 0; i < MAX_NR_ZONES; i++)
		total += mm.zones[i].managed;
	for (const struct zoneref *ref = ac->zonerefs; ref->zone; ref++) {
		const struct zone *zone = ref->zone;
		struct mm_watermarks mark;

		calc_watermarks(zone->managed, total, kbytes, READ_ONCE(mm.watermark_scale_factor),
				&mark);
		granted[ref - ac->zonerefs] =
			wmark_kept(ac->alloc_flags, READ_ONCE(zone->mark.min)) -
			wmark_kept(ac->alloc_flags, mark.min);
	}
	return helps(ac, ac->gfp, granted);
}

/* With this vm.lowmem_reserve_ratio for DMA32, the one zone that keeps something so? */
static bool reserve_ratio_helps(const struct alloc_context *ac, unsigned int ratio)
{
	uint64_t managed[MAX_NR_ZONES], protection[MAX_NR_ZONES], granted[MAX_NR_ZONES] = {0};

	for (unsigned int i = 0; i < MAX_NR_ZONES; i++)
		managed[i] = mm.zones[i].managed;
	calc_protection(ZONE_DMA32, MAX_NR_ZONES, managed, ratio, protection);
	for (const struct zoneref *ref = ac->zonerefs; ref->zone; ref++)
		if (ref->zone == &mm.zones[ZONE_DMA32])
			granted[ref - ac->zonerefs] =
				READ_ONCE(ref->zone->lowmem_reserve[ac->highest]) -
				protection[ac->highest];
	return helps(ac, ac->gfp, granted);
}

/* Half of the present value, a quarter, .. 0. */
static bool advise_min_free(const struct alloc_context *ac, char *buf, size_t size)
{
	uint64_t now = READ_ONCE(mm.min_free_kbytes), kbytes = now;

	if (!now || !min_free_helps(ac, 0))
		return false;
	do
		kbytes /= 2;
	while (kbytes &&
	       !min_free_helps(ac, kbytes)); /* 0 was seen to help; by now it may not any more */
	snprintf(buf, size, "sysctl vm.min_free_kbytes=%llu (now %llu)", (unsigned long long)kbytes,
		 (unsigned long long)now);
	return true;
}

/* A larger ratio keeps less, 0 nothing: twice the present one, four times, .. 0. */
static bool advise_reserve_ratio(const struct alloc_context *ac, char *buf, size_t size)
{
	unsigned int now = READ_ONCE(mm.lowmem_reserve_ratio[ZONE_DMA32]);
	unsigned int normal = READ_ONCE(mm.lowmem_reserve_ratio[ZONE_NORMAL]), ratio = now;

	if (!ratio || !reserve_ratio_helps(ac, 0))
		return false;
	do
		ratio *= 2; /* 0 when it wraps */
	while (ratio && !reserve_ratio_helps(ac, ratio));
	snprintf(buf, size, "sysctl vm.lowmem_reserve_ratio=%u %u (now %u %u)", ratio, normal, now,
		 normal);
	return true;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static bool advise_order(const struct alloc_context *ac, char *buf, size_t size)
{
	struct alloc_context with;

	for (unsigned int order = ac->order; order--;) {
		if (!request_would_succeed(&with, ac->gfp, order, NULL))
			continue;
		snprintf(buf, size, "order %u instead", order);
		return true;
	}
	return false;
}

/* Nothing that can be set helps: what memory would have to be free. */
static void missing_text(const struct alloc_context *ac, char *buf, size_t size)
{
	size_t used = 0;

	for (const struct zoneref *ref = ac->zonerefs; ref->zone && used < size; ref++) {
		uint64_t missing = ac->answer[ref - ac->zonerefs].missing;
		const char *comma = ref == ac->zonerefs ? "" : ", ";

		if (missing)
			used += (size_t)snprintf(buf + used, size - used, "%s%llu pages in zone %s",
						 comma, (unsigned long long)missing,
						 zone_name(ref->zone));
		else
			used += (size_t)snprintf(buf + used, size - used,
						 "%sa free block of order %u in zone %s", comma,
						 ac->order, zone_name(ref->zone));
	}
}

void emit_advice(const struct alloc_context *ac, void (*emit)(const char *line))
{
	char text[128], line[160];
	const char *advice = text, *flag = NULL, *what = "would help";

	if (drain_helps(ac)) {
		advice = "drain, the pages of all caches back to the zones";
	} else if ((flag = flag_that_helps(ac)) != NULL) {
		advice = flag;
	} else if (!advise_min_free(ac, text, sizeof(text)) &&
		   !advise_reserve_ratio(ac, text, sizeof(text)) &&
		   !advise_order(ac, text, sizeof(text))) {
		what = "missing";
		missing_text(ac, text, sizeof(text));
	}
	snprintf(line, sizeof(line), "  %s: %s", what, advice);
	emit(line);
}

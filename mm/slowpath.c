/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slowpath.c: what is tried, stage by stage, before a request is refused.
 *
 * No zone has what the request needs above what it must leave. It looks at the pages in caches;
 * if it may wait, lets shrinkers free something; and at last takes back a HIGHATOMIC pageblock.
 * Each stage either serves the request or changes nothing, so that a refused request leaves the
 * allocator as it was.
 */
#include <errno.h>
#include "internal.h"

/* Rounds of shrinkers that free something but not enough. */
#define ROUNDS_DEFAULT 4
#define ROUNDS_MAYFAIL 16

/* Objects a shrinker is asked for in one round. */
#define SHRINK_BATCH 128

static struct shrinker *shrinkers;
static struct low_memory_notifier *notifiers;

static const char *const stage_names[NR_MM_STAGES] = {
	[MM_STAGE_SLOW] = "slow",
	[MM_STAGE_ASSEMBLE] = "assemble",
	[MM_STAGE_DRAIN] = "drain",
	[MM_STAGE_RECLAIM] = "reclaim",
	[MM_STAGE_HIGHATOMIC] = "highatomic",
	[MM_STAGE_FAIL] = "fail",
};

const char *mm_stage_name(enum mm_stage stage)
{
	return stage_names[stage];
}

/* ---- callbacks ----------------------------------------------------------------------------- */

/*
 * Both lists change in thread context only, and callbacks run in thread context only; a CPU that
 * runs callbacks holds the lists still for the others.
 */
static struct spinlock callbacks_lock;

static bool callbacks_enter(bool wait)
{
	struct mm_pcpu *cpu = port_pcpu();
	unsigned int spins = 0;

	if (cpu->in_reclaim || cpu->irq_depth)
		return false;
	while (!spin_trylock(&callbacks_lock)) {
		if (!wait)
			return false;
		mm_ipi(); /* the holder's callbacks may be waiting for this CPU's caches */
		spin_relax(&spins);
	}
	cpu->in_reclaim = 1;
	return true;
}

static void callbacks_exit(void)
{
	spin_unlock(&callbacks_lock);
	port_pcpu()->in_reclaim = 0;
}

/* The lists change only while no callback runs: not from within one. */
static bool list_lock(void)
{
	return callbacks_enter(true);
}

int register_shrinker(struct shrinker *shrinker)
{
	int error = 0;

	if (!list_lock())
		return -EBUSY;
	for (struct shrinker *s = shrinkers; s; s = s->next)
		if (s == shrinker)
			error = -EEXIST;
	if (!error) {
		shrinker->next = shrinkers;
		shrinkers = shrinker;
	}
	callbacks_exit();
	return error;
}

int unregister_shrinker(struct shrinker *shrinker)
{
	struct shrinker **s = &shrinkers;
	int error = -ENOENT;

	if (!list_lock())
		return -EBUSY;
	while (*s && *s != shrinker)
		s = &(*s)->next;
	if (*s) {
		*s = shrinker->next;
		error = 0;
	}
	callbacks_exit();
	return error;
}

int register_low_memory_notifier(struct low_memory_notifier *notifier)
{
	int error = 0;

	if (!list_lock())
		return -EBUSY;
	for (struct low_memory_notifier *n = notifiers; n; n = n->next)
		if (n == notifier)
			error = -EEXIST;
	if (!error) {
		notifier->next = notifiers;
		notifiers = notifier;
	}
	callbacks_exit();
	return error;
}

int unregister_low_memory_notifier(struct low_memory_notifier *notifier)
{
	struct low_memory_notifier **n = &notifiers;
	int error = -ENOENT;

	if (!list_lock())
		return -EBUSY;
	while (*n && *n != notifier)
		n = &(*n)->next;
	if (*n) {
		*n = notifier->next;
		error = 0;
	}
	callbacks_exit();
	return error;
}

bool notifiers_due(const struct alloc_context *ac)
{
	return notifiers && ac->gfp & __GFP_DIRECT_RECLAIM;
}

/* Asks every shrinker once; returns the objects freed. */
static unsigned long shrink_all(gfp_t gfp)
{
	unsigned long freed = 0;

	if (!callbacks_enter(true))
		return 0;
	for (struct shrinker *s = shrinkers; s; s = s->next) {
		struct shrink_control control = {.gfp_mask = gfp};
		unsigned long count = s->count_objects(s, &control);

		if (!count || count == SHRINK_EMPTY || count == SHRINK_STOP)
			continue;
		control.nr_to_scan = count < SHRINK_BATCH ? count : SHRINK_BATCH;
		control.nr_scanned = control.nr_to_scan;
		count = s->scan_objects(s, &control);
		if (count != SHRINK_STOP)
			freed += count;
	}
	callbacks_exit();
	__atomic_fetch_add(&mm.stats.shrunk, freed, __ATOMIC_RELAXED);
	return freed;
}

/*
 * Below low once, above high once: in between nothing is said, so a zone at the mark does not
 * chatter.
 */
void mm_idle(void)
{
	struct zone *zone;

	if (!notifiers || !callbacks_enter(false))
		return;
	for_each_zone (zone) {
		bool low = zone->low ? zone->nr_free < zone->mark.high
				     : zone->nr_free < zone->mark.low;

		if (!zone->managed || low == zone->low)
			continue;
		zone->low = low;
		for (struct low_memory_notifier *n = notifiers; n; n = n->next)
			n->notify(n, (enum zone_type)(zone - mm.zones), low);
	}
	callbacks_exit();
}

/* ---- stages -------------------------------------------------------------------------------- */

/*
 * May this request wait? In an interrupt it may not, and asking for it is a mistake worth a
 * count.
 */
static bool may_wait(const struct alloc_context *ac)
{
	const struct mm_pcpu *cpu = port_pcpu();

	if (!(ac->gfp & __GFP_DIRECT_RECLAIM) || cpu->in_reclaim)
		return false;
	if (cpu->irq_depth) {
		count_event(&mm.stats.might_sleep);
		return false;
	}
	return true;
}

static struct page *try_all_stages(const struct alloc_context *ac)
{
	struct page *page = get_page_from_freelist(ac);

	if (page)
		return page;
	count_event(&mm.stats.stage[MM_STAGE_ASSEMBLE]);
	return get_page_from_caches(ac);
}

/* Other CPUs give back what the request lacks. */
static struct page *try_remote(const struct alloc_context *ac)
{
	struct page *page = NULL;

	for (const struct zone_choice *choice = ac->choices; choice->zone && !page; choice++) {
		unsigned long cached = pcp_count_zone(choice->zone);

		if (!cached ||
		    zone_watermark(choice->zone, ac, choice->zone->mark.min, cached) != WMARK_OK)
			continue;
		if (FAULT_POINT() || !remote_assemble(choice->zone, ac->order, ac->type))
			continue;
		count_event(&mm.stats.stage[MM_STAGE_DRAIN]);
		/* All cached pages count as free: the marks are not asked again for these few. */
		page = get_page_given_back(ac, choice);
	}
	return page;
}

bool highatomic_would_serve(const struct alloc_context *ac, const struct zone *zone, uint64_t free)
{
	enum wmark_verdict verdict;

	if (!free)
		return false;
	/* Those who may use the reserves count these pages as free already. */
	if (!(ac->alloc_flags & (ALLOC_MIN_RESERVE | ALLOC_HIGHATOMIC)))
		return zone_watermark(zone, ac, zone->mark.min, free) == WMARK_OK;
	verdict = zone_watermark(zone, ac, zone->mark.min, 0);
	return verdict == WMARK_OK || verdict == WMARK_NO_BLOCK; /* the block is theirs */
}

/* Would giving up a HIGHATOMIC pageblock serve the request? Then one is given up. */
static struct page *take_highatomic(const struct alloc_context *ac)
{
	struct page *page = NULL;

	count_event(&mm.stats.stage[MM_STAGE_HIGHATOMIC]);
	for (const struct zone_choice *choice = ac->choices; choice->zone && !page; choice++) {
		struct zone *zone = choice->zone;
		unsigned long flags = port_irq_save(), free;
		bool done = false;

		spin_lock(&zone->lock);
		free = highatomic_peek(zone, ac->order);
		if (highatomic_would_serve(ac, zone, free))
			done = highatomic_unreserve(zone, ac->order, ac->type);
		spin_unlock(&zone->lock);
		port_irq_restore(flags);
		FAULT_CERTAIN(true);
		if (done)
			page = get_page_from_freelist(ac);
		FAULT_CERTAIN(false);
	}
	return page;
}

struct page *alloc_pages_slowpath(struct alloc_context *ac)
{
	bool wait = may_wait(ac);
	unsigned int rounds = !wait					       ? 0
			      : ac->gfp & __GFP_NORETRY			       ? 1
			      : ac->gfp & (__GFP_RETRY_MAYFAIL | __GFP_NOFAIL) ? ROUNDS_MAYFAIL
									       : ROUNDS_DEFAULT;
	struct page *page;

	count_event(&mm.stats.stage[MM_STAGE_ASSEMBLE]);
	page = get_page_from_caches(ac);
	if (!page && wait && !remote_alone())
		page = try_remote(ac);
	while (!page && rounds--) {
		count_event(&mm.stats.stage[MM_STAGE_RECLAIM]);
		if (!shrink_all(ac->gfp))
			break;
		page = try_all_stages(ac);
	}
	/* What is kept for who cannot wait goes to who can, not to who gives up early. */
	if (!page && wait && !(ac->gfp & __GFP_NORETRY))
		page = take_highatomic(ac);
	if (!page && ac->gfp & __GFP_NOFAIL) {
		ac->alloc_flags |= ALLOC_NO_WATERMARKS;
		page = try_all_stages(ac);
	}
	if (page)
		return page;
	count_event(&mm.stats.stage[MM_STAGE_FAIL]);
	count_event(&mm.stats.alloc_failed);
	report_refusal(ac->gfp, ac->order, NULL);
	if (ac->gfp & __GFP_NOFAIL)
		port_panic("a __GFP_NOFAIL request for order %u cannot be served", ac->order);
	return NULL;
}

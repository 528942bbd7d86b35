/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slowpath.c: what is tried, stage by stage, before a request is refused.
 *
 * No zone has what the request needs above what it must leave, nor do the newest blocks of this
 * CPU's caches complete it. If it may wait, all CPUs' caches are searched (where there are other
 * CPUs, or with __GFP_RETRY_MAYFAIL or __GFP_NOFAIL), shrinkers free something, and at last a
 * HIGHATOMIC pageblock is taken back. Each stage either serves the request or changes nothing, so
 * that a refused request leaves the allocator as it was.
 */
#include <errno.h>
#include "alloc_internal.h"

/* Rounds of shrinkers that free something but not enough. */
#define ROUNDS_DEFAULT 4
#define ROUNDS_MAYFAIL 16

/* What was given back for a request, an interrupt or another CPU may take: then once more. */
#define GIVEN_BACK_TRIES 3

/* Objects a shrinker is asked for in one round. */
#define SHRINK_BATCH 128

/* ---- callbacks ----------------------------------------------------------------------------- */

void *mm_callbacks[NR_CALLBACKS];

/*
 * Both lists change in thread context only, and callbacks run in thread context only, one thread's at
 * a time: that one, mm.callbacks_thread, holds the lists still for the others.
 */
static bool callbacks_enter(bool wait)
{
	const void *nobody = NULL;
	unsigned int spins = 0;

	if (in_interrupt() || in_callback())
		return false;
	/* Acquire, paired with the release in callbacks_exit(): the lists are seen as they are. */
	while (!__atomic_compare_exchange_n(&mm.callbacks_thread, &nobody, port_thread(), false,
					    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		if (!wait)
			return false;
		nobody = NULL;
		mm_ipi(); /* the holder's callbacks may be waiting for this CPU's caches */
		spin_relax(&spins);
	}
	return true;
}

static void callbacks_exit(void)
{
	__atomic_store_n(&mm.callbacks_thread, NULL, __ATOMIC_RELEASE);
}

/* Add an entry to a list, or remove it: while no callback runs, so not from within one. */
static int list_change(unsigned int list, void *entry, bool add)
{
	typedef void *__attribute__((may_alias)) link; /* a `next` of either type */
	size_t next = list == SHRINKERS ? offsetof(struct shrinker, next)
					: offsetof(struct low_memory_notifier, next);
	link *here = &mm_callbacks[list], *entry_next = (link *)(void *)((char *)entry + next);
	int error = 0;

	if (!callbacks_enter(true))
		return -EBUSY;
	while (*here && *here != entry)
		here = (link *)(void *)((char *)*here + next);
	if (add != !*here) {
		error = add ? -EEXIST : -ENOENT;
	} else if (add) {
		*entry_next = mm_callbacks[list];
		WRITE_ONCE(mm_callbacks[list], entry); /* is there any: asked without a lock */
	} else {
		WRITE_ONCE(*here, *entry_next);
	}
	callbacks_exit();
	return error;
}

int register_shrinker(struct shrinker *shrinker)
{
	return list_change(SHRINKERS, shrinker, true);
}

int unregister_shrinker(struct shrinker *shrinker)
{
	return list_change(SHRINKERS, shrinker, false);
}

int register_low_memory_notifier(struct low_memory_notifier *notifier)
{
	return list_change(NOTIFIERS, notifier, true);
}

int unregister_low_memory_notifier(struct low_memory_notifier *notifier)
{
	return list_change(NOTIFIERS, notifier, false);
}

/* Asks every shrinker once; returns the objects freed. */
static unsigned long shrink_all(gfp_t gfp)
{
	unsigned long freed = 0;

	if (!callbacks_enter(true))
		return 0;
	for (struct shrinker *s = mm_callbacks[SHRINKERS]; s; s = s->next) {
		struct shrink_control control = {.gfp_mask = gfp};
		unsigned long count = s->count_objects(s, &control);

		if (!count || count >= SHRINK_EMPTY) /* or SHRINK_STOP */
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

/* Is so little free that the zone counts as low? Once it does, until it is above high. */
static RACY bool zone_is_low(const struct zone *zone)
{
	return READ_ONCE(zone->nr_free) <
	       READ_ONCE(*(zone->low ? &zone->mark.high : &zone->mark.low));
}

/*
 * Below low once, above high once: in between nothing is said, so a zone at the mark does not
 * chatter.
 */
void mm_idle(void)
{
	struct zone *zone = mm.zones;

	if (!READ_ONCE(mm_callbacks[NOTIFIERS]) || !callbacks_enter(false))
		return;
	for (enum zone_type type = 0; type < MAX_NR_ZONES; type++, zone++) {
		bool low = zone_is_low(zone);

		if (!zone->managed || low == zone->low)
			continue;
		zone->low = low;
		for (struct low_memory_notifier *n = mm_callbacks[NOTIFIERS]; n; n = n->next)
			n->notify(n, type, low);
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
	if (!(ac->gfp & __GFP_DIRECT_RECLAIM) || in_callback())
		return false;
	if (in_interrupt()) {
		count_event(&mm.stats.might_sleep);
		return false;
	}
	return true;
}

/*
 * The CPUs give back what the request lacks. All caches are searched or, if not, a bounded part of
 * other CPUs'. Interrupts are let in.
 */
static struct page *try_all_caches(const struct alloc_context *ac, bool all)
{
	struct scan_budget budget = SCAN_BUDGET_OTHERS;
	struct page *page = NULL;

	for (const struct zoneref *ref = ac->zonerefs; ref->zone && !page; ref++) {
		struct zone *zone = ref->zone;
		unsigned long cached = pcp_count_zone(zone), flags;
		unsigned int tries = GIVEN_BACK_TRIES;

		if (!cached || zone_shortfall(zone, ac, READ_ONCE(zone->mark.min)) > cached ||
		    FAULT_POINT())
			continue;
		while (!page && tries-- &&
		       remote_assemble(zone, ac->order, ac->type, all ? NULL : &budget)) {
			count_event(&mm.stats.stage[MM_STAGE_DRAIN]);
			flags = port_irq_save();
			FAULT_CERTAIN(true);
			/* All cached pages count as free: the marks are not asked again for these few. */
			page = rmqueue(ac, ref);
			FAULT_CERTAIN(false);
			port_irq_restore(flags);
		}
	}
	return page;
}

bool highatomic_would_serve(const struct alloc_context *ac, const struct zone *zone, uint64_t free)
{
	/* Those who may use the reserves count these pages as free already: the block is theirs. */
	bool own = ac->alloc_flags & (ALLOC_MIN_RESERVE | ALLOC_HIGHATOMIC);

	return free && zone_shortfall(zone, ac, READ_ONCE(zone->mark.min)) <= (own ? 0 : free);
}

/* Would giving up a HIGHATOMIC pageblock serve the request? Then one is given up. */
static struct page *take_highatomic(const struct alloc_context *ac)
{
	struct page *page = NULL;

	count_event(&mm.stats.stage[MM_STAGE_HIGHATOMIC]);
	for (const struct zoneref *ref = ac->zonerefs; ref->zone && !page; ref++) {
		struct zone *zone = ref->zone;
		unsigned long flags = port_irq_save();
		bool done;

		spin_lock(&zone->lock);
		done = highatomic_would_serve(ac, zone, highatomic_peek(zone, ac->order)) &&
		       highatomic_unreserve(zone, ac->order, ac->type);
		spin_unlock(&zone->lock);
		port_irq_restore(flags);
		FAULT_CERTAIN(true);
		if (done)
			page = get_page_from_freelist(ac);
		FAULT_CERTAIN(false);
	}
	return page;
}

/* After something has changed. */
static struct page *try_again(const struct alloc_context *ac, bool all_caches)
{
	struct page *page = get_page_from_freelist(ac);

	return page || !all_caches ? page : try_all_caches(ac, true);
}

struct page *alloc_pages_slowpath(struct alloc_context *ac)
{
	bool wait = may_wait(ac), alone = remote_alone();
	bool thorough = ac->gfp & (__GFP_RETRY_MAYFAIL | __GFP_NOFAIL);
	unsigned int rounds = ac->gfp & __GFP_NORETRY ? 1
			      : thorough	      ? ROUNDS_MAYFAIL
						      : ROUNDS_DEFAULT;
	struct page *page = NULL;

	/* Who may not wait cannot ask other CPUs, but may search the caches of the only one. */
	if (alone ? thorough : wait)
		page = try_all_caches(ac, thorough);
	if (wait) {
		while (!page && rounds--) {
			count_event(&mm.stats.stage[MM_STAGE_RECLAIM]);
			if (!shrink_all(ac->gfp))
				break;
			page = try_again(ac, thorough);
		}
		/* What is kept for who cannot wait goes to who can, not to who gives up early. */
		if (!page && !(ac->gfp & __GFP_NORETRY))
			page = take_highatomic(ac);
	}
	if (!page && ac->gfp & __GFP_NOFAIL) {
		ac->alloc_flags |= ALLOC_NO_WATERMARKS;
		page = try_again(ac, wait || alone);
	}
	if (!page) {
		count_event(&mm.stats.stage[MM_STAGE_FAIL]);
		count_event(&mm.stats.alloc_failed);
		report_refusal(ac->gfp, ac->order, NULL);
	}
	return page;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shrinker.c: the callbacks of others: shrinkers, which give memory back when a request finds none,
 * and low-memory notifiers, which hear of a zone that runs low.
 */
#include <quarry/errno.h>
#include "alloc_internal.h"

/* Objects a shrinker is asked for in one round. */
#define SHRINK_BATCH 128

DEFINE_STATE(mm_callbacks);

/*
 * Both lists change in thread context only, and callbacks run in thread context only, one thread's
 * at a time: that one, mm.callbacks_thread, holds the lists still for the others.
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

#if CONFIG_DEBUG_HOOKS
uint32_t callbacks_there(void)
{
	return (mm_callbacks[SHRINKERS] ? MM_RECORD_HAS_SHRINKERS : 0) |
	       (mm_compact_direct ? MM_RECORD_HAS_MOVABLE : 0);
}
#endif

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
	if (RECORDING && list == SHRINKERS)
		record_note(MM_RECORD_CALLBACKS, 0, 0, callbacks_there());
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
unsigned long shrink_all(gfp_t gfp)
{
	unsigned long freed = 0;

	if (RECORDING)
		record_pause();
	if (!callbacks_enter(true))
		return RECORDING ? record_resume(0) : 0;
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
	count_events(&mm.stats.shrunk, freed);
	return RECORDING ? record_resume((uint32_t)freed) : freed;
}

/* Is so little free that the zone counts as low? Once it does, until it is above high. */
static RACY bool zone_is_low(const struct zone *zone)
{
	return zone_free_pages(zone) < READ_ONCE(*(zone->low ? &zone->mark.high : &zone->mark.low));
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

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shrinker.h: callbacks that give memory back when a request finds none (Linux:
 * linux/shrinker.h), and callbacks that hear of a zone running low.
 */
#ifndef QUARRY_SHRINKER_H
#define QUARRY_SHRINKER_H

#include <quarry/cdefs.h>
#include <quarry/gfp.h>
#include <quarry/mmzone.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

struct shrink_control {
	gfp_t gfp_mask;
	unsigned long nr_to_scan; /* objects to try to free */
	unsigned long nr_scanned; /* objects looked at; the callback may change it */
};

#define SHRINK_STOP  (~0UL)	/* scan_objects: nothing can be freed now */
#define SHRINK_EMPTY (~0UL - 1) /* count_objects: there is nothing at all */

/*
 * Callbacks that give memory back (Linux: linux/shrinker.h). They run in the context of a request
 * that may wait and found nothing, never in an interrupt, never inside each other; what they
 * allocate themselves may use all reserves and calls no shrinker.
 */
struct shrinker {
	unsigned long (*count_objects)(struct shrinker *shrinker, struct shrink_control *control);
	unsigned long (*scan_objects)(struct shrinker *shrinker, struct shrink_control *control);
	const char *name;
	struct shrinker *next; /* mm's */
};
/*
 * register_shrinker(), unregister_shrinker() - the structure stays the caller's, and where it is,
 * until it is unregistered. A thread that a host moves to another CPU while a callback runs needs
 * port_thread() (port.h).
 *
 * Context: boot or thread, not from a callback; waits until no callback runs.
 * Bound:   linear in what is registered.
 * Return:  0; -EEXIST, -ENOENT nothing has changed; -EBUSY from within a callback or an interrupt.
 * Source:  Linux include/linux/shrinker.h.
 */
int register_shrinker(struct shrinker *shrinker);
int unregister_shrinker(struct shrinker *shrinker);

/*
 * Called when a zone falls below its low watermark, and again when it is above high: firmware can
 * shed load before it is refused. Limits as for shrinkers; it runs at the end of a request that
 * may wait and did not find its page in the cache, served (zeroed, then) or not, and in mm_idle().
 */
struct low_memory_notifier {
	void (*notify)(struct low_memory_notifier *notifier, enum zone_type zone, bool low);
	struct low_memory_notifier *next; /* mm's */
};
/*
 * register_low_memory_notifier(), unregister_low_memory_notifier() - the same for notifiers.
 *
 * Context: boot or thread, not from a callback; waits until no callback runs.
 * Bound:   linear in what is registered.
 * Return:  as register_shrinker().
 */
int register_low_memory_notifier(struct low_memory_notifier *notifier);
int unregister_low_memory_notifier(struct low_memory_notifier *notifier);

/*
 * mm_idle() - for the idle loop: runs the notifiers that are due.
 *
 * Context: thread; in an interrupt, or while another thread's callbacks run, it does nothing.
 * Bound:   zones x notifiers, and their own.
 */
void mm_idle(void);

MM_END_DECLS

#endif

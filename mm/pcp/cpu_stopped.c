/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu_stopped.c: a CPU that a fault has stopped leaves the allocator, so that the others can go on:
 * nobody waits for it any more. If it may have been inside mm/, its caches are left as they are,
 * and what it holds of locks is looked at from outside.
 */
#include <quarry/errno.h>

#include "../check_walk.h"
#include "../debug/hooks.h"
#include "pcp_internal.h"

/* A CPU that holds a lock has let go of it long before it was looked at so often. */
#define LOOKS 1000000

DEFINE_STATE(pcp_left_behind);

/* Does whoever has the lock now let go of it? A place in line is lost and holds nobody up. */
static RACY bool lock_passes(const struct spinlock *lock)
{
	uint64_t acquired = READ_ONCE(lock->acquired);
	unsigned int spins = 0;

	for (unsigned int looks = 0; looks < LOOKS; looks++) {
		if (!atomic_load_explicit(&lock->locked, memory_order_relaxed) ||
		    READ_ONCE(lock->acquired) != acquired)
			return true;
		spin_relax(&spins);
	}
	return false;
}

/*
 * Does the CPU that posts a request to the others get done? It does not wait for this one any more.
 */
static bool request_passes(void)
{
	uint32_t newest = remote_newest();
	unsigned int spins = 0;

	for (unsigned int looks = 0; looks < LOOKS; looks++) {
		if (!atomic_load_explicit(&remote_request.busy, memory_order_relaxed) ||
		    remote_newest() != newest)
			return true;
		spin_relax(&spins);
	}
	return false;
}

static bool all_locks_pass(void)
{
	const struct zone *zone;

	for_each_zone (zone)
		if (!lock_passes(&zone->lock))
			return false;
#if CONFIG_DEBUG_HOOKS
	if (!lock_passes(hook_trace_lock()) || !lock_passes(hook_record_lock()))
		return false;
#endif
	return request_passes();
}

/* What is in its caches stays there: mm_check() knows of it. */
static unsigned long leave_behind(const struct mm_pcpu *cpu)
{
	unsigned long pages = 0;

	for (unsigned int i = 0; i < NR_PCPS; i++) {
		const struct per_cpu_pages *pcp = &cpu->cache[i];
		unsigned int order = i / NR_PCP_CLASSES;

		for (struct page **slot = pcp->base; slot && slot < pcp->top;) {
			unsigned long index = (unsigned long)(*++slot - mm.memmap);
			struct cached *cached = &pcp_left_behind[pcp->zone];

			pages += 1UL << order;
			count_events(&cached->pages, 1UL << order);
			count_events(&cached->sum, hash_mix(index, order));
		}
	}
	return pages;
}

long mm_cpu_stopped(bool masked)
{
	struct mm_pcpu *cpu = port_pcpu();
	unsigned long pages;

	if (!masked) {
		mm_cpu_offline();
		return 0;
	}
	/* Where it is in a section no other CPU gets any further, and no call is recorded. */
	if (RECORDING && lock_passes(hook_record_lock()))
		record_note(MM_RECORD_OTHER, 0, 0, MM_RECORD_CPU);
	pages = leave_behind(cpu);
	cpu->online = 0;
	set_area(cpu->cpu, NULL);
	return all_locks_pass() ? (long)pages : -EDEADLK;
}

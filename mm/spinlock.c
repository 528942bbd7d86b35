/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spinlock.c: waiting for a lock that another CPU holds.
 */
#ifdef __OPTIMIZE_SIZE__ /* where size counts, spin_lock() and spin_unlock() are here */
#define SPIN_LOCK_BODIES
#endif
#include "spinlock.h"

static unsigned long draw_ticket(struct spinlock *lock)
{
	return atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);
}

/* Of two tickets: 2^64 are never drawn, 2^32 are. */
static bool later(unsigned long one, unsigned long other)
{
	return sizeof(one) == 8 ? one > other : (long)(one - other) > 0;
}

/* From the first in line, who has this ticket, to the next; false: somebody did that before. */
static bool move_on(struct spinlock *lock, unsigned long ticket)
{
	return atomic_compare_exchange_strong_explicit(&lock->head, &ticket, ticket + 1,
						       memory_order_relaxed, memory_order_relaxed);
}

/* Relaxed throughout but where `locked` is taken: the line orders no memory. */
void spin_lock_wait(struct spinlock *lock)
{
	unsigned long ticket = draw_ticket(lock), seen = 0;

	/* looks: since the line or the lock moved */
	for (unsigned int looks = 0;; looks++) {
		unsigned long head = atomic_load_explicit(&lock->head, memory_order_relaxed);
		unsigned long locked = atomic_load_explicit(&lock->locked, memory_order_relaxed);

		if (later(head, ticket)) /* this CPU did not run, and lost its place */
			ticket = draw_ticket(lock);
		if (seen != (head << 1 | locked)) {
			seen = head << 1 | locked;
			looks = 0;
		}
		if (!locked && head == ticket) {
			/* Acquire, as in spin_lock_fast(). */
			if (!atomic_exchange_explicit(&lock->locked, 1, memory_order_acquire))
				break;
		} else if (looks % SPINS_PER_YIELD == SPINS_PER_YIELD - 1) {
			if (locked) /* and the holder does not run */
				port_yield();
			else if (move_on(lock, head)) /* the first in line does not */
				atomic_fetch_add_explicit(&lock->overtaken, 1,
							  memory_order_relaxed);
		}
		port_relax();
	}
	move_on(lock, ticket); /* if nobody has: this CPU was first until it had the lock */
	lock->acquired++;
}

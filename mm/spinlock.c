/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spinlock.c: waiting for a lock that another CPU holds.
 */
#ifdef __OPTIMIZE_SIZE__ /* where size counts, spin_lock() and spin_unlock() are here */
#define SPIN_LOCK_BODIES
#endif
#include "spinlock.h"

/* A port that knows no better. */
__attribute__((weak, visibility("default"))) void port_yield(void)
{
}

void spin_lock_wait(struct spinlock *lock, uint32_t ticket)
{
	unsigned int spins = 0;

	do
		spin_relax(&spins);
	while (atomic_load_explicit(&lock->owner, memory_order_acquire) != ticket);
	spin_lock_count(&lock->contended);
	spin_lock_count(&lock->acquired);
}

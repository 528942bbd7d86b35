/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spinlock.h: a ticket lock: first come, first served, so a CPU waits for at most the holders before
 * it. It masks no interrupts; callers that need it do so before.
 */
#ifndef QUARRY_MM_SPINLOCK_H
#define QUARRY_MM_SPINLOCK_H

#include <stdatomic.h>
#include <quarry/port.h>

struct spinlock {
	_Atomic uint32_t next;	/* the next ticket to hand out */
	_Atomic uint32_t owner; /* the ticket being served */
	uint64_t acquired;	/* times taken; written by the holder only */
};

static inline void spin_lock_init(struct spinlock *lock)
{
	atomic_init(&lock->next, 0);
	atomic_init(&lock->owner, 0);
	lock->acquired = 0;
}

static inline void spin_lock(struct spinlock *lock)
{
	/* Relaxed: taking a ticket orders nothing; the acquire load of owner below does. */
	uint32_t ticket = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);

	/* Acquire, paired with the release in spin_unlock(): the last holder's writes are seen. */
	while (atomic_load_explicit(&lock->owner, memory_order_acquire) != ticket)
		port_relax();
	lock->acquired++;
}

static inline void spin_unlock(struct spinlock *lock)
{
	uint32_t owner = atomic_load_explicit(&lock->owner, memory_order_relaxed);

	/* Release: what was written under the lock comes before the next holder's acquire. */
	atomic_store_explicit(&lock->owner, owner + 1, memory_order_release);
}

#endif

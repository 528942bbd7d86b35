/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spinlock.h: a ticket lock: first come, first served, so a CPU waits for at most the holders
 * before it. It masks no interrupts; callers that need it do so before.
 */
#ifndef QUARRY_MM_SPINLOCK_H
#define QUARRY_MM_SPINLOCK_H

#include <stdatomic.h>
#include <quarry/port.h>
#include <quarry/vm_debug.h>

#define SPINS_PER_YIELD 256 /* longer than any holder takes while it runs */

struct spinlock {		/* all zero: unlocked */
	_Atomic uint32_t next;	/* the next ticket to hand out */
	_Atomic uint32_t owner; /* the ticket being served */
	/* figures, written by the holder alone and read by anyone */
	uint64_t acquired;  /* times taken */
	uint64_t contended; /* of these, times that had to wait */
#if CONFIG_DEBUG_VM
	struct mm_pcpu *holder; /* the CPU that has it, NULL if none */
#endif
};

/* CONFIG_DEBUG_VM: which CPU has the lock. A CPU that takes a lock it has waits for ever. */
static inline __attribute__((always_inline)) void spin_lock_note(struct spinlock *lock, bool held)
{
#if CONFIG_DEBUG_VM
	__atomic_store_n(&lock->holder, held ? port_pcpu() : (struct mm_pcpu *)0, __ATOMIC_RELAXED);
#else
	(void)lock;
	(void)held;
#endif
}

/* Has this CPU the lock? Only for assertions: true where CONFIG_DEBUG_VM is 0. */
static inline bool spin_lock_held(const struct spinlock *lock)
{
#if CONFIG_DEBUG_VM
	return __atomic_load_n(&lock->holder, __ATOMIC_RELAXED) == port_pcpu();
#else
	(void)lock;
	return true;
#endif
}

/* Relaxed: figures order nothing. */
static inline __attribute__((always_inline)) void spin_lock_count(uint64_t *figure)
{
	__atomic_store_n(figure, *figure + 1, __ATOMIC_RELAXED);
}

/* Between two looks at what another CPU will change; *spins counts them. */
static inline void spin_relax(unsigned int *spins)
{
	port_relax();
	if (++*spins % SPINS_PER_YIELD == 0)
		port_yield();
}

#pragma GCC visibility push(hidden)

/* Wait until a ticket is served, and count that the lock was taken. */
void spin_lock_wait(struct spinlock *lock, uint32_t ticket);

/* Takes the lock if it is free. */
static inline bool spin_trylock(struct spinlock *lock)
{
	/* Acquire, as in spin_lock(). */
	uint32_t owner = atomic_load_explicit(&lock->owner, memory_order_acquire);

	/*
	 * Relaxed: if the ticket being served is the next to be handed out, nobody holds the lock.
	 */
	if (!atomic_compare_exchange_strong_explicit(&lock->next, &owner, owner + 1,
						     memory_order_relaxed, memory_order_relaxed))
		return false;
	spin_lock_count(&lock->acquired);
	spin_lock_note(lock, true);
	return true;
}

/*
 * Copies where speed counts; where size does, one of each, in the file that defines
 * SPIN_LOCK_BODIES (spinlock.c).
 */
#ifdef __OPTIMIZE_SIZE__
#define SPIN_INLINE
void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);
#else
#define SPIN_INLINE static inline
#define SPIN_LOCK_BODIES
#endif

#ifdef SPIN_LOCK_BODIES
SPIN_INLINE void spin_lock(struct spinlock *lock)
{
	/* Relaxed: taking a ticket orders nothing; the acquire load of owner below does. */
	uint32_t ticket;

	VM_BUG_ON(CONFIG_DEBUG_VM && port_pcpu() && spin_lock_held(lock));
	ticket = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);
	/* Acquire, paired with the release in spin_unlock(): the last holder's writes are seen. */
	if (atomic_load_explicit(&lock->owner, memory_order_acquire) != ticket)
		spin_lock_wait(lock, ticket);
	else
		spin_lock_count(&lock->acquired);
	spin_lock_note(lock, true);
}

SPIN_INLINE void spin_unlock(struct spinlock *lock)
{
	uint32_t owner = atomic_load_explicit(&lock->owner, memory_order_relaxed);

	VM_BUG_ON(!spin_lock_held(lock));
	VM_BUG_ON(owner == atomic_load_explicit(&lock->next, memory_order_relaxed));
	spin_lock_note(lock, false);
	/* Release: what was written under the lock comes before the next holder's acquire. */
	atomic_store_explicit(&lock->owner, owner + 1, memory_order_release);
}
#endif

#pragma GCC visibility pop
#endif

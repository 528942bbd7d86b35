/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spinlock.h: a spinlock with a line: first come, first served, among CPUs that run.
 *
 * The lock is one word. A CPU that finds it free and nobody in line takes it by one exchange. Any
 * other draws a ticket, and the first in line takes the word when it is free. The line says who
 * may try next and no more: whoever has changed the word from 0 to 1 has the lock, so a place in
 * line may be lost. It is lost by a CPU that does not take a free lock for as long as others look
 * SPINS_PER_YIELD times: a hypervisor or a host has stopped it there, and nobody waits for it. It
 * draws a new ticket when it runs again. docs/smp.md says what that bounds.
 *
 * The lock masks no interrupts; callers that need it do so before.
 */
#ifndef QUARRY_MM_SPINLOCK_H
#define QUARRY_MM_SPINLOCK_H

#include <stdatomic.h>
#include <quarry/port.h>
#include <quarry/vm_debug.h>

#define SPINS_PER_YIELD 256 /* longer than any holder takes while it runs */

struct spinlock {		    /* all zero: unlocked */
	_Atomic uint32_t locked;    /* 1: a CPU has it */
	_Atomic uint32_t overtaken; /* places in line that were lost */
	/* The next ticket to draw, and so the times that CPUs had to wait. Tickets may wrap. */
	_Atomic unsigned long next;
	_Atomic unsigned long head; /* that of the first in line; next: nobody is in line */
	unsigned long acquired;	    /* times taken: a figure, the holder's alone to write */
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

/* Between two looks at what another CPU will change; *spins counts them. */
static inline void spin_relax(unsigned int *spins)
{
	port_relax();
	if (++*spins % SPINS_PER_YIELD == 0)
		port_yield();
}

#pragma GCC visibility push(hidden)

/* Wait in line for the lock, take it, and count that. */
void spin_lock_wait(struct spinlock *lock);

/* Takes the lock if it is free and nobody is in line. */
static inline __attribute__((always_inline)) bool spin_lock_fast(struct spinlock *lock)
{
	/*
	 * Relaxed: a CPU that draws a ticket just now came later. Acquire, paired with the release
	 * in spin_unlock(): the last holder's writes are seen.
	 */
	if (atomic_load_explicit(&lock->next, memory_order_relaxed) !=
		    atomic_load_explicit(&lock->head, memory_order_relaxed) ||
	    atomic_exchange_explicit(&lock->locked, 1, memory_order_acquire))
		return false;
	lock->acquired++;
	return true;
}

static inline bool spin_trylock(struct spinlock *lock)
{
	if (!spin_lock_fast(lock))
		return false;
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
	VM_BUG_ON(CONFIG_DEBUG_VM && (uintptr_t)port_pcpu() && spin_lock_held(lock));
	if (__builtin_expect(!spin_lock_fast(lock), 0))
		spin_lock_wait(lock);
	spin_lock_note(lock, true);
}

SPIN_INLINE void spin_unlock(struct spinlock *lock)
{
	VM_BUG_ON(!spin_lock_held(lock));
	VM_BUG_ON(!atomic_load_explicit(&lock->locked, memory_order_relaxed));
	spin_lock_note(lock, false);
	/* Release: what was written under the lock comes before the next holder's acquire. */
	atomic_store_explicit(&lock->locked, 0, memory_order_release);
}
#endif

#pragma GCC visibility pop
#endif

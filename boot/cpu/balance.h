/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balance.h: what idle CPUs do for the page allocator: mm_balance(), a step at a time. A CPU that waits for
 * work, and the console that waits for a key, call balance_step() while mm_balance_woken() says that a
 * request has found too little.
 */
#ifndef BOOT_BALANCE_H
#define BOOT_BALANCE_H

#include <stdbool.h>

/*
 * balance_due() - is there work, and does no other CPU do it? balance_step() - one step of it, then
 * this CPU's caches go back, if it is not CPU 0; false: there was none. Context: thread; interrupts
 * masked, or not; not masked.
 */
bool balance_due(void);
bool balance_step(void);

/* balance_pass_on() - this CPU gets other work: if there are steps left, another one that is idle wakes. Context: any. */
void balance_pass_on(void);

/* balance_let_go() - the CPU, by its number, has stopped for good, maybe in a step. Context: any. */
void balance_let_go(unsigned int cpu);

/*
 * balance_hold(true) - from now on no CPU does any, until as many balance_hold(false): for tests,
 * benchmarks and what compares states. It waits for a step that is under way. Context: thread.
 */
void balance_hold(bool on);

#endif

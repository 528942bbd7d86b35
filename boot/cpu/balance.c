/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balance.c: see balance.h. One CPU at a time balances: the work is about all of memory, not about a
 * CPU's own.
 */
#include "boot/cpu/balance.h"

#include <quarry/mm.h>
#include <quarry/port.h>

#include "boot/cpu/smp.h"
#include "mm/spinlock.h"

static unsigned int holds;
static uint32_t busy; /* the CPU that is in a step, and 1 */

bool balance_due(void)
{
	return mm_balance_woken() && !__atomic_load_n(&holds, __ATOMIC_SEQ_CST) &&
	       !__atomic_load_n(&busy, __ATOMIC_SEQ_CST);
}

bool balance_step(void)
{
	uint32_t nobody = 0;
	bool done = false;

	if (!balance_due() ||
	    !__atomic_compare_exchange_n(&busy, &nobody, port_pcpu()->cpu + 1, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return false;
	/* after `busy`, as balance_hold() looks at both the other way round */
	if (!__atomic_load_n(&holds, __ATOMIC_SEQ_CST)) {
		mm_balance();
		done = true;
	}
	if (done && port_pcpu()->cpu)
		mm_cpu_idle();
	__atomic_store_n(&busy, 0, __ATOMIC_SEQ_CST);
	if (done && !port_pcpu()->cpu)
		balance_pass_on(); /* the console works again as soon as a key comes */
	return done;
}

void balance_let_go(unsigned int cpu)
{
	uint32_t stopped = cpu + 1;

	__atomic_compare_exchange_n(&busy, &stopped, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void balance_pass_on(void)
{
	if (balance_due())
		port_balance(); /* who asks for pages wakes nobody a second time */
}

void balance_hold(bool on)
{
	unsigned int spins = 0;

	__atomic_add_fetch(&holds, on ? 1U : -1U, __ATOMIC_SEQ_CST);
	while (on && __atomic_load_n(&busy, __ATOMIC_SEQ_CST)) {
		mm_ipi(); /* it may be waiting for this CPU's caches */
		spin_relax(&spins);
	}
	balance_pass_on(); /* who was woken meanwhile waits again */
}

/* The first CPU that waits for work; if there is none, the console finds it when it waits. */
void port_balance(void)
{
	unsigned int self = port_pcpu()->cpu;

	for (unsigned int n = 1; n < smp_nr_cpus(); n++) {
		if (n == self || !smp_online(n) || !smp_finished(n))
			continue;
		port_kick(n);
		return;
	}
}

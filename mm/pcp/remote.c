/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * remote.c: asking other CPUs to give back what lies in their caches.
 *
 * A cache belongs to its CPU: nobody else touches it. So a CPU that needs a page from another's
 * cache posts a request and kicks the others (port_kick()); each gives back its blocks that lie
 * in the range asked for, in interrupt context, and acknowledges. One request is posted at a
 * time. Whoever waits, for its turn or for acknowledgements, serves requests meanwhile, so that
 * two CPUs with interrupts masked cannot wait for each other.
 */
#include "pcp_internal.h"

static struct {
	_Atomic uint32_t busy;	   /* a CPU posts, or waits for acknowledgements */
	_Atomic uint32_t sequence; /* of the newest request */
	unsigned long index, end;  /* descriptors asked for */
} request;

void mm_ipi(void)
{
	struct mm_pcpu *cpu = port_pcpu();
	/*
	 * Masked: a thread that serves must not be overtaken by an interrupt that serves a newer
	 * request.
	 */
	unsigned long flags = port_irq_save();
	/* Acquire, paired with the release in post(): the request is seen whole. */
	uint32_t sequence = atomic_load_explicit(&request.sequence, memory_order_acquire);

	if (__atomic_load_n(&cpu->acknowledged, __ATOMIC_RELAXED) != sequence) {
		pcp_give_back_range(cpu, request.index, request.end);
		pcp_sync_limits(cpu);
		pcp_sync_hooks(cpu);
		/*
		 * Release, paired with the acquire in post(): what was given back is seen by who
		 * asked.
		 */
		__atomic_store_n(&cpu->acknowledged, sequence, __ATOMIC_RELEASE);
	}
	port_irq_restore(flags);
}

struct mm_pcpu *next_other_cpu(unsigned int c)
{
	for (; c < end_cpu(); c++) {
		struct mm_pcpu *cpu = __atomic_load_n(&mm.pcpu[c], __ATOMIC_ACQUIRE);

		if (cpu && cpu != port_pcpu())
			return cpu;
	}
	return NULL;
}

static void post(unsigned long index, unsigned long end)
{
	struct mm_pcpu *self = port_pcpu(), *other;
	unsigned int spins = 0;
	uint32_t sequence;

	/* Acquire: the last poster's request is over. */
	while (atomic_exchange_explicit(&request.busy, 1, memory_order_acquire)) {
		mm_ipi();
		spin_relax(&spins);
	}
	request.index = index;
	request.end = end;
	sequence = atomic_load_explicit(&request.sequence, memory_order_relaxed) + 1;
	__atomic_store_n(&self->acknowledged, sequence, __ATOMIC_RELAXED);
	/* Release: index and end before the sequence that announces them. */
	atomic_store_explicit(&request.sequence, sequence, memory_order_release);
	atomic_thread_fence(memory_order_seq_cst); /* see mm_cpu_online() */
	pcp_give_back_range(self, index, end);
	for_each_other_cpu (other)
		port_kick(other->cpu);
	/* A CPU that goes offline meanwhile, and is not found again, has given all back. */
	for (unsigned int c = 0; (other = next_other_cpu(c));) {
		c = other->cpu;
		if (__atomic_load_n(&other->acknowledged, __ATOMIC_ACQUIRE) == sequence)
			c++;
		else
			spin_relax(&spins);
	}
	/* Release: the request is not written again before everyone has served it. */
	atomic_store_explicit(&request.busy, 0, memory_order_release);
}

void remote_give_back_all(void)
{
	if (!remote_alone())
		post(0, NIL32);
}

bool remote_find(const struct zone *zone, unsigned int order, struct scan_budget *budget,
		 unsigned long *start, unsigned long *end)
{
	struct mm_pcpu *cpu;

	/* All go on meanwhile: what is seen here may be gone when they are asked. */
	for_each_other_cpu (cpu)
		if (pcp_find_block(cpu, zone, order, budget, start, end))
			return true;
	return !budget && pcp_find_block(port_pcpu(), zone, order, NULL, start, end);
}

bool remote_assemble(struct zone *zone, unsigned int order, enum migratetype type,
		     struct scan_budget *budget)
{
	unsigned long start, end, flags;

	if (!remote_find(zone, order, budget, &start, &end))
		return false;
	if (remote_alone())
		pcp_give_back_range(port_pcpu(), start, end);
	else
		post(start, end);
	flags = port_irq_save();
	pcp_complete(zone, NULL, 0, start, end, type);
	port_irq_restore(flags);
	return true;
}

void mm_cpu_idle(void)
{
	unsigned long flags = port_irq_save();

	mm_ipi();
	pcp_give_back_all();
	port_irq_restore(flags);
}

void mm_cpu_online(struct mm_pcpu *cpu)
{
	/* It holds nothing, so it need not serve requests made before. */
	__atomic_store_n(&cpu->acknowledged,
			 atomic_load_explicit(&request.sequence, memory_order_relaxed),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&mm.pcpu[cpu->cpu], cpu, __ATOMIC_RELEASE);
	for (unsigned int end = end_cpu(); end <= cpu->cpu;)
		__atomic_compare_exchange_n(&mm.end_cpu, &end, cpu->cpu + 1, true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED);
	/*
	 * One posted in between: its poster either sees this CPU and kicks it, or is seen here.
	 * Each has written before it looks, which the fences on both sides keep in that order.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	mm_ipi();
}

void mm_cpu_offline(void)
{
	struct mm_pcpu *cpu = port_pcpu();
	unsigned long flags = port_irq_save();

	pcp_give_back_all();
	__atomic_store_n(&mm.pcpu[cpu->cpu], NULL, __ATOMIC_RELEASE);
	port_irq_restore(flags);
}

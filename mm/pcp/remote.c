/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * remote.c: all CPUs' caches together: CPUs that come and go, and blocks in another CPU's cache.
 *
 * A cache belongs to its CPU: no other CPU changes it. A CPU that needs cached blocks of the others
 * posts a request for a range of memory and kicks the other CPUs (port_kick()). Each of them serves it
 * in its interrupt: it gives back its cached blocks in that range and acknowledges the request. It does
 * so in pieces, an interrupt for each, so that others are let in between: the CPU that waits kicks it
 * again for the next. One request is posted at a time. A CPU that waits, for its
 * turn to post or for the acknowledgements, serves requests meanwhile, so that two CPUs with interrupts
 * masked cannot wait for each other.
 */
#include "pcp_internal.h"

DEFINE_STATE(remote_request);

/* Of the CPUs from number c on, the first that is online; NULL: none. */
static struct mm_pcpu *next_cpu(unsigned int c)
{
	struct mm_pcpu *cpu = NULL;

	for (; c < end_cpu() && !cpu; c++)
		cpu = __atomic_load_n(&mm.pcpu[c], __ATOMIC_ACQUIRE);
	return cpu;
}

struct mm_pcpu *next_other_cpu(unsigned int c)
{
	struct mm_pcpu *cpu = next_cpu(c);

	return cpu == port_pcpu() ? next_cpu(cpu->cpu + 1) : cpu;
}

/* ---- requests ------------------------------------------------------------------------------- */

static inline struct give_back_request *the_request(void)
{
	struct give_back_request *request = &remote_request;

	__asm__("" : "+r"(request)); /* one pointer, not an address to calculate for each access */
	return request;
}

/*
 * This CPU serves a piece of what is asked of the area that port_pcpu() returns; interrupts are masked. Returns
 * whether more is asked. Its place is of the request that it has not acknowledged: no other is posted before.
 */
static inline __attribute__((always_inline)) bool serve(struct mm_pcpu *cpu)
{
	struct give_back_request *request = the_request();
	bool more = false;
	/* Acquire, paired with the release in remote_give_back(): the request is seen whole. */
	uint32_t sequence = atomic_load_explicit(&request->sequence, memory_order_acquire);

	if (__atomic_load_n(&cpu->acknowledged, __ATOMIC_RELAXED) != sequence) {
		if (RECORDING)
			record_enter(MM_RECORD_SERVE, 0, 0, 0);
		more = pcp_give_back_step(cpu, &cpu->place, request->start, request->end);
		if (!more) {
			if (request->end == NIL32) /* as mm_set_pcp_high() asks */
				pcp_sync_limits();
			pcp_sync_hooks();
			/* Release, paired with the acquire in remote_give_back(): the poster sees what was given back. */
			__atomic_store_n(&cpu->acknowledged, sequence, __ATOMIC_RELEASE);
		}
		if (RECORDING)
			record_done(MM_RECORD_SERVE, 0);
	}
	/* Whatever was asked: the kick may have been for a request that is over. */
	__atomic_store_n(&request->kicked[cpu->cpu], 0, __ATOMIC_RELAXED);
	return more;
}

/* Returns whether a thread has more to do: in an interrupt the rest waits for the next kick. */
static inline __attribute__((always_inline)) bool serve_piece(void)
{
	/*
	 * Masked: else an interrupt could serve a newer request while a thread serves this one, and
	 * the thread would acknowledge the older one last; nor must the thread be moved to another CPU.
	 */
	unsigned long flags = port_irq_save();
	struct mm_pcpu *here = port_pcpu();
	bool more = serve(here);

#if QUARRY_INSTANCES > 1
	/* Of the other allocators too, where this CPU is online; unless its number is not known yet. */
	for (unsigned int i = 0; i < QUARRY_INSTANCES && here->cache; i++) {
		struct mm_pcpu *other =
			__atomic_load_n(&mm_of_instance[i].pcpu[here->cpu], __ATOMIC_ACQUIRE);

		if (!other || other == here)
			continue;
		port_set_pcpu(other);
		more |= serve(other);
		port_set_pcpu(here);
	}
#endif
	more = more && !here->irq_depth;
	port_irq_restore(flags);
	return more;
}

void mm_ipi(void)
{
	while (serve_piece()) /* interrupts are let in, unless the caller has masked them */
		;
}

/* While this CPU waits others go on with what is recorded. Apart, as it costs remote_give_back() a register. */
MM_APART void let_in(bool on)
{
	if (RECORDING && on)
		record_pause();
	else if (RECORDING)
		record_resume(0);
}

/* Have they? Those that have not are kicked, where no kick is on its way. Apart, so that less stack is in use in mm_ipi(). */
MM_APART bool all_acknowledge(struct give_back_request *request, uint32_t sequence)
{
	struct mm_pcpu *cpu;
	bool all = true;

	/* A CPU that goes offline meanwhile is not found again: it has given back all its blocks. */
	for (unsigned int c = 0; (cpu = next_cpu(c)); c = cpu->cpu + 1) {
		if (__atomic_load_n(&cpu->acknowledged, __ATOMIC_ACQUIRE) == sequence)
			continue;
		all = false;
		if (__atomic_load_n(&request->kicked[cpu->cpu], __ATOMIC_RELAXED))
			continue;
		/* The word first: the CPU clears it after the kick. */
		__atomic_store_n(&request->kicked[cpu->cpu], 1, __ATOMIC_RELAXED);
		port_kick(cpu->cpu);
	}
	return all;
}

/*
 * A host may move the thread from one CPU to another at any step. So this CPU serves the request as the
 * others do, by mm_ipi(), and those that have not served by then are kicked, whichever this one is.
 */
static inline __attribute__((always_inline)) void ask_all(unsigned long start, unsigned long end)
{
	struct give_back_request *request;
	unsigned int spins = 0;
	bool posted = false;
	uint32_t sequence = 0;

	VM_BUG_ON(start >= end);
	/* Interrupts are let in here; what comes to the caches until mm_ipi() is little. */
	pcp_give_back_range(start, end);
	atomic_thread_fence(memory_order_seq_cst); /* what the caller set; see mm_cpu_online() */
	if (remote_alone())
		return;

	request = the_request();
	let_in(true);
	for (;; spin_relax(&spins)) {
		mm_ipi();
		if (!posted) {
			/* Acquire: the last poster's request is over. */
			posted = !atomic_exchange_explicit(&request->busy, 1, memory_order_acquire);
			if (!posted)
				continue;
			let_in(false);
			request->start = start;
			request->end = end;
			/* Release: start and end before the sequence that announces them. */
			sequence = 1 + atomic_fetch_add_explicit(&request->sequence, 1,
								 memory_order_release);
			atomic_thread_fence(memory_order_seq_cst); /* see mm_cpu_online() */
			let_in(true);
			continue;
		}
		if (all_acknowledge(request, sequence))
			break;
	}
	let_in(false);
	/* Release: the request is not written again before each CPU has served it. */
	atomic_store_explicit(&request->busy, 0, memory_order_release);
}

MM_APART void end_give_back(void)
{
	if (RECORDING)
		record_done(MM_RECORD_GIVE_BACK, 0);
}

void remote_give_back(unsigned long start, unsigned long end)
{
	if (RECORDING)
		record_enter(MM_RECORD_GIVE_BACK, 0, 0, (uint64_t)start << 32 | end);
	ask_all(start, end);
	end_give_back();
}

/* ---- blocks in all CPUs' caches -------------------------------------------------------------- */

unsigned long pcp_count_zone(const struct zone *zone)
{
	unsigned int orders;
	unsigned long count = pcp_count_orders(port_pcpu(), zone, &orders);
	const struct mm_pcpu *cpu;

	for_each_other_cpu (cpu)
		count += pcp_count_orders(cpu, zone, &orders);
	return count;
}

bool remote_find(const struct zone *zone, unsigned int order, struct scan_budget *budget,
		 unsigned long *start, unsigned long *end)
{
	const struct mm_pcpu *cpu;

	/* All CPUs go on meanwhile: the range may be none any more when they are asked for it. */
	for_each_other_cpu (cpu)
		if (pcp_find_range(cpu, zone, order, budget, start, end))
			return true;
	return !budget && pcp_find_range(port_pcpu(), zone, order, NULL, start, end);
}

bool remote_assemble(struct zone *zone, unsigned int order, enum migratetype type,
		     struct scan_budget *budget)
{
	unsigned long start, end, flags;

	if (!remote_find(zone, order, budget, &start, &end))
		return false;
	if (type == TAKE_NOTHING)
		return true;
	remote_give_back(start, end);
	flags = port_irq_save();
	pcp_complete(zone, NULL, 0, start, end, type);
	port_irq_restore(flags);
	return true;
}

unsigned long drain_all_pages(void)
{
	struct record_call *recorded = record_begin(MM_RECORD_DRAIN, 0, 0);
	unsigned long drained = pcp_give_back_all();
	struct zone *zone;

	remote_give_back(0, NIL32);
	for_each_zone (zone) {
		bool more;

		do { /* a step: one HIGHATOMIC pageblock that is free as a whole */
			unsigned long flags = port_irq_save();

			spin_lock(&zone->lock);
			more = highatomic_unreserve(zone, pageblock_order, 0, MIGRATE_MOVABLE);
			spin_unlock(&zone->lock);
			port_irq_restore(flags);
		} while (more);
	}
	record_end(recorded, drained, 0);
	return drained;
}

unsigned long mm_pcp_high(void)
{
	unsigned long flags = port_irq_save(), high = 0; /* one CPU's caches, as they are now */
	const struct per_cpu_pages *pcp = port_pcpu()->cache;

	for (unsigned int i = 0; i < NR_PCP_CLASSES; i++, pcp++)
		if ((unsigned long)(pcp->limit - pcp->base) > high)
			high = (unsigned long)(pcp->limit - pcp->base);
	port_irq_restore(flags);
	return high;
}

unsigned long mm_set_pcp_high(unsigned long pages)
{
	struct record_call *recorded =
		RECORDING ? record_enter(MM_RECORD_PCP_HIGH, 0, 0, pages) : NULL;

	WRITE_ONCE(mm.pcp_high, pages);
	drain_all_pages(); /* with which the other CPUs take over the limit */
	pcp_sync_limits();
	record_end(recorded, pages, 0);
	return mm_pcp_high();
}

/* ---- CPUs that come and go ------------------------------------------------------------------ */

uint32_t remote_newest(void)
{
	return atomic_load_explicit(&remote_request.sequence, memory_order_relaxed);
}

void mm_cpu_online(struct mm_pcpu *cpu)
{
	VM_BUG_ON(cpu != port_pcpu() || cpu->cpu >= CONFIG_NR_CPUS);
	cpu->trust = pcp_trust();
	cpu->kmem = (struct kmem_cpu *)mm.kmem; /* its first member: no objects */
	/* Its caches are empty: it need not serve the requests made before. */
	__atomic_store_n(&cpu->acknowledged, remote_newest(), __ATOMIC_RELAXED);
	cpu->place = (struct mm_drain_place){0};
	cpu->online = 1;
	if (RECORDING)
		record_note(MM_RECORD_OTHER, 0, 0, MM_RECORD_CPU);
	set_area(cpu->cpu, cpu);
	for (unsigned int end = end_cpu(); end <= cpu->cpu;)
		__atomic_compare_exchange_n(&mm.end_cpu, &end, cpu->cpu + 1, true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED);
	/*
	 * A request may be posted just now, or hooks and limits set. Either that CPU sees this one, and
	 * kicks it, or this one sees what is new: each of them writes before it reads, and the fences on
	 * both sides keep that order. Limits are the caller's.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	mm_ipi();
	pcp_sync_hooks();
}

void mm_cpu_idle(void)
{
	struct record_call *recorded;
	unsigned long flags, given;
	const struct zone *zone;
	long left = 0;
	unsigned int orders;

	for_each_zone (zone)
		left += (long)pcp_count_orders(port_pcpu(), zone, &orders);
	/* Interrupts are let in between two steps; so many steps, however much they cache again. */
	for (; left > 0 && (given = drain_some_pages()); left -= (long)given)
		;
	flags = port_irq_save(); /* the rest is what they have left */
	mm_ipi();
	recorded = record_begin(MM_RECORD_IDLE, 0, 0);
	pcp_give_back_all();
	record_end(recorded, 0, 0);
	port_irq_restore(flags);
}

void mm_cpu_offline(void)
{
	unsigned long flags = port_irq_save();
	struct mm_pcpu *cpu = port_pcpu();

	cpu->online = 0;
	if (RECORDING)
		record_note(MM_RECORD_OTHER, 0, 0, MM_RECORD_CPU);
	pcp_sync_limits(); /* the caches give all back and hold nothing from now on */
	VM_BUG_ON(pcp_hold(&mm.zones[0], 0) || pcp_hold(&mm.zones[1], 0));
	set_area(cpu->cpu, NULL);
	port_irq_restore(flags);
}

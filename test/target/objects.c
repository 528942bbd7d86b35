/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * objects.c: see objects.h. A step takes a random slot of its CPU's: an empty one gets an object, a full one's is
 * verified and freed, or swapped through an exchange that all share for one that another CPU has allocated.
 *
 * An object's first word says where it is and whose; an object with two owners shows there, and a second
 * free of it is refused.
 */
#include "test/target/objects.h"

#include <errno.h>
#include <quarry/port.h>
#include <quarry/slab.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/cpu/smp.h"
#include "drivers/irqchip/irq.h"
#include "drivers/timer/timer.h"
#include "pool.h"

#define SLOTS	  256
#define IRQ_SLOTS 8
#define EXCHANGE  64
#define BULK	  16
#define TICK	  500000 /* ns */

struct worker {
	unsigned int cpu;
	bool runs; /* interrupts may use their slots */
	uint64_t random, irq_random, left;
	uint64_t operations, in_interrupts, exchanged, refused, mismatches;
	void *slot[SLOTS];
	void *irq_slot[IRQ_SLOTS];
};

static struct {
	struct worker *worker[CONFIG_NR_CPUS];
	struct kmem_cache *cache;
	void *exchange[EXCHANGE]; /* atomic */
} run;

static uint64_t next(uint64_t *x)
{
	/* xorshift64 (Marsaglia 2003) */
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* ---- one object ----------------------------------------------------------------------------------- */

static void mark(void *object, unsigned int cpu)
{
	*(uint64_t *)object = (uint64_t)(uintptr_t)object << 8 | cpu;
}

static void let_go(struct worker *worker, void *object, bool own)
{
	uint64_t word = *(uint64_t *)object;

	if (word >> 8 != ((uint64_t)(uintptr_t)object << 8) >> 8 ||
	    (own && (uint8_t)word != (uint8_t)worker->cpu) || kfree(object))
		worker->mismatches++;
}

static void *get(struct worker *worker, uint64_t random, gfp_t gfp)
{
	size_t size = 8 + (random >> 8) % (random & 0x70 ? 1000 : 9000);
	void *object = (random & 3) == 0 ? kmem_cache_alloc(run.cache, gfp) : kmalloc(size, gfp);

	if (object)
		mark(object, worker->cpu);
	else
		worker->refused++;
	return object;
}

/* ---- a CPU ------------------------------------------------------------------------------------------ */

static unsigned int bulk(struct worker *worker)
{
	void *objects[BULK];

	if (!kmem_cache_alloc_bulk(run.cache, GFP_KERNEL | __GFP_NOWARN, BULK, objects)) {
		worker->refused++;
		return 0;
	}
	for (unsigned int n = 0; n < BULK; n++)
		mark(objects[n], worker->cpu);
	if (kmem_cache_free_bulk(run.cache, BULK, objects) != BULK)
		worker->mismatches++;
	return 2 * BULK;
}

static unsigned int step(struct worker *worker)
{
	uint64_t random = next(&worker->random);
	void **slot = &worker->slot[(random >> 32) % SLOTS];

	if ((random >> 48) % 64 == 0)
		return bulk(worker);
	if (!*slot) {
		*slot = get(worker, random, GFP_KERNEL | __GFP_NOWARN);
		return 1;
	}
	if (random & 1) {
		void *other = __atomic_exchange_n(&run.exchange[(random >> 40) % EXCHANGE], *slot,
						  __ATOMIC_ACQ_REL);

		worker->exchanged++;
		*slot = NULL;
		if (!other)
			return 0;
		let_go(worker, other, false);
		return 1;
	}
	let_go(worker, *slot, true);
	*slot = NULL;
	return 1;
}

static void in_interrupt(void)
{
	struct worker *worker = run.worker[port_pcpu()->cpu];

	if (!worker || !__atomic_load_n(&worker->runs, __ATOMIC_ACQUIRE))
		return;
	for (unsigned int n = 0; n < 4; n++) {
		uint64_t random = next(&worker->irq_random);
		void **slot = &worker->irq_slot[(random >> 32) % IRQ_SLOTS];

		if (*slot)
			let_go(worker, *slot, true);
		*slot = *slot ? NULL : get(worker, random, GFP_ATOMIC | __GFP_NOWARN);
		worker->in_interrupts++;
	}
}

static void tick(void *arg)
{
	(void)arg;
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++)
		if (run.worker[cpu])
			port_kick(cpu);
}

/* The CPU's own objects go back at the end, and what it kept of caches. */
static void work(void *arg)
{
	struct worker *worker = arg;

	__atomic_store_n(&worker->runs, true, __ATOMIC_RELEASE);
	while (worker->operations < worker->left)
		worker->operations += step(worker);
	__atomic_store_n(&worker->runs, false, __ATOMIC_RELEASE);
	for (unsigned int n = 0; n < SLOTS + IRQ_SLOTS; n++) {
		void *object = n < SLOTS ? worker->slot[n] : worker->irq_slot[n - SLOTS];

		if (object)
			let_go(worker, object, true);
	}
	kmem_cpu_end();
}

/* ---- before and after ------------------------------------------------------------------------------- */

/* A sum of what slabinfo shows. */
static uint64_t slabs_now(void)
{
	struct slab_info info;
	uint64_t sum = 0;

	for (unsigned int n = 0; slab_info(n, &info); n++) {
		const uint64_t figures[] = {info.active,       info.objects,	 info.slabs,
					    info.active_slabs, info.total_pages, info.place};

		for (unsigned int i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
			sum = (sum ^ figures[i]) * 0x100000001b3; /* FNV-1a's prime */
	}
	return sum;
}

static void give_all(void *arg)
{
	(void)arg;
	kmem_cpu_end();
}

/* No CPU keeps free objects, or room for some. */
static void clear(void)
{
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++)
		if (smp_online(cpu) && smp_call(cpu, give_all, NULL) == 0)
			smp_wait(cpu);
	kmem_release();
}

static void start_all(struct worker *workers, uint64_t operations, uint64_t seed,
		      struct objects_sums *sums)
{
	unsigned int n = 0;

	for (unsigned int cpu = 0; cpu < smp_nr_cpus(); cpu++)
		sums->cpus += smp_online(cpu);
	for (unsigned int cpu = 0; cpu < smp_nr_cpus(); cpu++) {
		struct worker *worker = &workers[n];

		if (!smp_online(cpu))
			continue;
		worker->cpu = cpu;
		worker->left = operations / sums->cpus;
		worker->random = seed + 0x9e3779b97f4a7c15 * ++n;
		worker->irq_random = ~worker->random;
		run.worker[cpu] = worker;
	}
	irq_set_hook(in_interrupt);
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++)
		if (run.worker[cpu])
			smp_call(cpu, work, run.worker[cpu]);
	timer_set(TICK, true, tick, NULL);
}

static void end_all(struct objects_sums *sums)
{
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++)
		if (run.worker[cpu])
			smp_wait(cpu);
	timer_set(0, false, NULL, NULL);
	irq_set_hook(NULL);
	for (unsigned int n = 0; n < EXCHANGE; n++)
		if (run.exchange[n])
			let_go(run.worker[0], run.exchange[n], false);
	for (unsigned int cpu = 0; cpu < smp_nr_cpus(); cpu++) {
		const struct worker *worker = run.worker[cpu];

		if (!worker)
			continue;
		sums->operations += worker->operations;
		sums->in_interrupts += worker->in_interrupts;
		sums->exchanged += worker->exchanged;
		sums->refused += worker->refused;
		sums->mismatches += worker->mismatches;
	}
	memset(&run.worker, 0, sizeof(run.worker));
	memset(&run.exchange, 0, sizeof(run.exchange));
	sums->mismatches += kmem_cache_destroy(run.cache) != 0;
	kmem_release();
}

int objects_run(uint64_t operations, uint64_t seed, struct objects_sums *sums)
{
	static struct picture before, after;
	const size_t bytes = smp_nr_cpus() * sizeof(struct worker);
	struct worker *workers;
	uint64_t slabs;

	memset(sums, 0, sizeof(*sums));
	workers = alloc_pages_exact(bytes, GFP_KERNEL | __GFP_ZERO);
	if (!workers)
		return -ENOMEM;
	clear();
	picture_take(&before);
	slabs = slabs_now();
	run.cache = kmem_cache_create("stress", 72, 0, SLAB_HWCACHE_ALIGN, NULL);
	if (run.cache) {
		start_all(workers, operations, seed, sums);
		work(run.worker[0]);
		end_all(sums);
	}
	sums->same_slabs = slabs_now() == slabs;
	picture_take(&after);
	sums->same_blocks = memcmp(&before, &after, sizeof(before)) == 0;
	sums->violations = mm_check();
	free_pages_exact(workers, bytes);
	return run.cache ? 0 : -ENOMEM;
}

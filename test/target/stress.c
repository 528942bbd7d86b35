/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stress.c: see stress.h. No machine is needed here: the console's `stress`, the suites and the host tests bring the CPUs.
 */
#include "test/target/stress.h"

#include <quarry/port.h>

#define DRAIN_STEPS 16384 /* one in so many steps drains all caches */
#define STOP_STEPS  64	  /* how often a worker adds up what all have done */
#define FULL_FILL   8	  /* one order-0 block in so many has all its words filled */
#define STRIDE	    61	  /* words between the filled ones of the others; prime */
#define REPORTS	    4	  /* mismatches described; the rest is only counted */

/* ---- figures --------------------------------------------------------------------------------- */

/* Relaxed: only this CPU writes, others want a figure. */
static void add(uint64_t *figure, uint64_t n)
{
	__atomic_store_n(figure, __atomic_load_n(figure, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static uint64_t get(const uint64_t *figure)
{
	return __atomic_load_n(figure, __ATOMIC_RELAXED);
}

void stress_sum(const struct stress *stress, struct stress_sums *sums)
{
	*sums = (struct stress_sums){0};
	for (unsigned int i = 0; i < stress->nr_workers; i++) {
		const struct stress_worker *worker = &stress->worker[i];

		sums->operations += get(&worker->operations) + get(&worker->irq_operations);
		sums->mismatches += get(&worker->mismatches);
		sums->failures += get(&worker->failures);
		sums->exchanged += get(&worker->exchanged);
		sums->drains += get(&worker->drains);
		sums->irq_operations += get(&worker->irq_operations);
	}
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

static uint64_t next(uint64_t *state)
{
	return mix(*state += 0x9e3779b97f4a7c15U);
}

/* ---- patterns -------------------------------------------------------------------------------- */

static uint64_t pattern(const struct stress_block *block)
{
	return mix(block->pfn << 16 | (uint64_t)block->order << 12 | block->owner);
}

/* The distance between words that are filled; it depends on the block alone. */
static unsigned long stride_of(const struct stress_block *block)
{
	return block->order == 0 && pattern(block) % FULL_FILL == 0
		       ? 1
		       : (unsigned long)STRIDE << block->order;
}

static void fill(const struct stress_block *block)
{
	uint64_t *word = page_address(pfn_to_page(block->pfn)), value = pattern(block);
	unsigned long words = PAGE_SIZE / sizeof(*word) << block->order;

	for (unsigned long i = 0, stride = stride_of(block); i < words; i += stride)
		word[i] = value + i;
	word[words - 1] = value + words - 1;
}

static void mismatch(struct stress_worker *worker, const struct stress_block *block,
		     unsigned long i, uint64_t got)
{
	add(&worker->mismatches, 1);
	if (get(&worker->mismatches) <= REPORTS)
		port_log("stress: CPU %u: block 0x%llx order %u of CPU %d: word %lu is 0x%llx, "
			 "expected 0x%llx",
			 worker->number, (unsigned long long)PFN_PHYS(block->pfn), block->order,
			 block->owner - 1, i, (unsigned long long)got,
			 (unsigned long long)(pattern(block) + i));
}

static void verify(struct stress_worker *worker, const struct stress_block *block)
{
	const uint64_t *word = page_address(pfn_to_page(block->pfn));
	unsigned long words = PAGE_SIZE / sizeof(*word) << block->order;
	uint64_t value = pattern(block);

	for (unsigned long i = 0, stride = stride_of(block); i < words; i += stride) {
		if (word[i] != value + i) {
			mismatch(worker, block, i, word[i]);
			return;
		}
	}
	if (word[words - 1] != value + words - 1)
		mismatch(worker, block, words - 1, word[words - 1]);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static bool take(struct stress_worker *worker, struct stress_block *block, gfp_t gfp,
		 unsigned int order)
{
	struct page *page = alloc_pages(gfp | __GFP_NOWARN, order);

	if (!page) {
		add(&worker->failures, 1);
		return false;
	}
	block->pfn = page_to_pfn(page);
	block->order = (uint16_t)order;
	block->owner = (uint16_t)(worker->number + 1);
	fill(block);
	return true;
}

static void give(struct stress_worker *worker, struct stress_block *block)
{
	struct page *page = pfn_to_page(block->pfn);

	verify(worker, block);
	/* constant orders take the inline path */
	if (block->order ? __free_pages(page, block->order) : __free_page(page))
		add(&worker->mismatches, 1);
	block->owner = 0;
}

/* Frames have 52 - 12 bits at most. */
static uint64_t pack(const struct stress_block *block)
{
	return block->owner ? block->pfn << 24 | (uint64_t)block->order << 16 | block->owner : 0;
}

static struct stress_block unpack(uint64_t word)
{
	return (struct stress_block){
		.pfn = word >> 24, .order = word >> 16 & 0xff, .owner = (uint16_t)word};
}

/*
 * Leave a block (or none) and get another's (or none). Release: what was written to the block is seen by who gets it;
 * acquire: the same of the one we get.
 */
static void swap(struct stress_worker *worker, struct stress_block *block, uint64_t random)
{
	uint64_t *slot = &worker->stress->exchange[random % STRESS_EXCHANGE];

	*block = unpack(__atomic_exchange_n(slot, pack(block), __ATOMIC_ACQ_REL));
	add(&worker->exchanged, 1);
}

/* ---- one step -------------------------------------------------------------------------------- */

static gfp_t random_gfp(uint64_t random)
{
	static const gfp_t flags[] = {
		GFP_KERNEL,
		GFP_KERNEL,
		GFP_KERNEL | __GFP_MOVABLE,
		GFP_KERNEL | __GFP_MOVABLE,
		GFP_KERNEL | __GFP_RECLAIMABLE,
		GFP_DMA32 | GFP_KERNEL,
		GFP_ATOMIC,
		GFP_NOWAIT,
	};

	return flags[random % (sizeof(flags) / sizeof(flags[0]))];
}

/* Most are of the lowest order; each higher one is half as likely, so each order holds about as many pages. */
static unsigned int random_order(const struct stress *stress, uint64_t random)
{
	unsigned int order = stress->min_order;

	if (random % 4)
		return order;
	for (random /= 4; order < stress->max_order && random & 1; random >>= 1)
		order++;
	return order;
}

static void step(struct stress_worker *worker)
{
	uint64_t random = next(&worker->random);
	struct stress_block *block = &worker->slot[random % STRESS_SLOTS];

	random /= STRESS_SLOTS;
	if (random % DRAIN_STEPS == 0) {
		drain_all_pages();
		add(&worker->drains, 1);
	}
	random /= DRAIN_STEPS;
	if (!block->owner) {
		/* fault in both: what the compiler sees as constant, and what it does not */
		if (random % 8 == 0)
			take(worker, block, GFP_KERNEL, 0);
		else
			take(worker, block, random_gfp(random / 8),
			     random_order(worker->stress, random / 64));
		add(&worker->operations, 1);
		return;
	}
	if (random % 2) {
		swap(worker, block, random / 4);
		if (block->owner && random & 2) { /* keep it, as our own */
			verify(worker, block);
			block->owner = (uint16_t)(worker->number + 1);
			fill(block);
			return;
		}
	}
	if (block->owner) {
		give(worker, block);
		add(&worker->operations, 1);
	}
}

void stress_irq(struct stress_worker *worker)
{
	if (!worker->irq_open)
		return;
	for (int i = 0; i < 4; i++) {
		uint64_t random = next(&worker->irq_random);
		struct stress_block *block = &worker->irq_slot[random % STRESS_IRQ_SLOTS];

		random /= STRESS_IRQ_SLOTS;
		if (!block->owner)
			take(worker, block, GFP_ATOMIC, random % 8 == 0);
		else if (random % 4 == 0)
			swap(worker, block, random / 4);
		else
			give(worker, block);
		add(&worker->irq_operations, 1);
	}
}

/* ---- from start to end ----------------------------------------------------------------------- */

void stress_init(struct stress *stress, struct stress_worker *workers, unsigned int nr_workers)
{
	stress->worker = workers;
	stress->nr_workers = nr_workers;
	stress->stop = false;
	for (unsigned int i = 0; i < STRESS_EXCHANGE; i++)
		stress->exchange[i] = 0;
	for (unsigned int i = 0; i < nr_workers; i++) {
		workers[i].stress = stress;
		workers[i].number = i;
		workers[i].random = mix(stress->seed + i);
		workers[i].irq_random = mix(workers[i].random);
	}
}

void stress_stop(struct stress *stress)
{
	__atomic_store_n(&stress->stop, true, __ATOMIC_RELAXED);
}

static bool stopped(struct stress *stress)
{
	return __atomic_load_n(&stress->stop, __ATOMIC_RELAXED);
}

void stress_run(struct stress_worker *worker)
{
	struct stress *stress = worker->stress;
	unsigned long flags = port_irq_save();

	worker->irq_open = true;
	port_irq_restore(flags);
	for (unsigned int steps = 0; steps == 0 || !stopped(stress); steps++) {
		step(worker);
		if (stress->poll)
			stress->poll(worker);
		if (stress->operations && steps % STOP_STEPS == 0) {
			struct stress_sums sums;

			stress_sum(stress, &sums);
			if (sums.operations >= stress->operations)
				stress_stop(stress);
		}
	}
	flags = port_irq_save();
	worker->irq_open = false;
	port_irq_restore(flags);
	for (unsigned int i = 0; i < STRESS_SLOTS; i++)
		if (worker->slot[i].owner)
			give(worker, &worker->slot[i]);
	for (unsigned int i = 0; i < STRESS_IRQ_SLOTS; i++)
		if (worker->irq_slot[i].owner)
			give(worker, &worker->irq_slot[i]);
}

void stress_end(struct stress *stress)
{
	for (unsigned int i = 0; i < STRESS_EXCHANGE; i++) {
		struct stress_block block = unpack(stress->exchange[i]);

		if (block.owner)
			give(&stress->worker[0], &block);
		stress->exchange[i] = 0;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stress.h: many CPUs, or threads on the host, allocate, fill, verify and free at once.
 *
 * Each worker holds blocks in slots. A step takes a random slot: an empty one is filled with a new block, which gets a
 * pattern made from its frame, its order and the CPU that owns it; a full one is verified and freed, or swapped
 * through an exchange that all share for a block of another CPU, which is verified and freed or kept. Now and
 * then a worker drains all caches of all CPUs. Interrupt handlers do the same with a few blocks of their own.
 *
 * A page given to two owners shows as a wrong pattern, a lost one in the free blocks at the end.
 */
#ifndef QUARRY_TEST_STRESS_H
#define QUARRY_TEST_STRESS_H

#include <quarry/mm.h>

#define STRESS_SLOTS	 256
#define STRESS_IRQ_SLOTS 16
#define STRESS_HANDLES	 64
#define STRESS_SPARSE	 512
#define STRESS_EXCHANGE	 64

struct stress_block {
	pfn_t pfn;
	uint16_t order,
		owner; /* owner: the number of the worker whose pattern it has, plus 1; 0: none */
};

struct stress_worker {
	struct stress *stress;
	unsigned int number;
	uint64_t random, irq_random;
	/* figures; read by others while they change, so atomic */
	uint64_t operations, mismatches, failures, exchanged, drains, irq_operations;
	uint64_t mix_random; /* of mix.c, as is the next */
	bool trace_stopped;
	struct stress_handle {
		uint32_t handle; /* 0: none */
		uint16_t order, turn;
	} handle[STRESS_HANDLES], sparse[STRESS_SPARSE]; /* of mix_moves.c */
	bool irq_open;					 /* interrupts may use the slots below */
	struct stress_block slot[STRESS_SLOTS];
	struct stress_block irq_slot[STRESS_IRQ_SLOTS];
};

struct stress {
	unsigned int min_order, max_order;
	uint64_t seed;
	uint64_t operations; /* all workers together stop at so many; 0: when told */
	unsigned int nr_workers;
	void (*poll)(struct stress_worker
			     *worker);	    /* called once a step, in thread context; may be NULL */
	bool stop;			    /* atomic */
	uint64_t exchange[STRESS_EXCHANGE]; /* packed blocks; atomic */
	struct stress_worker *worker;	    /* nr_workers of them */
};

/* Zeroed memory for the workers is the caller's. Context: thread. */
void stress_init(struct stress *stress, struct stress_worker *workers, unsigned int nr_workers);

/* One worker's run on one CPU; ends with its blocks freed. Context: thread. */
void stress_run(struct stress_worker *worker);

/* A few operations with GFP_ATOMIC; nothing if the worker does not run. Context: interrupt, on its CPU. */
void stress_irq(struct stress_worker *worker);

/* After all workers: free what is in the exchange. Mismatches there are counted with worker 0's. */
void stress_end(struct stress *stress);

/* The command `stress` has left the console and goes on on other CPUs; the machine's part alone. */
bool stress_in_background(void);

void stress_stop(struct stress *stress); /* any context */

/* Sums over the workers. */
struct stress_sums {
	uint64_t operations, mismatches, failures, exchanged, drains, irq_operations;
};
void stress_sum(const struct stress *stress, struct stress_sums *sums);

#endif

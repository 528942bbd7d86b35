/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_threads.c: see host_threads.h. Each thread is a CPU: it has a number and caches of its own,
 * and starts each workload together with the others.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <quarry/port.h>

#include "test/bench/bench.h"
#include "test/bench/host_threads.h"

#define PAIRS  2000000
#define BURST  1024
#define ROUNDS 1000
#define SLOTS  4096
#define STEPS  2000000

enum {
	PAIR,
	BURST_OP,
	CHURN,
	NR_WORKS
};
static const char *const names[NR_WORKS] = {"pair", "burst", "churn"};

static pthread_barrier_t barrier;

struct worker {
	pthread_t thread;
	unsigned int cpu;
	struct mm_pcpu area; /* CPU 0 has the one the boot gave it */
	uint64_t random;
	double ns[NR_WORKS]; /* an operation; a pair or two for the first two */
};

static uint64_t next(struct worker *worker)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return worker->random;
}

static unsigned long run_pairs(void)
{
	for (unsigned long i = 0; i < PAIRS; i++)
		__free_page(alloc_page(GFP_KERNEL));
	return PAIRS;
}

static unsigned long run_bursts(void)
{
	struct page *pages[BURST];

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < BURST; i++)
			pages[i] = alloc_page(GFP_KERNEL);
		for (int i = 0; i < BURST; i++)
			__free_page(pages[i]);
	}
	return (unsigned long)ROUNDS * BURST;
}

static unsigned long run_churn(struct worker *worker)
{
	struct {
		struct page *page;
		unsigned int order;
	} *slots = calloc(SLOTS, sizeof(*slots));

	if (!slots)
		abort();
	for (unsigned long step = 0; step < STEPS; step++) {
		uint64_t random = next(worker);
		unsigned int n = (unsigned int)(random % SLOTS),
			     d = (unsigned int)(random >> 32) % 100;

		if (slots[n].page) {
			__free_pages(slots[n].page, slots[n].order);
			slots[n].page = NULL;
		} else {
			slots[n].order = d < 80	  ? 0
					 : d < 90 ? 1
					 : d < 95 ? 2
					 : d < 98 ? 3
					 : d < 99 ? 4
						  : 9;
			slots[n].page = alloc_pages(BENCH_GFP, slots[n].order);
		}
	}
	for (unsigned int n = 0; n < SLOTS; n++)
		if (slots[n].page)
			__free_pages(slots[n].page, slots[n].order);
	free(slots);
	return STEPS;
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	if (worker->cpu) {
		port_set_pcpu(&worker->area);
		boot_pageset_init(&worker->area, worker->cpu);
		if (setup_per_cpu_pageset(&worker->area, worker->cpu))
			abort();
	}
	for (int kind = 0; kind < NR_WORKS; kind++) {
		unsigned long count;
		uint64_t start;

		pthread_barrier_wait(&barrier);
		start = bench_count();
		count = kind == PAIR	   ? run_pairs()
			: kind == BURST_OP ? run_bursts()
					   : run_churn(worker);
		worker->ns[kind] = (double)(bench_count() - start) / (double)count;
	}
	/* A CPU that is online must answer the others; this one is about to be gone. */
	if (worker->cpu)
		mm_cpu_offline();
	return NULL;
}

int bench_threads(unsigned int threads)
{
	struct worker *workers = calloc(threads, sizeof(*workers));
	int violations;

	if (!workers || pthread_barrier_init(&barrier, NULL, threads))
		abort();
	for (unsigned int i = 0; i < threads; i++) {
		workers[i].cpu = i;
		workers[i].random = BENCH_SEED + i;
		if (i && pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			abort();
	}
	work(&workers[0]);
	printf("bench: threads host n%u", threads);
	for (unsigned int i = 1; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	drain_all_pages();
	for (int kind = 0; kind < NR_WORKS; kind++) {
		double sum = 0;

		for (unsigned int i = 0; i < threads; i++)
			sum += workers[i].ns[kind];
		printf(" %s=~%.2f", names[kind], sum / threads);
	}
	printf("\n");
	violations = mm_check();
	if (violations)
		printf("bench: threads: mm_check() finds %d violations\n", violations);
	free(workers);
	return violations != 0;
}

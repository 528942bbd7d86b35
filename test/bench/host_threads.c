/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_threads.c: see host_threads.h. Each thread is a CPU: it has a number and caches of its own,
 * and starts each workload together with the others.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <quarry/port.h>

#include "test/bench/bench.h"
#include "test/bench/host_threads.h"

#define PAIRS  2000000
#define BURST  1024 /* what a cache holds */
#define ROUNDS 1000
#define BEYOND 4096
#define TURNS  250
#define SLOTS  4096
#define STEPS  2000000

enum {
	PAIR,
	BURST_OP,
	BEYOND_OP,
	CHURN,
	NR_WORKS
};
static const char *const names[NR_WORKS] = {"pair", "burst", "beyond", "churn"};

static pthread_barrier_t barrier;

struct worker {
	pthread_t thread;
	unsigned int cpu;
	struct mm_pcpu area; /* CPU 0 has the one the boot gave it */
	uint64_t random;
	double ns[NR_WORKS];  /* an operation; a pair for all but the last */
	double ran[NR_WORKS]; /* of these, time that the thread ran */
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

static unsigned long run_bursts(int burst, int rounds)
{
	struct page *pages[BEYOND];

	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < burst; i++)
			pages[i] = alloc_page(GFP_KERNEL);
		for (int i = 0; i < burst; i++)
			__free_page(pages[i]);
	}
	return (unsigned long)rounds * (unsigned long)burst;
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

static unsigned long run(int kind, struct worker *worker)
{
	switch (kind) {
	case PAIR:
		return run_pairs();
	case BURST_OP:
		return run_bursts(BURST, ROUNDS);
	case BEYOND_OP:
		return run_bursts(BEYOND, TURNS);
	default:
		return run_churn(worker);
	}
}

double bench_cpu_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

void bench_take_cpu(struct mm_pcpu *area, unsigned int cpu)
{
	if (!cpu)
		return;
	port_set_pcpu(area);
	boot_pageset_init(area, cpu);
	if (setup_per_cpu_pageset(area, cpu))
		abort();
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	bench_take_cpu(&worker->area, worker->cpu);
	for (int kind = 0; kind < NR_WORKS; kind++) {
		unsigned long count;
		uint64_t start;
		double before;

		pthread_barrier_wait(&barrier);
		before = bench_cpu_time();
		start = bench_count();
		count = run(kind, worker);
		worker->ns[kind] = (double)(bench_count() - start) / (double)count;
		worker->ran[kind] = (bench_cpu_time() - before) / (double)count;
	}
	/* A CPU that is online must answer the others; this one is about to be gone. */
	if (worker->cpu)
		mm_cpu_offline();
	return NULL;
}

/* How often the zones' locks were taken, waited for, and a place in line was lost. */
static void print_lock(void)
{
	uint64_t acquired = 0, contended = 0, overtaken = 0;
	struct zone_info info;

	for (enum zone_type zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info(zone, &info);
		acquired += info.lock_acquired;
		contended += info.lock_contended;
		overtaken += info.lock_overtaken;
	}
	printf(" acquired=~%llu contended=~%llu overtaken=~%llu\n", (unsigned long long)acquired,
	       (unsigned long long)contended, (unsigned long long)overtaken);
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
		double ns = 0, cpu = 0;

		for (unsigned int i = 0; i < threads; i++) {
			ns += workers[i].ns[kind];
			cpu += workers[i].ran[kind];
		}
		printf(" %s=~%.2f %s_cpu=~%.2f", names[kind], ns / threads, names[kind],
		       cpu / threads);
	}
	print_lock();
	violations = mm_check();
	if (violations)
		printf("bench: threads: mm_check() finds %d violations\n", violations);
	free(workers);
	return violations != 0;
}

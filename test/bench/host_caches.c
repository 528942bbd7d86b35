/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_caches.c: what this machine's own caches cost: two threads whose pages' descriptors share a cache
 * line or do not, and random frees in 64 GiB, whose descriptors fit no cache. Nanoseconds; no gate.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <quarry/port.h>

#include "test/bench/bench.h"
#include "test/bench/host_threads.h"

/* ---- two threads, a page each ---------------------------------------------------------------- */

#define PAIRS	   20000000
#define LINE_PAGES 8 /* descriptors in 64 bytes */

static pthread_barrier_t barrier;

struct side {
	struct page *page; /* the one whose descriptor each of its pairs writes */
	unsigned int cpu;
	struct mm_pcpu area; /* CPU 0 has the one the boot gave it */
	double ns;
};

static void *pairs(void *arg)
{
	struct side *side = arg;
	double start;

	bench_take_cpu(&side->area, side->cpu);
	__free_page(side->page); /* the newest of its cache */
	pthread_barrier_wait(&barrier);
	start = bench_cpu_time();
	for (unsigned long i = 0; i < PAIRS; i++)
		__free_page(alloc_page(GFP_KERNEL));
	side->ns = (bench_cpu_time() - start) / PAIRS;
	if (side->cpu)
		mm_cpu_offline();
	return NULL;
}

/* Two pages of one line, or of lines far apart, and what a pair costs then. */
static double two_threads(bool shared)
{
	struct side *sides = calloc(2, sizeof(*sides));
	struct page *some[16 * LINE_PAGES];
	unsigned int n = 0, second;
	pthread_t thread;
	double ns;

	if (!sides || pthread_barrier_init(&barrier, NULL, 2))
		abort();
	for (; n < 16 * LINE_PAGES; n++)
		if (!(some[n] = alloc_page(GFP_KERNEL)))
			abort();
	second = n - 1;
	while (shared && second > 1 && (uintptr_t)some[0] / 64 != (uintptr_t)some[second] / 64)
		second--;
	sides[0].page = some[0];
	sides[1].page = some[second];
	sides[1].cpu = 1;
	if (pthread_create(&thread, NULL, pairs, &sides[1]))
		abort();
	pairs(&sides[0]);
	pthread_join(thread, NULL);
	while (--n)
		if (some[n] != sides[1].page)
			__free_page(some[n]);
	ns = (sides[0].ns + sides[1].ns) / 2;
	free(sides);
	drain_all_pages();
	return ns;
}

int bench_shared_lines(void)
{
	printf("bench: lines host own=~%.2f shared=~%.2f\n", two_threads(false), two_threads(true));
	return mm_check() != 0;
}

/* ---- 64 GiB ---------------------------------------------------------------------------------- */

#define FREED (4UL << 20)

int bench_far(void)
{
	unsigned long most = (unsigned long)bench_free_pages(), count = 0, freed;
	struct page **pages = calloc(most, sizeof(*pages));
	uint64_t start;

	if (!pages)
		abort();
	while (count < most && (pages[count] = alloc_page(BENCH_GFP)))
		count++;
	freed = count < FREED ? count : FREED;
	for (unsigned long i = 0; i < freed; i++) { /* Fisher-Yates, as far as it is used */
		unsigned long j = i + bench_random() % (count - i);
		struct page *page = pages[i];

		pages[i] = pages[j];
		pages[j] = page;
	}
	start = bench_count();
	for (unsigned long i = 0; i < freed; i++)
		__free_page(pages[i]);
	printf("bench: far host random_free=~%.2f pages=%lu\n",
	       (double)(bench_count() - start) / (double)freed, freed);
	free(pages);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_smp.c: the same mm/ on threads that play CPUs, built with the thread sanitizer (mk/host.mk):
 * any two accesses to the same memory that no lock or atomic orders end the run. A thread serves
 * other CPUs' requests between its steps, as an interrupt would.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>
#include <quarry/mm.h>

#include "test/host/port_host.h"
#include "test/target/stress.h"

#define THREADS	   4
#define HELD_ORDER 3
#define BASE	   0x80000000ULL
#define MIB	   (1ULL << 20)

static struct mm_pcpu area[THREADS];
static struct stress stress;
static unsigned int running; /* atomic: threads that still have requests to make */

/* Now and then the threads change places, so that they meet wherever there are few processors. */
static void serve(struct stress_worker *worker)
{
	static _Thread_local unsigned int polls;

	(void)worker;
	mm_ipi();
	if (++polls % 64 == 0)
		sched_yield();
}

static void start(phys_addr_t size)
{
	struct mm_config config = {.boot_pcpu = &area[0], .nr_cpus = THREADS};

	memblock_init();
	assert_non_null(host_ram_map(BASE, size));
	host_ram_randomize(BASE, size, 20240229);
	assert_int_equal(0, memblock_add(BASE, size));
	memset(area, 0x5a, sizeof(area));
	port_set_pcpu(&area[0]);
	assert_int_equal(0, mm_init(&config));
	memblock_free_all();
	assert_int_equal(0, setup_per_cpu_pageset(&area[0], 0));
}

/* Others may still ask this CPU for something: serve them until nobody asks any more. */
static void finish(unsigned int *still)
{
	__atomic_fetch_sub(still, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(still, __ATOMIC_ACQUIRE)) {
		mm_ipi();
		sched_yield();
	}
}

static void *cpu(void *arg)
{
	struct stress_worker *worker = arg;
	unsigned int number = worker->number;

	if (number) {
		port_set_pcpu(&area[number]);
		boot_pageset_init(&area[number], number);
		if (setup_per_cpu_pageset(&area[number], number))
			abort();
	}
	stress_run(worker);
	finish(&running);
	if (number)
		mm_cpu_offline();
	return NULL;
}

/*
 * Take blocks until so few pages are left; they are chained by their first words. Returns the
 * chain.
 */
static void **hold_all_but(uint64_t pages)
{
	struct zone_info info;
	void **chain = NULL;

	for (mm_zone_info(ZONE_DMA32, &info); info.free > pages; mm_zone_info(ZONE_DMA32, &info)) {
		void **block = (void **)__get_free_pages(GFP_KERNEL, HELD_ORDER);

		assert_non_null(block);
		*block = chain;
		chain = block;
	}
	return chain;
}

static void release(void **chain)
{
	while (chain) {
		void **next = *chain;

		assert_int_equal(0, free_pages((unsigned long)chain, HELD_ORDER));
		chain = next;
	}
}

/* left: pages that are free when it starts; 0: all */
static void run(phys_addr_t size, uint64_t left, uint64_t operations)
{
	uint64_t before[NR_PAGE_ORDERS], after[NR_PAGE_ORDERS];
	struct stress_worker *workers = calloc(THREADS, sizeof(*workers));
	pthread_t thread[THREADS];
	struct stress_sums sums;
	struct mm_layout layout;
	uint64_t pages = 0, figures;
	void **held;

	assert_non_null(workers);
	start(size);
	mm_buddyinfo(ZONE_DMA32, before);
	mm_get_layout(&layout);
	figures = layout.pcp_bytes;
	stress = (struct stress){
		.max_order = MAX_PAGE_ORDER, .seed = 1, .operations = operations, .poll = serve};
	stress_init(&stress, workers, THREADS);
	held = left ? hold_all_but(left) : NULL;
	running = THREADS;
	for (unsigned int i = 1; i < THREADS; i++)
		assert_int_equal(0, pthread_create(&thread[i], NULL, cpu, &workers[i]));
	cpu(&workers[0]);
	for (unsigned int i = 1; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	stress_end(&stress);
	release(held);
	stress_sum(&stress, &sums);
	assert_int_equal(0, sums.mismatches);
	assert_true(sums.operations >= operations);
	assert_true(sums.drains > 0);

	/* everything is free but the arrays of the other CPUs' caches */
	drain_all_pages();
	assert_int_equal(0, mm_check());
	mm_buddyinfo(ZONE_DMA32, after);
	mm_get_layout(&layout);
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
		pages += (before[order] << order) - (after[order] << order);
	assert_int_equal((layout.pcp_bytes - figures) / PAGE_SIZE, pages);
	free(workers);
	host_ram_unmap();
}

static void plenty(void **state)
{
	(void)state;
	run(128 * MIB, 0, 200000);
}

/*
 * Requests fail, so they look into other CPUs' caches and ask for what is there. Whether they find
 * something to ask for depends on how the threads meet: a run in which none did is repeated.
 */
static void scarce(void **state)
{
	struct mm_stats stats = {.alloc_failed = 0};

	(void)state;
	for (int i = 0; i < 100 && !stats.stage[MM_STAGE_DRAIN]; i++) {
		run(64 * MIB, 2500, 200000);
		mm_get_stats(&stats);
		assert_true(stats.alloc_failed > 0);
	}
	assert_true(stats.stage[MM_STAGE_DRAIN] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plenty),
		cmocka_unit_test(scarce),
	};

	return cmocka_run_group_tests_name("smp", tests, NULL, NULL);
}

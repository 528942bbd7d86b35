/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_holders.c: blocks with several holders that let go at the same moment, on two threads that
 * play CPUs: whoever is last frees the block, a block falls apart once, nothing is lost. The
 * count's reader takes no lock, so the thread sanitizer has no say here.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>
#include <quarry/mm.h>

#include "policy.h"
#include "test/host/port_host.h"

#define BASE   0x80000000ULL
#define MIB    (1ULL << 20)
#define ROUNDS 30000
#define READY  ~0U
#define GONE   (~0U - 1)

static struct mm_pcpu area[2];

/* What both do in a round; the first thread says when, the other when it has. */
static struct {
	struct page *page; /* NULL: no more rounds */
	int (*let_go)(struct page *page);
	unsigned int order;
	unsigned int round, done;
	int error;
} game;

static int free_it(struct page *page)
{
	return __free_pages(page, game.order);
}

static void *other_cpu(void *arg)
{
	(void)arg;
	port_set_pcpu(&area[1]);
	boot_pageset_init(&area[1], 1);
	if (setup_per_cpu_pageset(&area[1], 1))
		abort();
	__atomic_store_n(&game.done, READY, __ATOMIC_RELEASE);
	for (unsigned int round = 1;; round++) {
		while (__atomic_load_n(&game.round, __ATOMIC_ACQUIRE) != round)
			mm_ipi();
		if (!game.page)
			break;
		game.error = game.let_go(game.page);
		__atomic_store_n(&game.done, round, __ATOMIC_RELEASE);
	}
	mm_cpu_offline();
	__atomic_store_n(&game.done, GONE, __ATOMIC_RELEASE);
	return NULL;
}

static void play(struct page *page)
{
	game.page = page;
	__atomic_store_n(&game.round, game.round + 1, __ATOMIC_RELEASE);
}

static void wait_for(unsigned int done)
{
	while (__atomic_load_n(&game.done, __ATOMIC_ACQUIRE) != done)
		mm_ipi();
}

/* Both threads let go of a block that has `holders` of them; returns how often one was refused. */
static unsigned long rounds(unsigned int order, unsigned int holders,
			    int (*let_go)(struct page *page))
{
	struct mm_config config = {.boot_pcpu = &area[0], .nr_cpus = 2};
	unsigned long refused = 0;
	pthread_t thread;
	uint64_t before;

	port_host_log_hook = port_host_quiet;
	memblock_init();
	assert_non_null(host_ram_map(BASE, 64 * MIB));
	assert_int_equal(0, memblock_add(BASE, 64 * MIB));
	memset(area, 0x5a, sizeof(area));
	port_set_pcpu(&area[0]);
	assert_int_equal(0, mm_init(&config));
	memblock_free_all();
	assert_int_equal(0, setup_per_cpu_pageset(&area[0], 0));
	memset(&game, 0, sizeof(game));
	game.order = order;
	game.let_go = let_go;
	assert_int_equal(0, pthread_create(&thread, NULL, other_cpu, NULL));
	wait_for(READY);
	drain_all_pages();
	before = free_pages_now();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);
		int error;

		assert_non_null(page);
		for (unsigned int n = 1; n < holders; n++)
			get_page(page);
		play(page);
		for (volatile unsigned int wait = 0; wait < i % 200;)
			wait = wait + 1;
		error = __free_pages(page, order);
		wait_for(game.round);
		refused += (unsigned long)!!error + !!game.error;
		for (unsigned int n = 2; n < holders + (unsigned int)!!error + !!game.error; n++)
			if (put_page(page))
				fail_msg("round %u: a put was refused", i);
	}
	play(NULL);
	wait_for(GONE);
	assert_int_equal(0, pthread_join(thread, NULL));
	drain_all_pages();
	assert_int_equal(0, mm_check());
	assert_int_equal(before, free_pages_now());
	host_ram_unmap();
	port_host_log_hook = NULL;
	return refused;
}

/* One of two frees or puts comes last, whichever that is. */
static void last_of_two(void **state)
{
	(void)state;
	assert_int_equal(0, rounds(0, 2, put_page));
	assert_int_equal(0, rounds(0, 2, free_it));
	assert_int_equal(0, rounds(3, 2, put_page));
}

/*
 * Two frees of a block with three holders: it falls apart for one, and is another block to the
 * other.
 */
static void apart_once(void **state)
{
	(void)state;
	assert_int_equal(ROUNDS, rounds(3, 3, free_it));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_of_two),
		cmocka_unit_test(apart_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

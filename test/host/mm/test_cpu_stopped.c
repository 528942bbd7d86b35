/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cpu_stopped.c: a CPU that a fault stops, outside mm/ or inside it, with and without what
 * others wait for: they go on with all memory but what it had in its hands, or are told that they
 * cannot.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine.h"
#include "mm/debug/hooks.h"
#include "mm/check_walk.h"
#include "mm/pcp/pcp.h"
#include "test/host/port_host.h"

#define MIB  ((phys_addr_t)1 << 20)
#define BASE ((phys_addr_t)0x80000000)
#define HELD 8192

static const struct layout layout = {"stop", 0, {{BASE, 32 * MIB}}, {{0}}, 1};
static struct mm_pcpu other;
static struct page *held[HELD];

/*
 * CPU 1 is online, runs from here on, and has so many pages in its caches. CPU 0 serves no request,
 * so none is made before CPU 1 has stopped.
 */
static void start_with(unsigned int cached, unsigned int hooks)
{
	machine_start(&layout);
	assert_int_equal(0, mm_set_hooks(hooks));
	boot_pageset_init(&other, 1);
	port_set_pcpu(&other);
	assert_int_equal(0, setup_per_cpu_pageset(&other, 1));
	for (unsigned int i = 0; i < cached; i++) {
		held[i] = alloc_page(GFP_KERNEL);
		assert_non_null(held[i]);
	}
	for (unsigned int i = 0; i < cached; i++)
		assert_int_equal(0, __free_page(held[i]));
}

static void start(unsigned int cached)
{
	start_with(cached, 0);
}

static unsigned long cached_by_other(void)
{
	unsigned long pages = 0;

	for (unsigned int i = 0; i < NR_PCPS; i++)
		pages += pcp_count(&other.cache[i]) << i / NR_PCP_CLASSES;
	return pages;
}

/* Without machine_stop(), which wants all pages back. */
static void stop(void)
{
	memset(pcp_left_behind, 0, sizeof(pcp_left_behind));
	machine_drop();
}

static unsigned long take_all(void)
{
	unsigned long n = 0;

	while (n < HELD && (held[n] = alloc_page(GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN)))
		n++;
	return n;
}

static void give_all(unsigned long n)
{
	while (n-- > 0)
		assert_int_equal(0, __free_page(held[n]));
}

/* CPU 0 goes on: nothing waits for CPU 1, all pages but `lost` are served, and come back. */
static void go_on(unsigned long all, unsigned long lost)
{
	unsigned long taken;

	port_set_pcpu(&machine_pcpu);
	assert_int_equal(0, mm_check());
	drain_all_pages(); /* returns */
	taken = take_all();
	assert_int_equal(taken, all - lost);
	assert_int_equal(0, mm_check());
	give_all(taken);
	mm_set_pcp_high(0);
	mm_set_pcp_high(~0UL);
	assert_int_equal(0, mm_check());
}

/* Pages that CPU 0 can have where both CPUs are empty. */
static unsigned long count_all(void)
{
	unsigned long all;

	start(0);
	mm_cpu_offline();
	port_set_pcpu(&machine_pcpu);
	all = take_all();
	give_all(all);
	stop();
	return all;
}

static void test_outside(void **state)
{
	unsigned long all = count_all();

	(void)state;
	start(200);
	assert_true(cached_by_other() > 0);
	assert_int_equal(0, mm_cpu_stopped(false));
	assert_int_equal(0, cached_by_other());
	go_on(all, 0);
	stop();
}

static void test_inside(void **state)
{
	unsigned long all = count_all(), cached;

	(void)state;
	start(200);
	cached = cached_by_other();
	assert_true(cached > 0);
	assert_int_equal((long)cached, mm_cpu_stopped(true));
	assert_int_equal(cached, cached_by_other());
	go_on(all, cached);
	stop();
}

/* With hooks on the caches lie elsewhere. */
static void test_inside_with_hooks(void **state)
{
	unsigned long cached;

	(void)state;
	start_with(200, MM_HOOK_POISON);
	assert_ptr_not_equal(other.cache, other.pcp[0]);
	cached = cached_by_other();
	assert_true(cached > 0);
	assert_int_equal((long)cached, mm_cpu_stopped(true));
	port_set_pcpu(&machine_pcpu);
	assert_int_equal(0, mm_check());
	assert_int_equal(0, mm_set_hooks(0));
	stop();
}

/* Nobody gets the lock it holds; its place in line nobody waits for. */
static void dies_with(struct spinlock *lock)
{
	start(10);
	spin_lock(lock);
	assert_int_equal(-EDEADLK, mm_cpu_stopped(true));
	spin_unlock(lock);
	stop();

	start(10);
	lock->next++;
	assert_true(mm_cpu_stopped(true) > 0);
	spin_lock(lock); /* as another CPU */
	assert_int_equal(1, lock->overtaken);
	spin_unlock(lock);
	stop();
}

static void test_locks(void **state)
{
	(void)state;
	dies_with(&mm.zones[ZONE_DMA32].lock);
	dies_with(&mm.zones[ZONE_NORMAL].lock);
	dies_with(hook_trace_lock());
	dies_with(hook_record_lock());
}

static void *post(void *arg)
{
	port_set_pcpu(arg);
	drain_all_pages(); /* waits for CPU 0 */
	return NULL;
}

/* It asks the other CPUs for what they have cached, and they will wait for their turn to ask. */
static void test_request(void **state)
{
	pthread_t thread;
	uint32_t before;

	(void)state;
	start(10);
	before = other.acknowledged;
	assert_int_equal(0, pthread_create(&thread, NULL, post, &other));
	while (__atomic_load_n(&other.acknowledged, __ATOMIC_RELAXED) == before)
		usleep(100);
	assert_int_equal(-EDEADLK, mm_cpu_stopped(true));
	port_set_pcpu(&machine_pcpu);
	mm_ipi();
	assert_int_equal(0, pthread_join(thread, NULL));
	stop();
}

static struct spinlock *held_lock; /* by another CPU */

/* The other CPU goes on when this one has waited for a while. */
static void let_go(void)
{
	static unsigned int yields;

	if (++yields == 3)
		spin_unlock(held_lock);
}

/* What others hold they let go of. */
static void test_locks_of_others(void **state)
{
	(void)state;
	start(10);
	held_lock = &mm.zones[ZONE_DMA32].lock;
	spin_lock(held_lock);
	port_host_yield_hook = let_go;
	assert_true(mm_cpu_stopped(true) > 0);
	port_host_yield_hook = NULL;
	port_set_pcpu(&machine_pcpu);
	assert_int_equal(0, mm_check());
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outside),		  cmocka_unit_test(test_inside),
		cmocka_unit_test(test_inside_with_hooks), cmocka_unit_test(test_locks),
		cmocka_unit_test(test_locks_of_others),	  cmocka_unit_test(test_request),
	};

	return cmocka_run_group_tests_name("cpu_stopped", tests, NULL, NULL);
}

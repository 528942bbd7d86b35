/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_slab_smp.c: objects on threads that play CPUs, built with the thread sanitizer (mk/host.mk). Each
 * allocates, fills, verifies and frees; half of what it frees another has allocated. An object
 * given to two owners shows as a wrong pattern, a lost one in the pages at the end.
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
#include <quarry/slab.h>

#include "test/host/port_host.h"

#define THREADS	 4
#define SLOTS	 200
#define STEPS	 60000
#define EXCHANGE 64
#define BASE	 0x80000000ULL
#define SIZE	 (64ULL << 20)

static struct mm_pcpu area[THREADS];
static void *exchange[EXCHANGE]; /* atomic */
static unsigned int running;	 /* atomic */
static struct kmem_cache *things;

/* The first bytes say how large it is; all others are derived from that and from its address. */
struct thing {
	uint32_t size, of_cache;
};

static unsigned char pattern(const void *object, size_t size)
{
	return (unsigned char)((uintptr_t)object >> 3 ^ size);
}

static void *make(uint64_t *random)
{
	bool of_cache = host_random(random) % 4 == 0;
	size_t size = of_cache ? 48 : sizeof(struct thing) + host_random(random) % 1500;
	struct thing *thing = of_cache ? kmem_cache_alloc(things, GFP_KERNEL | __GFP_NOWARN)
				       : kmalloc(size, GFP_KERNEL | __GFP_NOWARN);

	if (!thing)
		return NULL;
	memset(thing + 1, pattern(thing, size), size - sizeof(*thing));
	thing->size = (uint32_t)size;
	thing->of_cache = of_cache;
	return thing;
}

static void end(struct thing *thing)
{
	const unsigned char *bytes = (const unsigned char *)(thing + 1);
	size_t size;

	if (!thing)
		return;
	size = thing->size;
	for (size_t i = 0; i < size - sizeof(*thing); i++)
		if (bytes[i] != pattern(thing, size))
			abort();
	if (thing->of_cache ? kmem_cache_free(things, thing) : kfree(thing))
		abort();
}

static void *cpu(void *arg)
{
	unsigned int number = (unsigned int)(uintptr_t)arg;
	uint64_t random = 20261128 + number;
	void *slots[SLOTS] = {NULL}, **small = NULL, **more;

	if (number) {
		port_set_pcpu(&area[number]);
		boot_pageset_init(&area[number], number);
		if (setup_per_cpu_pageset(&area[number], number))
			abort();
	}
	for (unsigned long step = 0; step < STEPS; step++) {
		void **slot = &slots[host_random(&random) % SLOTS];

		mm_ipi();
		if (step % 64 == 0)
			sched_yield();
		if (step % 5000 == 0)
			kmem_shrink();
		if (!*slot)
			*slot = make(&random);
		else if (host_random(&random) & 1)
			*slot = __atomic_exchange_n(&exchange[host_random(&random) % EXCHANGE],
						    *slot, __ATOMIC_ACQ_REL);
		end(*slot);
		*slot = NULL;
		if (host_random(&random) % 3)
			*slot = make(&random);
		/* And one that stays: so many slabs that tables of their heads grow meanwhile. */
		more = kmalloc(sizeof(*more), GFP_KERNEL | __GFP_NOWARN);
		if (!more)
			abort();
		*more = small;
		small = more;
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		end(slots[i]);
	for (unsigned int i = 0; small; i++) {
		if (i % 64 == 0)
			mm_ipi();
		more = (void **)*small;
		if (kfree(small))
			abort();
		small = more;
	}
	kmem_cpu_end();
	__atomic_fetch_sub(&running, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE)) {
		mm_ipi();
		sched_yield();
	}
	if (number)
		mm_cpu_offline();
	return NULL;
}

static struct zone_info before;

static void start(void)
{
	struct mm_config config = {.boot_pcpu = &area[0], .nr_cpus = THREADS};

	memblock_init();
	assert_non_null(host_ram_map(BASE, SIZE));
	host_ram_randomize(BASE, SIZE, 20240229);
	assert_int_equal(0, memblock_add(BASE, SIZE));
	memset(area, 0x5a, sizeof(area));
	port_set_pcpu(&area[0]);
	assert_int_equal(0, mm_init(&config));
	memblock_free_all();
	assert_int_equal(0, setup_per_cpu_pageset(&area[0], 0));
	assert_int_equal(0, kmem_cache_init());
	mm_zone_info(ZONE_DMA32, &before);
}

static void stop(void)
{
	struct zone_info after;

	assert_int_equal(0, kmem_release());
	assert_int_equal(0, mm_check());
	drain_all_pages();
	mm_zone_info(ZONE_DMA32, &after);
	/* The arrays of the other CPUs' page caches stay. */
	assert_true(before.free - after.free <= 3 * 64);
	host_ram_unmap();
}

static void objects_on_four_cpus(void **state)
{
	pthread_t thread[THREADS];

	(void)state;
	start();
	things = kmem_cache_create("things", 48, 0, 0, NULL);
	assert_non_null(things);
	running = THREADS;
	for (uintptr_t number = 1; number < THREADS; number++)
		assert_int_equal(0, pthread_create(&thread[number], NULL, cpu, (void *)number));
	cpu((void *)0);
	for (unsigned int number = 1; number < THREADS; number++)
		pthread_join(thread[number], NULL);
	for (unsigned int i = 0; i < EXCHANGE; i++)
		end(exchange[i]);
	assert_int_equal(0, mm_check());
	assert_int_equal(0, kmem_cache_destroy(things));
	stop();
}

/* ---- caches end while others work ------------------------------------------------------------- */

#define ROUNDS	300
#define PASSING 48

static void *handed[PASSING]; /* atomic: objects of a cache, for another CPU to free */
static unsigned int freed;    /* atomic */
static bool over;	      /* atomic */

/*
 * Frees what it is handed, so that the last of a cache lie on its stack; uses other caches for the first
 * time, one after the other, so that it needs stacks; and shrinks, as a request under pressure does.
 */
static void *helper(void *arg)
{
	unsigned int number = (unsigned int)(uintptr_t)arg;
	uint64_t random = 20261129 + number;

	port_set_pcpu(&area[number]);
	boot_pageset_init(&area[number], number);
	if (setup_per_cpu_pageset(&area[number], number))
		abort();
	for (unsigned long step = 0; !__atomic_load_n(&over, __ATOMIC_ACQUIRE); step++) {
		void **place = &handed[host_random(&random) % PASSING], *object;
		struct thing *own;

		mm_ipi();
		object = __atomic_exchange_n(place, NULL, __ATOMIC_ACQ_REL);
		if (object) {
			if (kfree(object))
				abort();
			__atomic_fetch_add(&freed, 1, __ATOMIC_ACQ_REL);
		}
		own = make(&random);
		end(own);
		if (step % 8 == 0)
			sched_yield();
		if (step % 50 == 0)
			kmem_shrink();
		if (step % 200 == 0)
			kmem_cpu_end(); /* each cache is new to it */
	}
	kmem_cpu_end();
	__atomic_fetch_sub(&running, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE)) {
		mm_ipi();
		sched_yield();
	}
	mm_cpu_offline();
	return NULL;
}

static void one_cache(unsigned int round)
{
	struct kmem_cache *cache = kmem_cache_create(round & 1 ? "odd" : "even", 64, 0, 0, NULL);

	assert_non_null(cache);
	__atomic_store_n(&freed, 0, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < PASSING; i++) {
		void *object = kmem_cache_alloc(cache, GFP_KERNEL);

		assert_non_null(object);
		__atomic_store_n(&handed[i], object, __ATOMIC_RELEASE);
	}
	while (__atomic_load_n(&freed, __ATOMIC_ACQUIRE) < PASSING) {
		mm_ipi();
		sched_yield();
	}
	assert_int_equal(0, kmem_cache_destroy(cache));
}

static void caches_end_while_others_work(void **state)
{
	pthread_t thread[THREADS];

	(void)state;
	start();
	things = kmem_cache_create("things", 48, 0, 0, NULL);
	assert_non_null(things);
	running = THREADS;
	for (uintptr_t number = 1; number < THREADS; number++)
		assert_int_equal(0, pthread_create(&thread[number], NULL, helper, (void *)number));
	for (unsigned int round = 0; round < ROUNDS; round++)
		one_cache(round);
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	kmem_cpu_end();
	__atomic_fetch_sub(&running, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE)) {
		mm_ipi();
		sched_yield();
	}
	for (unsigned int number = 1; number < THREADS; number++)
		pthread_join(thread[number], NULL);
	assert_int_equal(0, mm_check());
	assert_int_equal(0, kmem_cache_destroy(things));
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_on_four_cpus),
		cmocka_unit_test(caches_end_while_others_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

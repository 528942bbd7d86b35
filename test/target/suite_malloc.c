// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_malloc.c: C's memory management functions and pools with a minimum, on the machine (FEATURES row 45).
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <quarry/mempool.h>
#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/cpu/smp.h"
#include "drivers/irqchip/irq.h"
#include "drivers/timer/timer.h"
#include "ktap.h"
#include "pool.h"

/* Not known to the compiler, which would warn of a request that fails. */
static volatile size_t too_much = SIZE_MAX;

static void c_functions(void)
{
	char *memory, *more;
	void *volatile old; /* a compiler believes that what realloc() refused to change is gone */

	for (size_t size = 0; size <= 3 * PAGE_SIZE; size += size / 4 + 1) {
		for (size_t alignment = 1; alignment <= 2 * PAGE_SIZE; alignment *= 4) {
			memory = aligned_alloc(alignment, size);
			if (EXPECT(memory != NULL))
				memset(memory, 0xff, size);
			EXPECT_EQ(0, (uintptr_t)memory & (alignment - 1));
			free(memory);
		}
		memory = calloc(size, 1);
		if (EXPECT(memory != NULL))
			EXPECT(all_zero((unsigned char *)memory, size));
		EXPECT_EQ(0, (uintptr_t)memory % _Alignof(max_align_t));
		/* kmalloc() knows it: it is no other heap's. */
		EXPECT(ksize(memory) >= size);
		free(memory);
	}
	memory = malloc(10);
	if (EXPECT(memory != NULL))
		strcpy(memory, "abcdefghi");
	more = realloc(memory, 10000);
	EXPECT(more && strcmp(more, "abcdefghi") == 0);
	old = more;
	errno = 0;
	memory = realloc(more, too_much);
	EXPECT(!memory && errno == ENOMEM);
	EXPECT_EQ(0, kfree(old));
	errno = 0;
	memory = calloc(too_much / 2, 3);
	EXPECT(!memory && errno == ENOMEM);
	free(memory);
	more = strdup("copied by the C library");
	EXPECT(more && ksize(more) >= 24 && strcmp(more, "copied by the C library") == 0);
	free(more);
}
TEST_CASE(malloc, c_functions, c_functions);

/* Whatever others take, as many elements as the minimum can be had. */
static void minimum(void)
{
	enum {
		RESERVE = 32
	};
	const struct mm_fail all = {.every = 1}, none = {0};
	mempool_t *pool;
	void *taken[RESERVE];
	unsigned int n;

	if (skip_without_hooks())
		return;
	pool = mempool_create_kmalloc_pool(RESERVE, 3000);
	if (!EXPECT(pool != NULL))
		return;
	/* Each request for pages, and so for slabs, fails from here on; the slabs there are hold few. */
	kmem_shrink();
	EXPECT_EQ(0, mm_set_fail(&all));
	for (n = 0; n < RESERVE; n++) {
		taken[n] = mempool_alloc(pool, GFP_ATOMIC);
		if (!EXPECT(taken[n] != NULL))
			break;
		memset(taken[n], (int)n, 3000);
	}
	EXPECT_EQ(0, mm_set_fail(&none));
	EXPECT_EQ(-EBUSY, mempool_destroy(pool));
	EXPECT_EQ(-EINVAL, mempool_free(&n, pool));
	while (n--) {
		EXPECT_EQ(n, *(unsigned char *)taken[n]);
		EXPECT_EQ(0, mempool_free(taken[n], pool));
	}
	EXPECT(mempool_free(taken[0], pool) < 0);
	EXPECT_EQ(0, mempool_destroy(pool));
}
TEST_CASE(malloc, minimum, minimum);

/* ---- a pool of all CPUs and their interrupts ---------------------------------------------------- */

#define ROUNDS 5000
#define TICKS  10

static struct {
	mempool_t *pool;
	unsigned int ticks; /* of CPU 0's timer; atomic */
	struct taker {
		unsigned int interrupts, refused, wrong;
	} taker[CONFIG_NR_CPUS];
} shared;

/* One element is taken, is nobody else's meanwhile, and goes back. */
static void turn(unsigned int cpu, bool in_interrupt)
{
	const unsigned char mark = (unsigned char)(2 * cpu + in_interrupt);
	struct taker *taker = &shared.taker[cpu];
	unsigned char *element = mempool_alloc(shared.pool, GFP_ATOMIC);

	if (!element) {
		taker->refused++;
		return;
	}
	memset(element, mark, 64);
	__asm__ volatile("" ::: "memory");
	for (unsigned int n = 0; n < 64; n++)
		taker->wrong += element[n] != mark;
	taker->wrong += mempool_free(element, shared.pool) != 0;
}

static void turn_in_interrupt(void)
{
	const unsigned int cpu = port_pcpu()->cpu;

	shared.taker[cpu].interrupts++;
	turn(cpu, true);
}

static void turns(void *arg)
{
	const unsigned int cpu = port_pcpu()->cpu;

	(void)arg;
	for (unsigned int n = 0;
	     n < ROUNDS || (timer_hz() && __atomic_load_n(&shared.ticks, __ATOMIC_RELAXED) < TICKS);
	     n++)
		turn(cpu, false);
}

static void give_objects(void *arg)
{
	(void)arg;
	kmem_cpu_end();
}

static void kick_others(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&shared.ticks, 1, __ATOMIC_RELAXED);
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++)
		if (smp_online(cpu))
			port_kick(cpu);
}

/*
 * Two elements for each CPU, its thread's and its interrupt's, of an allocator that has none left: nobody is ever
 * refused, and no element has two owners.
 */
static void all_cpus_take(void)
{
	const struct mm_fail all = {.every = 1}, none = {0};

	if (skip_without_hooks())
		return;
	memset(&shared, 0, sizeof(shared));
	shared.pool = mempool_create_kmalloc_pool(2 * (int)smp_nr_cpus(), 3000);
	if (!EXPECT(shared.pool != NULL))
		return;
	kmem_shrink();
	EXPECT_EQ(0, mm_set_fail(&all));
	irq_set_hook(turn_in_interrupt);
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++)
		if (smp_online(cpu))
			EXPECT_EQ(0, smp_call(cpu, turns, NULL));
	timer_set(NSEC_PER_MSEC, true, kick_others, NULL);
	turns(NULL);
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++)
		if (smp_online(cpu))
			smp_wait(cpu);
	timer_set(0, false, NULL, NULL);
	irq_set_hook(NULL);
	EXPECT_EQ(0, mm_set_fail(&none));
	for (unsigned int cpu = 0; cpu < smp_nr_cpus(); cpu++) {
		EXPECT_EQ(0, shared.taker[cpu].refused);
		EXPECT_EQ(0, shared.taker[cpu].wrong);
		EXPECT(shared.taker[cpu].interrupts > 0 || !timer_hz() || !smp_online(cpu));
	}
	EXPECT_EQ(0, mempool_destroy(shared.pool));
	EXPECT_EQ(0, mm_check());
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++)
		if (smp_online(cpu) && smp_call(cpu, give_objects, NULL) == 0)
			smp_wait(cpu);
}
TEST_CASE(malloc, all_cpus_take, all_cpus_take);

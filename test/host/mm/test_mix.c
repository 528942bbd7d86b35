/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_mix.c: requests and frees on threads that play CPUs, and between them all that may be called
 * meanwhile (test/target/mix.h). Signals are interrupts: other CPUs' requests, and ticks at any
 * moment, which allocate and free too. Memory that was reserved is released late, while all others
 * stand still, as memblock.h asks. Built with the thread sanitizer, and once more with the others
 * (mk/host.mk).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <quarry/cma.h>
#include <quarry/memblock.h>
#include <quarry/mm.h>

#include "mm/alloc/alloc.h"
#include "test/host/port_host.h"
#include "test/target/mix.h"

#define THREADS 4
#define BASE	0x80000000ULL
#define MIB	(1ULL << 20)
#define SIZE	(48 * MIB)
#define LATE	16 /* ranges that are released late */
#define TICK_US 200

static struct mm_pcpu area[THREADS];
static struct stress stress;
static struct cma *area_of_all;
static struct stress_worker *workers;
static pthread_t thread[THREADS];
static unsigned int started, running;	  /* atomic */
static unsigned long steps, steps_wanted; /* of CPU 0, with which all end */

/* ---- interrupts ------------------------------------------------------------------------------ */

_Thread_local volatile int port_signal_masked = 1, port_signal_pending; /* until it is a CPU */
static _Thread_local struct stress_worker *this_worker;
static bool halted; /* atomic: who asks for it is alone on the allocator */

static void interrupt(void)
{
	port_pcpu()->irq_depth++;
	mm_ipi();
	if (this_worker && !__atomic_load_n(&halted, __ATOMIC_ACQUIRE))
		stress_irq(this_worker);
	port_pcpu()->irq_depth--;
}

void port_signal_deliver(void)
{
	do {
		port_signal_masked = 1;
		port_signal_pending = 0;
		interrupt();
		port_signal_masked = 0;
	} while (port_signal_pending);
}

static void on_signal(int number)
{
	int saved = errno;

	(void)number;
	if (port_signal_masked)
		port_signal_pending = 1;
	else
		port_signal_deliver();
	errno = saved;
}

static void kick(unsigned int cpu)
{
	pthread_kill(thread[cpu], SIGUSR1);
}

static void *tick(void *arg)
{
	unsigned int cpu = 0;

	(void)arg;
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE)) {
		kick(cpu++ % THREADS);
		usleep(TICK_US);
	}
	return NULL;
}

/* ---- late frees ------------------------------------------------------------------------------ */

static struct late {
	phys_addr_t base, size;
} late[LATE];
static unsigned int nr_late;
static unsigned int standing; /* atomic: workers that wait while others are halted */

/* Ranges of all kinds: within a section, a whole one, across a border; no two touch. */
static void reserve_late(void)
{
	uint64_t random = 7;
	phys_addr_t at = BASE + 2 * MIB;

	for (nr_late = 0; nr_late < LATE; nr_late++) {
		phys_addr_t size = (1 + host_random(&random) % 128) * PAGE_SIZE;

		if (nr_late % 8 == 3) {
			at = ALIGN_UP(at, 4 * MIB);
			size = 4 * MIB;
		}
		late[nr_late] = (struct late){at, size};
		assert_int_equal(0, memblock_reserve(at, size));
		at += size + (1 + host_random(&random) % 64) * PAGE_SIZE;
	}
	assert_true(at < BASE + SIZE / 2);
}

static void stand_still(void)
{
	__atomic_fetch_add(&standing, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&halted, __ATOMIC_ACQUIRE)) {
		mm_ipi();
		sched_yield();
	}
	__atomic_fetch_sub(&standing, 1, __ATOMIC_ACQ_REL);
}

static void release_late(void)
{
	const struct late *range = &late[--nr_late];

	__atomic_store_n(&halted, true, __ATOMIC_RELEASE);
	while (__atomic_load_n(&standing, __ATOMIC_ACQUIRE) + 1 <
	       __atomic_load_n(&running, __ATOMIC_ACQUIRE))
		sched_yield();
	assert_int_equal(0, memblock_free_late(range->base, range->size));
	__atomic_store_n(&halted, false, __ATOMIC_RELEASE);
	while (__atomic_load_n(&standing, __ATOMIC_ACQUIRE))
		sched_yield();
}

/* ---- CPUs ------------------------------------------------------------------------------------ */

static void poll(struct stress_worker *worker)
{
	if (__atomic_load_n(&halted, __ATOMIC_ACQUIRE))
		stand_still();
	mix_step(worker);
	if (worker->number)
		return;
	steps++;
	if (nr_late && steps % (steps_wanted / LATE) == 0)
		release_late();
	if (steps >= steps_wanted && !nr_late)
		stress_stop(&stress);
}

static void *cpu(void *arg)
{
	struct stress_worker *worker = arg;
	unsigned int number = worker->number;

	port_signal_masked = 1; /* until it is a CPU */
	if (number) {
		port_set_pcpu(&area[number]);
		boot_pageset_init(&area[number], number);
		if (setup_per_cpu_pageset(&area[number], number))
			abort();
	}
	this_worker = worker;
	__atomic_fetch_add(&started, 1, __ATOMIC_ACQ_REL);
	port_irq_restore(0);
	while (__atomic_load_n(&started, __ATOMIC_ACQUIRE) < THREADS)
		sched_yield();
	stress_run(worker);
	__atomic_fetch_sub(&running, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&running,
			       __ATOMIC_ACQUIRE)) { /* others may still ask for something */
		mm_ipi();
		sched_yield();
	}
	port_irq_save();
	this_worker = NULL;
	if (number)
		mm_cpu_offline();
	return NULL;
}

static void log_line(const char *line)
{
	if (strncmp(line, "stress:", 7) == 0 || strncmp(line, "mm_check:", 9) == 0)
		fprintf(stderr, "%s\n", line);
}

static uint64_t free_pages_of(enum zone_type type)
{
	uint64_t free[NR_PAGE_ORDERS], pages = 0;

	mm_buddyinfo(type, free);
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
		pages += free[order] << order;
	return pages;
}

static void start(void)
{
	struct mm_config config = {
		.boot_pcpu = &area[0], .nr_cpus = THREADS, .dma32_limit = BASE + SIZE / 2};

	memblock_init();
	assert_non_null(host_ram_map(BASE, SIZE));
	host_ram_randomize(BASE, SIZE, 20240229);
	assert_int_equal(0, memblock_add(BASE, SIZE));
	cma_forget();
	assert_int_equal(0, cma_declare_contiguous(BASE + SIZE - 8 * MIB, 4 * MIB, 0, 0, true,
						   "all", &area_of_all));
	reserve_late();
	memset(area, 0x5a, sizeof(area));
	port_set_pcpu(&area[0]);
	boot_pageset_init(&area[0], 0);
	assert_int_equal(0, mm_init(&config));
	memblock_free_all();
	assert_int_equal(1, cma_init_reserved_areas());
	cma_set_default(area_of_all);
	assert_int_equal(0, setup_per_cpu_pageset(&area[0], 0));
}

static void run(unsigned int kinds, unsigned long cpu0_steps)
{
	struct mm_layout layout;
	struct stress_sums sums;
	uint64_t before[MAX_NR_ZONES], arrays, released = 0, lost = 0;
	pthread_t ticker;

	start();
	mm_get_layout(&layout);
	arrays = layout.pcp_bytes;
	for (int type = 0; type < MAX_NR_ZONES; type++)
		before[type] = free_pages_of((enum zone_type)type);
	workers = calloc(THREADS, sizeof(*workers));
	assert_non_null(workers);
	stress = (struct stress){.max_order = MAX_PAGE_ORDER, .seed = kinds, .poll = poll};
	steps = 0;
	steps_wanted = cpu0_steps;
	stress_init(&stress, workers, THREADS);
	mix_begin(kinds, &stress);
	for (unsigned int i = 0; i < LATE; i++)
		released += late[i].size >> PAGE_SHIFT;
	running = THREADS;
	started = 0;
	thread[0] = pthread_self();
	for (unsigned int i = 1; i < THREADS; i++)
		assert_int_equal(0, pthread_create(&thread[i], NULL, cpu, &workers[i]));
	assert_int_equal(0, pthread_create(&ticker, NULL, tick, NULL));
	cpu(&workers[0]);
	for (unsigned int i = 1; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	pthread_join(ticker, NULL);
	mix_end();
	stress_end(&stress);
	stress_sum(&stress, &sums);
	assert_int_equal(0, sums.mismatches);
	assert_true(sums.irq_operations > 0);
	for (unsigned int kind = 0; kind < MIX_KINDS; kind++)
		assert_true(!(kinds >> kind & 1) || mix_count(kind) > 0);

	/*
	 * everything is free but the arrays of the other CPUs' caches, and what was released late
	 * too
	 */
	assert_int_equal(0, nr_late);
	drain_all_pages();
	assert_int_equal(0, mm_check());
	mm_get_layout(&layout);
	for (int type = 0; type < MAX_NR_ZONES; type++)
		lost += before[type] - free_pages_of((enum zone_type)type);
	assert_int_equal((layout.pcp_bytes - arrays) / PAGE_SIZE, lost + released);
	free(workers);
	host_ram_unmap();
}

static void all_at_once(void **state)
{
	(void)state;
	run(MIX_ALL, 20000);
}

/* Each kind alone, so that what it does is not hidden by what others do before. */
static void each_alone(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < MIX_KINDS; kind++)
		run(1U << kind, 4000);
}

/* Who pins a handle writes to its block while it is copied; that copy is dropped (mm/alloc/mhandle.c). */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:migrate_page\n";
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_alone),
		cmocka_unit_test(all_at_once),
	};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGUSR1, &action, NULL);
	port_host_kick = kick;
	port_host_log_hook = log_line;
	if (argc > 1) { /* test_mix all 1000000: by hand */
		run(mix_parse(argv[1]), argc > 2 ? strtoul(argv[2], NULL, 0) : 100000);
		return 0;
	}
	return cmocka_run_group_tests_name("mix", tests, NULL, NULL);
}

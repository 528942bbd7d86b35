/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_moving.c: a host that moves threads between CPUs (port_moving.h). Each call is made again
 * and again, and at the 1st, 2nd, 3rd, .. point where it lets interrupts in, its thread goes to the
 * other CPU while another thread works on the one it left. The area of the CPU that the thread is
 * not on cannot be written meanwhile: what changes it from afar ends the program. Afterwards
 * mm_check() holds, and what the call promises of all CPUs is so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <quarry/memblock.h>
#include <quarry/mm.h>

#include "mm/pcp/pcp.h"
#include "test/host/port_host.h"

/*
 * Areas of 8 MiB with a reserved section after each: more areas than a CPU knows ranges of open
 * sections.
 */
#define BASE  0x80000000ULL
#define STEP  (12ULL << 20)
#define GAP   (4ULL << 20)
#define AREAS (MM_OPEN_RANGES + 2)
#define POOL  64
#define WORKS 12

unsigned long port_moving_masked;
const void *port_moving_thread;

static struct mm_pcpu *area[2]; /* each on pages of its own */
static const char thread_under_test, thread_of_others;

static struct {
	unsigned long at, seen; /* the point the thread is moved at; points so far */
	bool armed;
	void (*others)(void); /* what others do there instead, while the thread stays */
	void (*each)(void);   /* what an interrupt does at each point; nothing moves then */
} move;

/*
 * Another thread's work on a CPU: single pages and blocks, so that its caches, limits and ranges
 * change.
 */
static struct page *pool[2][POOL];
static unsigned int pooled[2];

static void work_on(unsigned int cpu, unsigned int amount)
{
	const void *thread = port_moving_thread;

	port_moving_thread = &thread_of_others;
	for (unsigned int i = 0; i < amount && pooled[cpu] < POOL; i++) {
		struct page *page = alloc_page(GFP_NOWAIT | __GFP_NOWARN);

		if (page)
			pool[cpu][pooled[cpu]++] = page;
	}
	for (unsigned int i = 0; i < amount / 2 && pooled[cpu]; i++)
		assert_int_equal(0, __free_page(pool[cpu][--pooled[cpu]]));
	port_moving_thread = thread;
}

static void run_on(unsigned int cpu)
{
	size_t size = ALIGN_UP(sizeof(struct mm_pcpu), PAGE_SIZE);

	assert_int_equal(0, mprotect(area[cpu], size, PROT_READ | PROT_WRITE));
	assert_int_equal(0, mprotect(area[!cpu], size, PROT_READ));
	port_set_pcpu(area[cpu]);
}

static unsigned int cpu_now(void)
{
	return port_pcpu() == area[1];
}

void port_moving_point(void)
{
	unsigned int from = cpu_now();

	if (move.each)
		move.each();
	if (!move.armed || ++move.seen != move.at)
		return;
	move.armed = false;
	if (move.others) {
		run_on(!from);
		move.others();
		run_on(from);
		return;
	}
	work_on(from, WORKS);
	run_on(!from);
	work_on(!from, WORKS / 2);
}

/* The interrupt of a CPU that is kicked, the other or, if the thread came back meanwhile, this. */
static void kick(unsigned int cpu)
{
	unsigned int self = cpu_now();
	bool armed = move.armed;

	move.armed = false;
	run_on(cpu);
	mm_ipi();
	run_on(self);
	move.armed = armed;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* So much lies in both CPUs' caches, in steps of several pages each. */
static void fill_caches(void)
{
	static struct page *pages[96];

	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		run_on(cpu);
		for (unsigned int i = 0; i < 96; i++)
			assert_non_null(pages[i] = alloc_page(GFP_KERNEL));
		for (unsigned int i = 0; i < 96; i++)
			assert_int_equal(0, __free_page(pages[i]));
		assert_int_equal(0, __free_pages(alloc_pages(GFP_KERNEL, 3), 3));
	}
	run_on(0);
}

static void call_drain_all(void)
{
	drain_all_pages();
}

static void call_drain_some(void)
{
	while (drain_some_pages())
		;
}

/* Both CPUs' limits are set, wherever the thread was. */
static void call_set_pcp_high(void)
{
	struct pcp_info info;

	mm_set_pcp_high(9);
	for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
		if (!info.order)
			assert_int_equal(9, info.high);
	mm_set_pcp_high(64);
	for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
		if (!info.order && info.capacity >= 64)
			assert_int_equal(64, info.high);
}

/* So are their hooks. */
static void call_set_hooks(void)
{
	assert_int_equal(0, mm_set_hooks(MM_HOOK_INIT_ON_FREE));
	assert_true(area[0]->hooks && area[1]->hooks);
	assert_int_equal(0, __free_page(alloc_page(GFP_KERNEL)));
	assert_int_equal(0, mm_set_hooks(0));
	assert_true(!area[0]->hooks && !area[1]->hooks);
}

static void call_slow_requests(void)
{
	static struct page *pages[80];
	struct page *block = alloc_pages(GFP_KERNEL | __GFP_ZERO, 4);
	void *exact = alloc_pages_exact(11 * PAGE_SIZE, GFP_KERNEL);
	unsigned long n = alloc_pages_bulk(GFP_KERNEL, 80, pages);

	assert_int_equal(80, n);
	assert_non_null(block);
	assert_non_null(exact);
	get_page(block);
	assert_int_equal(0, __free_pages(block, 4)); /* its other holder keeps one page */
	assert_int_equal(0, put_page(block));
	assert_int_equal(0, free_pages_exact(exact, 11 * PAGE_SIZE));
	while (n)
		assert_int_equal(0, __free_page(pages[--n]));
}

/* What is refused looks at all CPUs' caches first. */
static void call_refused(void)
{
	static struct page *pages[2 * MAX_ORDER_NR_PAGES];
	unsigned int n = 0;

	while ((pages[n] = alloc_pages(GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL,
				       MAX_PAGE_ORDER)))
		n++;
	while (n)
		assert_int_equal(0, __free_pages(pages[--n], MAX_PAGE_ORDER));
}

#define KEPT_PAGES 3
static struct page *kept[AREAS][KEPT_PAGES];

/* All memory is taken once; what is kept are a few blocks of each area. */
static void keep_some_of_each_area(void)
{
	static struct page *all[AREAS * STEP / PAGE_SIZE / 8];
	unsigned int n = 0, nr_kept[AREAS] = {0};

	while ((all[n] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, 3)))
		n++;
	while (n--) {
		unsigned long in = (page_to_phys(all[n]) - BASE) / STEP;

		if (nr_kept[in] < KEPT_PAGES)
			kept[in][nr_kept[in]++] = all[n];
		else
			assert_int_equal(0, __free_pages(all[n], 3));
	}
	drain_all_pages();
}

/* Area by area: in no range that the CPU has noted, or in the last of them. And wrong frees. */
static void call_frees(void)
{
	for (unsigned int i = 0; i < KEPT_PAGES; i++) {
		for (unsigned int in = 0; in < AREAS; in++) {
			assert_int_not_equal(0, __free_pages(kept[in][i] + 1, 1));
			assert_int_equal(0, __free_pages(kept[in][i], 3));
			assert_int_not_equal(0, __free_pages(kept[in][i], 3));
		}
	}
}

static struct {
	unsigned int calls, nested;
	bool moves;
} shrunk;

static unsigned long count_objects(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	(void)control;
	return 5;
}

/* It needs memory for itself, on the CPU that it has been moved to; then no shrinker is called. */
static unsigned long scan_objects(struct shrinker *shrinker, struct shrink_control *control)
{
	struct page *page;

	(void)control;
	shrunk.calls++;
	if (shrunk.moves)
		run_on(!cpu_now());
	assert_int_equal(-16, unregister_shrinker(shrinker)); /* -EBUSY */
	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER);
	assert_null(page);
	page = alloc_page(GFP_KERNEL | __GFP_NOWARN);
	shrunk.nested += page != NULL;
	if (page)
		assert_int_equal(0, __free_page(page));
	return SHRINK_STOP;
}

static struct shrinker shrinker = {.count_objects = count_objects, .scan_objects = scan_objects};

/*
 * Nothing of the callbacks stays behind on a CPU: both may register and call shrinkers afterwards.
 */
static void call_shrinkers(void)
{
	static struct page *pages[2 * MAX_ORDER_NR_PAGES];
	unsigned int n = 0;

	for (int moves = 0; moves < 2; moves++) {
		shrunk.moves = moves;
		assert_int_equal(0, register_shrinker(&shrinker));
		shrunk.calls = 0;
		while ((pages[n] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER)))
			n++;
		assert_int_equal(1, shrunk.calls);
		for (unsigned int cpu = 0; cpu < 2; cpu++) {
			run_on(cpu);
			assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER));
			assert_int_equal(2 + cpu, shrunk.calls);
		}
		assert_int_equal(0, unregister_shrinker(&shrinker));
	}
	while (n)
		assert_int_equal(0, __free_pages(pages[--n], MAX_PAGE_ORDER));
}

/* ---- each call, moved at each point ---------------------------------------------------------- */

static int start(void **state)
{
	size_t size = ALIGN_UP(sizeof(struct mm_pcpu), PAGE_SIZE);
	struct mm_config config = {.nr_cpus = 2};

	(void)state;
	port_host_log_hook = port_host_quiet;
	port_host_kick = kick;
	port_moving_thread = &thread_under_test;
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		area[cpu] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				 -1, 0);
		assert_true(area[cpu] != MAP_FAILED);
	}
	memblock_init();
	assert_non_null(host_ram_map(BASE, AREAS * STEP));
	assert_int_equal(0, memblock_add(BASE, AREAS * STEP));
	for (unsigned int i = 1; i <= AREAS; i++)
		assert_int_equal(0, memblock_reserve(BASE + i * STEP - GAP, GAP));
	boot_pageset_init(area[1], 1);
	run_on(0);
	config.boot_pcpu = area[0];
	assert_int_equal(0, mm_init(&config));
	memblock_free_all();
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		run_on(cpu);
		assert_int_equal(0, setup_per_cpu_pageset(area[cpu], cpu));
	}
	run_on(0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		run_on(cpu);
		while (pooled[cpu])
			assert_int_equal(0, __free_page(pool[cpu][--pooled[cpu]]));
	}
	host_ram_unmap();
	return 0;
}

static void moved_at_each_point(void (*prepare)(void), void (*call)(void))
{
	unsigned long n = 0;

	do {
		prepare();
		move.at = ++n;
		move.seen = 0;
		move.armed = true;
		call();
		move.armed = false;
		run_on(0);
		assert_int_equal(0, port_moving_masked);
		assert_int_equal(0, mm_check());
	} while (move.seen >= n);
	assert_true(n > 1); /* it was moved at all */
	print_message("%lu points\n", n - 1);
}

#define MOVED(name, prepare)                               \
	static void name(void **state)                     \
	{                                                  \
		(void)state;                               \
		moved_at_each_point(prepare, call_##name); \
	}
MOVED(drain_all, fill_caches)
MOVED(drain_some, fill_caches)
MOVED(set_pcp_high, fill_caches)
MOVED(set_hooks, fill_caches)
MOVED(slow_requests, fill_caches)
MOVED(refused, fill_caches)
MOVED(frees, keep_some_of_each_area)
MOVED(shrinkers, fill_caches)

static void others_set_hooks(void)
{
	assert_int_equal(0, mm_set_hooks(MM_HOOK_INIT_ON_FREE));
}

/* Hooks are set at each point of a CPU's way online: it has them then. */
static void hooks_while_a_cpu_comes(void **state)
{
	unsigned long n = 0;

	(void)state;
	move.others = others_set_hooks;
	do {
		run_on(1);
		mm_cpu_offline();
		move.at = ++n;
		move.seen = 0;
		move.armed = true;
		mm_cpu_online(area[1]);
		move.armed = false;
		pcp_sync_limits();
		assert_int_equal(move.seen < n ? 0 : MM_HOOK_INIT_ON_FREE, area[1]->hooks);
		assert_int_equal(0, mm_check());
		run_on(0);
		assert_int_equal(0, mm_set_hooks(0));
	} while (move.seen >= n);
	assert_true(n > 1);
	move.others = NULL;
}

/* ---- a CPU whose interrupts do not rest -------------------------------------------------------- */

#define MOST_POINTS 2000

/* Its cache has pages again as often as it has none. */
static void fill_again(void)
{
	struct page *page;

	move.each = NULL;
	page = ++move.seen < MOST_POINTS ? alloc_page(GFP_NOWAIT) : NULL;
	if (page)
		assert_int_equal(0, __free_page(page));
	move.each = fill_again;
}

static void idle_ends(void **state)
{
	struct zone *zone;

	(void)state;
	run_on(0);
	fill_caches();
	move.seen = 0;
	move.each = fill_again;
	mm_cpu_idle();
	move.each = NULL;
	assert_true(move.seen && move.seen < MOST_POINTS / 2);
	drain_all_pages();
	mm_cpu_idle();
	for_each_zone (zone)
		assert_int_equal(0, pcp_hold(zone, 1));
	assert_int_equal(0, mm_check());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drain_all),
		cmocka_unit_test(drain_some),
		cmocka_unit_test(set_pcp_high),
		cmocka_unit_test(set_hooks),
		cmocka_unit_test(slow_requests),
		cmocka_unit_test(refused),
		cmocka_unit_test(frees),
		cmocka_unit_test(shrinkers),
		cmocka_unit_test(hooks_while_a_cpu_comes),
		cmocka_unit_test(idle_ends),
	};

	alarm(120); /* a CPU that is not asked, or does not answer, is waited for */
	return cmocka_run_group_tests_name("moving", tests, start, stop);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_memblock_cost.c: what calls of memblock cost, in basic blocks that are executed and bytes
 * that are moved: the same every time, whatever else the machine does. memblock is compiled so that
 * each block calls __sanitizer_cov_trace_pc() (mk/host.mk).
 *
 * Each workload has two sizes: twice as many regions may cost twice as much and a little more (n
 * log n), for n calls as well as for one call over n regions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>

#include "test/host/port_host.h"

#define PAGE	      ((phys_addr_t)PAGE_SIZE)
#define AT	      ((phys_addr_t)1 << 30) /* of the regions */
#define ROOM	      ((phys_addr_t)1 << 20) /* of the arrays, with what else is free */
#define ROOM_SIZE     ((phys_addr_t)4 << 20)

#define FEW	      2048U
#define MANY	      (2 * FEW)
#define RATIO_PERCENT 225 /* 2 log(2n) / log n, with n = FEW: 218 */

static unsigned long steps, moved;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	steps++;
}

/* memblock's, in place of the C library's: they count. */
void *memmove(void *to, const void *from, size_t size)
{
	char *t = to;
	const char *f = from;

	moved += size;
	for (size_t i = 0; i < size; i++) {
		size_t byte = t < f ? i : size - 1 - i;

		t[byte] = f[byte];
		__asm__ volatile(
			"" ::
				: "memory"); /* or the compiler makes it a call of memmove() */
	}
	return to;
}

/* ---- workloads ------------------------------------------------------------------------------- */

/* i of n in an order that is neither rising nor falling: n is a power of two. */
static unsigned int shuffled(unsigned int i, unsigned int n)
{
	return (i * 2654435761U + 12345) & (n - 1);
}

static phys_addr_t place(unsigned int i)
{
	return AT + 2 * i * PAGE;
}

static void none(unsigned int n)
{
	(void)n;
}

static void reserve_all(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(memblock_reserve(place(i), PAGE), 0);
}

static void reserve_shuffled(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(memblock_reserve(place(shuffled(i, n)), PAGE), 0);
}

static void add_all(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(memblock_add(place(i), PAGE), 0);
}

static void add_flagged(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(memblock_add_node(place(i), PAGE, 0, MEMBLOCK_HOTPLUG), 0);
}

static void add_bank(unsigned int n)
{
	assert_int_equal(memblock_add(AT, 2 * n * PAGE), 0);
}

static void mark_all(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(memblock_mark_nomap(place(i), PAGE), 0);
}

static void free_all_from_the_top(unsigned int n)
{
	while (n--)
		assert_int_equal(memblock_phys_free(place(n), PAGE), 0);
}

static void alloc_all(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(memblock_phys_alloc_range(64, 64, AT, PHYS_ADDR_MAX),
				 AT + 2 * n * PAGE - 64 * (i + 1));
}

/* One call over all of them. */
static void reserve_over(unsigned int n)
{
	assert_int_equal(memblock_reserve(AT, 2 * n * PAGE), 0);
	assert_true(memblock.reserved.cnt < 8);
}

static void free_over(unsigned int n)
{
	assert_int_equal(memblock_phys_free(AT + 1, 2 * n * PAGE), 0);
	assert_true(memblock.reserved.cnt < 8);
}

static void add_between(unsigned int n)
{
	assert_int_equal(memblock_add(AT, 2 * n * PAGE), 0);
	assert_true(memblock.memory.cnt >= 2 * n);
}

static void mark_over(unsigned int n)
{
	assert_int_equal(memblock_mark_nomap(AT + 1, 2 * n * PAGE), 0);
}

static void remove_over(unsigned int n)
{
	assert_int_equal(memblock_remove(AT + 1, 2 * n * PAGE), 0);
}

static void cap(unsigned int n)
{
	memblock_cap_memory_range(ROOM, AT + n * PAGE - ROOM);
}

static void trim(unsigned int n)
{
	(void)n;
	memblock_trim_memory(PAGE);
}

static void refused_alloc(unsigned int n)
{
	assert_int_equal(memblock_phys_alloc_range(2 * PAGE, PAGE, AT, PHYS_ADDR_MAX), 0);
	memblock_set_bottom_up(true);
	assert_int_equal(memblock_phys_alloc_range(2 * PAGE, PAGE, AT, PHYS_ADDR_MAX), 0);
	(void)n;
}

static void loops(unsigned int n)
{
	unsigned int found = 0;
	uint64_t i;
	int idx;

	for_each_free_mem_range (i, NUMA_NO_NODE, MEMBLOCK_NONE, NULL, NULL, NULL)
		found++;
	for_each_free_mem_range_reverse(i, NUMA_NO_NODE, MEMBLOCK_NONE, NULL, NULL, NULL) found++;
	for_each_reserved_mem_range(i, NULL, NULL) found++;
	for_each_mem_pfn_range(idx, NUMA_NO_NODE, NULL, NULL, NULL) found++;
	assert_true(found >= 3 * n);
	assert_null(memblock_check());
}

static const struct work {
	const char *name;
	void (*before)(unsigned int n), (*also)(unsigned int n), (*run)(unsigned int n);
	bool moves_more; /* regions that come in no order are moved as often as need be */
} works[] = {
	{"reserve, rising", none, none, reserve_all, false},
	{"reserve, in no order", none, none, reserve_shuffled, true},
	{"add, rising", none, none, add_all, false},
	{"mark no-map, rising", add_bank, none, mark_all, false},
	{"free, falling", reserve_all, none, free_all_from_the_top, false},
	{"allocate", add_bank, none, alloc_all, false},
	{"reserve over all", reserve_all, none, reserve_over, false},
	{"free over all", reserve_all, none, free_over, false},
	{"add between regions with other flags", add_flagged, none, add_between, false},
	{"mark regions with different flags no-map", add_flagged, add_bank, mark_over, false},
	{"remove regions with different flags", add_flagged, add_bank, remove_over, false},
	{"cap to a half", add_all, reserve_all, cap, false},
	{"trim", add_flagged, add_bank, trim, false},
	{"an allocation that no gap can serve", add_bank, reserve_all, refused_alloc, false},
	{"loops over all, and the checker", add_bank, reserve_all, loops, false},
};

/* ---- measuring ------------------------------------------------------------------------------- */

static void measure(const struct work *work, unsigned int n, unsigned long *cost,
		    unsigned long *bytes)
{
	memblock_init();
	assert_int_equal(memblock_add(ROOM, ROOM_SIZE), 0);
	memblock_set_current_limit(ROOM + ROOM_SIZE);
	work->before(n);
	work->also(n);
	/* What an array's growth costs has been paid, but where that is what is measured. */
	steps = moved = 0;
	work->run(n);
	*cost = steps;
	*bytes = moved;
}

static void test_cost(void **state)
{
	(void)state;
	assert_non_null(host_ram_map(ROOM, ROOM_SIZE));
	for (size_t w = 0; w < sizeof(works) / sizeof(works[0]); w++) {
		unsigned long few, many, few_bytes, many_bytes;

		measure(&works[w], FEW, &few, &few_bytes);
		measure(&works[w], MANY, &many, &many_bytes);
		print_message("# %s: %lu steps and %lu bytes, %lu and %lu\n", works[w].name, few,
			      few_bytes, many, many_bytes);
		assert_true(few > 8); /* it counts */
		if (many * 100 > few * RATIO_PERCENT)
			fail_msg("%s: %lu steps, %lu for twice as many", works[w].name, few, many);
		if (!works[w].moves_more &&
		    many_bytes * 100 > few_bytes * RATIO_PERCENT + 100 * 4096)
			fail_msg("%s: %lu bytes moved, %lu for twice as many", works[w].name,
				 few_bytes, many_bytes);
	}
	host_ram_unmap();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests_name("memblock_cost", tests, NULL, NULL);
}

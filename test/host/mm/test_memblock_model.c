/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_memblock_model.c: random calls on a small address space, each compared with a model that
 * keeps one byte per unit of memory. The model is obvious; memblock must agree with it on every
 * unit, on every result, and on where an allocation goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "test/host/port_host.h"
#include <quarry/memblock.h>

/* The space: UNITS units of UNIT bytes from BASE on. Bytes beyond are never added. */
#define UNITS  1024
#define UNIT   64
#define BASE   ((phys_addr_t)1 << 20)
#define ROUNDS 100000

enum {
	MEMORY = 1,
	HOTPLUG = 2,
	NOMAP = 4,
	RESERVED = 8,
};

static unsigned char model[UNITS];
static uint64_t seed = 20240607;

static unsigned int pick(unsigned int n)
{
	return (unsigned int)(host_random(&seed) % n);
}

static void model_set(unsigned int from, unsigned int n, int set, int clear, int only)
{
	for (unsigned int i = from; i < from + n; i++) {
		if ((model[i] & only) == only)
			model[i] = (unsigned char)((model[i] | set) & ~clear);
	}
}

/* Memory keeps the flags it has; new memory gets these. */
static void model_add(unsigned int from, unsigned int n, int flags)
{
	for (unsigned int i = from; i < from + n; i++) {
		if (!(model[i] & MEMORY))
			model[i] = (unsigned char)(model[i] | MEMORY | flags);
	}
}

static bool model_free(unsigned int from, unsigned int n)
{
	for (unsigned int i = from; i < from + n; i++) {
		if ((model[i] & (MEMORY | NOMAP | RESERVED)) != MEMORY)
			return false;
	}
	return true;
}

/* An allocation never spans regions whose flags differ. */
static bool model_fits(unsigned int from, unsigned int n)
{
	for (unsigned int i = from; i < from + n; i++) {
		if ((model[i] & HOTPLUG) != (model[from] & HOTPLUG))
			return false;
	}
	return model_free(from, n);
}

/* The place the first fit from the top (or the bottom) must find, or -1. All in units. */
static int model_find(unsigned int n, unsigned int align, unsigned int from, unsigned int to,
		      bool up)
{
	int found = -1;

	for (unsigned int i = (from + align - 1) / align * align; i + n <= to; i += align) {
		if (!model_fits(i, n))
			continue;
		found = (int)i;
		if (up)
			break;
	}
	return found;
}

static void compare(void)
{
	const char *wrong = memblock_check();
	phys_addr_t mem = 0, reserved = 0, in_ranges = 0, start, end;
	unsigned int unit;
	uint64_t i;

	if (wrong)
		fail_msg("%s", wrong);
	for (unit = 0; unit < UNITS; unit++) {
		phys_addr_t at = BASE + (phys_addr_t)unit * UNIT;

		mem += model[unit] & MEMORY ? UNIT : 0;
		reserved += model[unit] & RESERVED ? UNIT : 0;
		assert_int_equal(memblock_is_memory(at), !!(model[unit] & MEMORY));
		assert_int_equal(memblock_is_map_memory(at + UNIT - 1),
				 (model[unit] & (MEMORY | NOMAP)) == MEMORY);
		assert_int_equal(memblock_is_reserved(at), !!(model[unit] & RESERVED));
	}
	assert_int_equal(memblock_phys_mem_size(), mem);
	assert_int_equal(memblock_reserved_size(), reserved);
	for (unsigned long r = 0; r < memblock.memory.cnt; r++) {
		const struct memblock_region *region = &memblock.memory.regions[r];

		unit = (unsigned int)((region->base - BASE) / UNIT);
		assert_int_equal(region->flags & MEMBLOCK_HOTPLUG ? HOTPLUG : 0,
				 model[unit] & HOTPLUG);
	}

	/* The free ranges, up and down, are the model's free units and nothing else. */
	for_each_free_mem_range (i, NUMA_NO_NODE, MEMBLOCK_NONE, &start, &end, NULL) {
		assert_true(start < end);
		assert_true(model_free((unsigned int)((start - BASE) / UNIT),
				       (unsigned int)((end - start) / UNIT)));
		in_ranges += end - start;
	}
	for (unit = 0; unit < UNITS; unit++)
		in_ranges -= model_free(unit, 1) ? UNIT : 0;
	assert_int_equal(in_ranges, 0);
	for_each_free_mem_range_reverse(i, NUMA_NO_NODE, MEMBLOCK_NONE, &start, &end, NULL)
	{
		in_ranges += end - start;
	}
	for_each_free_mem_range (i, NUMA_NO_NODE, MEMBLOCK_NONE, &start, &end, NULL) {
		in_ranges -= end - start;
	}
	assert_int_equal(in_ranges, 0);
}

static void random_allocation(void)
{
	unsigned int n = 1 + pick(12), align = 1u << pick(5), from = pick(UNITS), to;
	bool up = pick(2);
	phys_addr_t got;
	int want;

	to = from + pick(UNITS - from + 1);
	want = model_find(n, align, from, to, up);
	memblock_set_bottom_up(up);
	got = memblock_phys_alloc_range((phys_addr_t)n * UNIT, (phys_addr_t)align * UNIT,
					BASE + (phys_addr_t)from * UNIT,
					BASE + (phys_addr_t)to * UNIT);
	if (want < 0) {
		assert_int_equal(got, 0);
		return;
	}
	assert_int_equal(got, BASE + (phys_addr_t)(unsigned int)want * UNIT);
	model_set((unsigned int)want, n, RESERVED, 0, 0);
}

static void random_call(void)
{
	unsigned int from = pick(UNITS), n = 1 + pick(pick(8) ? 16 : UNITS / 2);
	phys_addr_t base = BASE + (phys_addr_t)from * UNIT, size;
	int err = 0;

	if (n > UNITS - from)
		n = UNITS - from;
	size = (phys_addr_t)n * UNIT;
	switch (pick(12)) {
	case 0:
	case 1:
		err = memblock_add(base, size);
		model_add(from, n, 0);
		break;
	case 2:
		err = memblock_add_node(base, size, 0, MEMBLOCK_HOTPLUG);
		model_add(from, n, HOTPLUG);
		break;
	case 3:
		err = memblock_remove(base, size);
		model_set(from, n, 0, MEMORY | HOTPLUG | NOMAP, 0);
		break;
	case 4:
		err = memblock_reserve(base, size);
		model_set(from, n, RESERVED, 0, 0);
		break;
	case 5:
	case 6:
		err = memblock_phys_free(base, size);
		model_set(from, n, 0, RESERVED, 0);
		break;
	case 7:
		err = memblock_mark_nomap(base, size);
		model_set(from, n, NOMAP, 0, MEMORY);
		break;
	case 8:
		err = memblock_clear_nomap(base, size);
		model_set(from, n, 0, NOMAP, MEMORY);
		break;
	default:
		random_allocation();
	}
	assert_int_equal(err, 0);
}

/* Arrays as large as they can ever need to be, so that none is put into the space under test. */
static void test_model(void **state)
{
	static struct memblock_region memory[UNITS], reserved[UNITS];

	(void)state;
	port_host_log_hook = port_host_quiet;
	memblock_init();
	memblock.memory.regions = memory;
	memblock.memory.max = UNITS;
	memblock.reserved.regions = reserved;
	memblock.reserved.max = UNITS;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		random_call();
		if (round % 16 == 0 || round < 1000)
			compare();
	}
	compare();
}

/* The same calls with arrays that start small, move, and come from the memory they describe. */
static void test_model_with_growth(void **state)
{
	const phys_addr_t ram = BASE + (phys_addr_t)UNITS * UNIT + PAGE_SIZE, ram_size = 1 << 20;
	unsigned long most = 0;

	(void)state;
	memblock_init();
	assert_non_null(host_ram_map(0, 1 << 22));
	for (unsigned int life = 0; life < 20; life++) {
		memblock_init();
		memset(model, 0, sizeof(model));
		memblock_add(ram, ram_size);
		for (unsigned int i = 0; i < 1500; i++) {
			unsigned int at = pick(UNITS);
			phys_addr_t base = BASE + (phys_addr_t)at * UNIT;

			if (pick(2)) {
				assert_int_equal(memblock_reserve(base, UNIT), 0);
				model_set(at, 1, RESERVED, 0, 0);
			} else if (pick(3)) {
				assert_int_equal(memblock_add(base, UNIT), 0);
				model_add(at, 1, 0);
			} else {
				assert_int_equal(memblock_mark_nomap(base, UNIT), 0);
				model_set(at, 1, NOMAP, 0, MEMORY);
			}
		}
		for (unsigned int unit = 0; unit < UNITS; unit++) {
			phys_addr_t at = BASE + (phys_addr_t)unit * UNIT;

			assert_int_equal(memblock_is_memory(at), !!(model[unit] & MEMORY));
			assert_int_equal(memblock_is_map_memory(at),
					 (model[unit] & (MEMORY | NOMAP)) == MEMORY);
			assert_int_equal(memblock_is_reserved(at), !!(model[unit] & RESERVED));
		}
		assert_null(memblock_check());
		most = memblock.reserved.max > most ? memblock.reserved.max : most;
		/* The arrays in use are reserved, and the outgrown ones are not. */
		assert_true(memblock.memory.max > CONFIG_MEMBLOCK_REGIONS);
		assert_true(memblock_is_reserved(virt_to_phys(memblock.memory.regions)));
		assert_true(memblock_is_reserved(virt_to_phys(memblock.reserved.regions)));
		memblock_phys_free(BASE, (phys_addr_t)UNITS * UNIT);
		assert_int_equal(
			memblock_reserved_size(),
			ALIGN_UP(memblock.memory.max * sizeof(struct memblock_region), PAGE_SIZE) +
				ALIGN_UP(memblock.reserved.max * sizeof(struct memblock_region),
					 PAGE_SIZE));
	}
	assert_true(most > CONFIG_MEMBLOCK_REGIONS);
	host_ram_unmap();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_model_with_growth),
	};

	return cmocka_run_group_tests_name("memblock_model", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_fdt_cost.c: what reading a device tree costs, in basic blocks that are executed: the same
 * every time, whatever else the machine does. All of boot/dt/fdt_early*.c, memblock and libfdt is
 * compiled so that each block calls __sanitizer_cov_trace_pc() (mk/host.mk).
 *
 * Each tree is made in two sizes: twice as much may cost twice as much and a little more (n log n).
 * And none may cost more than so many steps a byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libfdt.h>
#include <quarry/memblock.h>

#include "boot/dt/fdt_early.h"
#include "test/host/port_host.h"

#define RAM	       ((phys_addr_t)0x80000000)
#define RAM_SIZE       ((phys_addr_t)1 << 30)

#define FEW	       (FDT_EARLY_MAX_REGIONS / 2)
#define MANY	       FDT_EARLY_MAX_REGIONS
#define RATIO_PERCENT  225 /* 2 log(2n) / log n, with n = FEW: 218 */
#define STEPS_PER_BYTE 300

static _Alignas(8) char blob[FDT_EARLY_MAX_SIZE];
static unsigned long steps;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	steps++;
}

/* ---- trees ----------------------------------------------------------------------------------- */

static void open_node(const char *name)
{
	assert_int_equal(fdt_begin_node(blob, name), 0);
}

static void close_node(void)
{
	assert_int_equal(fdt_end_node(blob), 0);
}

static void cells(void)
{
	assert_int_equal(fdt_property_u32(blob, "#address-cells", 2), 0);
	assert_int_equal(fdt_property_u32(blob, "#size-cells", 2), 0);
}

/* i of n in an order that is neither rising nor falling: n is a power of two. */
static unsigned int shuffled(unsigned int i, unsigned int n)
{
	return (i * 2654435761U + 12345) & (n - 1);
}

static void pairs(const char *name, unsigned int n, phys_addr_t base, phys_addr_t step,
		  phys_addr_t size)
{
	void *at;

	assert_int_equal(fdt_property_placeholder(blob, name, (int)(n * 16), &at), 0);
	for (unsigned int i = 0; i < n; i++) {
		fdt64_st((char *)at + 16 * i, base + shuffled(i, n) * step);
		fdt64_st((char *)at + 16 * i + 8, size);
	}
}

/* A child of /reserved-memory for each. */
static void nodes(unsigned int n, phys_addr_t step, phys_addr_t size, bool nomap)
{
	for (unsigned int i = 0; i < n; i++) {
		open_node("r");
		if (nomap)
			assert_int_equal(fdt_property(blob, "no-map", "", 0), 0);
		pairs("reg", 1, RAM + shuffled(i, n) * step, 0, size);
		close_node();
	}
}

static void memory(unsigned int n, phys_addr_t base, phys_addr_t step, phys_addr_t size)
{
	open_node("memory@80000000");
	assert_int_equal(fdt_property_string(blob, "device_type", "memory"), 0);
	pairs("reg", n, base, step, size);
	close_node();
}

static void pool(unsigned int n, phys_addr_t base, phys_addr_t step, phys_addr_t size,
		 phys_addr_t wanted)
{
	open_node("pool");
	assert_int_equal(fdt_property_u64(blob, "size", wanted), 0);
	pairs("alloc-ranges", n, base, step, size);
	close_node();
}

static void make_banks(unsigned int n)
{
	memory(n, RAM, 0x200000, 0x100000);
}

static void make_overlapping_banks(unsigned int n)
{
	memory(n, RAM, 0x1000, 0x200000);
}

static void make_empty_banks(unsigned int n)
{
	for (unsigned int i = 0; i < 8 * n; i++) {
		open_node("x");
		close_node();
	}
	memory(1, RAM, 0, RAM_SIZE);
	memory(n / 2, 0, 0, 0);
}

static void make_reservations(unsigned int n)
{
	memory(1, RAM, 0, RAM_SIZE);
	open_node("reserved-memory");
	cells();
	nodes(n, 0x4000, 0x1000, false);
	close_node();
}

static void make_nomaps(unsigned int n)
{
	memory(1, RAM, 0, RAM_SIZE);
	open_node("reserved-memory");
	cells();
	nodes(n, 0x4000, 0x1000, true);
	close_node();
}

static void make_overlapping_reservations(unsigned int n)
{
	memory(1, RAM, 0, RAM_SIZE);
	open_node("reserved-memory");
	cells();
	nodes(n, 0x1000, 0x100000, false);
	close_node();
}

static void make_alloc_ranges(unsigned int n)
{
	memory(1, RAM, 0, RAM_SIZE);
	open_node("reserved-memory");
	cells();
	/* free memory in thousands of pieces, and ranges that reach over all and have no room */
	nodes(n, 0x4000, 0x1000, false);
	pool(n, RAM, 0x1000, 0x4000 * (phys_addr_t)(n / 2), 0x10000);
	close_node();
}

static void make_usable(unsigned int n)
{
	open_node("chosen");
	pairs("linux,usable-memory-range", n, RAM, 0x200000, 0x180000);
	close_node();
	memory(1, RAM, 0, 0x200000 * (phys_addr_t)n);
}

static void make_all(unsigned int n)
{
	make_usable(n);
	make_banks(n / 2);
	open_node("reserved-memory");
	cells();
	nodes(n, 0x200000, 0x1000, true);
	for (int i = 0; i < 32; i++)
		pool(n / 32, RAM, 0x200000, 0x1000, 0x1000);
	close_node();
}

static void make_long_names(unsigned int n)
{
	char name[FDT_EARLY_MAX_NAME + 1];

	memory(1, RAM, 0, RAM_SIZE);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	for (unsigned int i = 0; i < 4 * n; i++) {
		open_node("memory");
		assert_int_equal(fdt_property(blob, name, "", 0), 0);
		close_node();
	}
}

static void make_long_node_name(unsigned int n)
{
	static char name[1 << 20];

	memset(name, 'n', sizeof(name));
	memcpy(name, "memory@", 7);
	name[200 * n] = '\0';
	open_node(name);
	assert_int_equal(fdt_property_string(blob, "device_type", "memory"), 0);
	pairs("reg", n, RAM, 0x1000, 0);
	close_node();
	memory(1, RAM, 0, RAM_SIZE);
}

static unsigned long cost_of(void (*make)(unsigned int n), unsigned int n)
{
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	open_node("");
	cells();
	make(n);
	close_node();
	assert_int_equal(fdt_finish(blob), 0);
	memblock_init();
	steps = 0;
	assert_int_equal(fdt_early_init(blob, FDT_EARLY_NOWHERE), 0);
	return steps;
}

static void test_cost(void **state)
{
	static const struct {
		const char *what;
		void (*make)(unsigned int n);
		unsigned int divisor; /* of the number of entries */
	} kinds[] = {
		{"banks", make_banks, 1},
		{"banks that overlap", make_overlapping_banks, 1},
		{"empty banks behind many nodes", make_empty_banks, 1},
		{"reservations", make_reservations, 1},
		{"no-map reservations", make_nomaps, 1},
		{"reservations that overlap", make_overlapping_reservations, 1},
		{"alloc-ranges", make_alloc_ranges, 1},
		{"usable ranges", make_usable, 1},
		{"all of them", make_all, 1},
		{"long names of properties", make_long_names, 1},
		{"a long name of a node", make_long_node_name, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		unsigned int by = kinds[i].divisor;
		unsigned long few = cost_of(kinds[i].make, FEW / by);
		unsigned long many = cost_of(kinds[i].make, MANY / by);

		print_message("# %s: %lu steps, twice as many: %lu; %lu a byte\n", kinds[i].what,
			      few, many, many / fdt_totalsize(blob));
		assert_true(many * 100 <= few * RATIO_PERCENT);
		assert_true(many <= STEPS_PER_BYTE * (unsigned long)fdt_totalsize(blob));
	}
}

static int setup(void **state)
{
	(void)state;
	port_host_log_hook = port_host_quiet;
	return host_ram_map(RAM, (size_t)16 << 30) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_cost, setup),
	};

	return cmocka_run_group_tests_name("fdt_cost", tests, NULL, NULL);
}

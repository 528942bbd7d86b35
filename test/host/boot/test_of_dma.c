/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_of_dma.c: what a device reaches by `dma-ranges` of its buses, and whether it is coherent,
 * on trees made here, whole and broken.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* the source itself: it is not among the objects that every host test links */
#include "boot/dt/of_dma.c"

#include "tree.h"

/* A bus with addresses of so many cells and sizes of so many. */
static void bus(const char *name, uint32_t address_cells, uint32_t size_cells)
{
	begin(name);
	put("#address-cells", &address_cells, 4);
	put("#size-cells", &size_cells, 4);
}

static void device(const char *name)
{
	begin(name);
	end();
}

/* A bus with windows and one device. */
static void bus_with_device(const char *name, uint32_t address_cells, uint32_t size_cells,
			    const uint32_t *windows, size_t bytes)
{
	bus(name, address_cells, size_cells);
	put("dma-ranges", windows, bytes);
	device("dev");
	end();
}

static struct of_dma_range got[OF_DMA_MAX_RANGES];

static int count_of(const char *path)
{
	memset(got, 0xee, sizeof(got));
	return of_dma_ranges(blob, at(path), got, OF_DMA_MAX_RANGES);
}

static void expect_range(unsigned int i, uint64_t seen, phys_addr_t cpu, uint64_t size)
{
	assert_true(got[i].bus == seen);
	assert_true(got[i].cpu == cpu);
	assert_true(got[i].size == size);
}

static void test_none(void **state)
{
	(void)state;
	start_tree();
	put("dma-ranges", CELLS(1, 2, 3)); /* the root is no bus to anybody: nothing looks */
	device("top");
	bus("soc", 1, 1); /* has none: what is above does not count */
	device("dev");
	end();
	bus("empty", 1, 1);
	put("dma-ranges", NULL, 0);
	device("dev");
	bus_with_device("inner", 1, 1, NULL, 0);
	end();
	bus("limited", 1, 1);
	put("dma-ranges", CELLS(0, 0, 0, 0x1000));
	bus("silent", 1, 1);
	device("dev");
	end();
	end();
	finish_tree();
	assert_int_equal(count_of("/"), 0);
	assert_int_equal(count_of("/top"), 0);
	assert_int_equal(count_of("/soc/dev"), 0);
	assert_int_equal(count_of("/empty/dev"), 0);
	assert_int_equal(count_of("/empty/inner/dev"), 0);
	assert_int_equal(count_of("/limited/silent/dev"), 0);
	assert_true(got[0].size == 0xeeeeeeeeeeeeeeee);
}

/* The soc of a Raspberry Pi: memory from 0 is seen from 0xc0000000 on. */
static void test_offset(void **state)
{
	(void)state;
	start_tree();
	bus("soc", 1, 1);
	put("dma-ranges", CELLS(0xc0000000, 0, 0x00000000, 0x3f000000));
	device("dev");
	bus_with_device("inner", 1, 1, NULL, 0);
	end();
	/* 32 GiB of memory at 4 GiB on, seen from 0 */
	bus_with_device("above", 2, 2, CELLS(0, 0, 1, 0, 8, 0));
	finish_tree();
	assert_int_equal(count_of("/soc/dev"), 1);
	expect_range(0, 0xc0000000, 0, 0x3f000000);
	assert_int_equal(count_of("/soc/inner/dev"), 1);
	expect_range(0, 0xc0000000, 0, 0x3f000000);
	assert_int_equal(count_of("/above/dev"), 1);
	expect_range(0, 0, 0x100000000, 0x800000000);
}

static void test_several(void **state)
{
	(void)state;
	start_tree();
	bus_with_device("two", 2, 2,
			CELLS(0, 0x40000000, 0, 0x40000000, 0, 0x40000000, /* */
			      1, 0, 2, 0, 1, 0, 5, 0, 6, 0, 0, 0));
	/* two halves that continue each other, and one that only seems to */
	bus_with_device("merged", 1, 1,
			CELLS(0x10000000, 0, 0x80000000, 0x1000000, 0x11000000, 0, 0x81000000,
			      0x1000000, 0x12000000, 0, 0x90000000, 0x1000000));
	bus_with_device("many", 1, 1,
			CELLS(0x00000, 0, 0x100000, 0x1000, 0x02000, 0, 0x103000, 0x1000, 0x04000,
			      0, 0x106000, 0x1000, 0x06000, 0, 0x109000, 0x1000, 0x08000, 0,
			      0x10c000, 0x1000, 0x0a000, 0, 0x10f000, 0x1000, 0x0c000, 0, 0x112000,
			      0x1000, 0x0e000, 0, 0x115000, 0x1000, 0x10000, 0, 0x118000, 0x1000));
	finish_tree();
	assert_int_equal(count_of("/two/dev"), 2);
	expect_range(0, 0x40000000, 0x40000000, 0x40000000);
	expect_range(1, 0x100000000, 0x200000000, 0x100000000);
	assert_int_equal(of_dma_ranges(blob, at("/two/dev"), got, 1), -E2BIG);
	assert_int_equal(count_of("/merged/dev"), 2);
	expect_range(0, 0x10000000, 0x80000000, 0x2000000);
	expect_range(1, 0x12000000, 0x90000000, 0x1000000);
	assert_int_equal(count_of("/many/dev"), -E2BIG);
}

/* What a device sees is what all its buses let through, each in its own addresses. */
static void test_nested(void **state)
{
	(void)state;
	start_tree();
	bus("soc", 2, 2);
	put("dma-ranges", CELLS(0, 0x1000000, 0x10, 0x1000000, 0, 0x1000000, /* */
				0, 0x8000000, 0x20, 0x0000000, 0, 0x1000000));
	bus("inner", 1, 1);
	put("dma-ranges", CELLS(0x40000000, 0, 0x1800000, 0x7000000));
	device("dev");
	bus_with_device("plain", 1, 1, NULL, 0);
	end();
	/* leads to where the outer bus passes nothing on */
	bus_with_device("apart", 1, 1, CELLS(0, 0, 0x3000000, 0x1000000));
	end();
	/* no property, between two that have it: the addresses pass as they are */
	bus("quiet", 1, 1);
	bus_with_device("inner", 1, 1, CELLS(0x5000, 0x9000, 0x1000));
	end();
	finish_tree();
	assert_int_equal(count_of("/soc/inner/dev"), 2);
	expect_range(0, 0x40000000, 0x1001800000, 0x800000);
	expect_range(1, 0x46800000, 0x2000000000, 0x800000);
	assert_int_equal(count_of("/soc/inner/plain/dev"), 2);
	expect_range(1, 0x46800000, 0x2000000000, 0x800000);
	assert_int_equal(count_of("/soc/apart/dev"), -ERANGE);
	assert_int_equal(count_of("/quiet/inner/dev"), 1);
	expect_range(0, 0x5000, 0x9000, 0x1000);
}

/* A PCI host bridge: three cells, and only its memory spaces count. Its own node is asked, too. */
static void test_pci(void **state)
{
	(void)state;
	start_tree();
	bus_with_device("pcie", 3, 2,
			CELLS(0x01000000, 0, 0, 0, 0x3000000, 0, 0x10000,	       /* I/O */
			      0x02000000, 0, 0x40000000, 0, 0x40000000, 0, 0x40000000, /* */
			      0x43000000, 4, 0, 0, 0x80000000, 1, 0));
	bus("only-io", 3, 2);
	put("dma-ranges", CELLS(0x01000000, 0, 0, 0, 0x3000000, 0, 0x10000));
	end();
	finish_tree();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(count_of(i ? "/pcie" : "/pcie/dev"), 2);
		expect_range(0, 0x40000000, 0x40000000, 0x40000000);
		expect_range(1, 0x400000000, 0x80000000, 0x100000000);
	}
	assert_int_equal(count_of("/only-io"), -ERANGE);
}

static void test_malformed(void **state)
{
	(void)state;
	start_tree();
	bus_with_device("cut", 1, 1, CELLS(0, 0, 0x1000000, 0x1000, 5));
	bus_with_device("wraps-below", 2, 2, CELLS(0xffffffff, 0xfffff000, 0, 0, 0, 0x1001));
	bus_with_device("wraps-above", 2, 2, CELLS(0, 0, 0xffffffff, 0xfffff000, 0, 0x1001));
	bus_with_device("to-the-end", 2, 2,
			CELLS(0xffffffff, 0xfffff000, 0xffffffff, 0xfffff000, 0, 0x1000));
	bus_with_device("size-0", 1, 1, CELLS(0, 0, 0x1000000, 0));
	bus_with_device("cells", 4, 1, CELLS(0, 0, 0, 0, 0, 0, 0x1000));
	bus_with_device("no-size", 1, 0, CELLS(0, 0, 0));
	bus("outer", 1, 1); /* good below, broken above */
	put("dma-ranges", CELLS(1, 2, 3));
	bus_with_device("inner", 1, 1, CELLS(0, 0, 0x1000));
	end();
	finish_tree();
	assert_int_equal(count_of("/cut/dev"), -EINVAL);
	assert_int_equal(count_of("/wraps-below/dev"), -EINVAL);
	assert_int_equal(count_of("/wraps-above/dev"), -EINVAL);
	assert_int_equal(count_of("/to-the-end/dev"), 1);
	expect_range(0, 0xfffffffffffff000, 0xfffffffffffff000, 0x1000);
	assert_int_equal(count_of("/size-0/dev"), -ERANGE);
	assert_int_equal(count_of("/cells/dev"), -EINVAL);
	assert_int_equal(count_of("/no-size/dev"), -EINVAL);
	assert_int_equal(count_of("/outer/inner/dev"), -EINVAL);
}

static void test_coherent(void **state)
{
	(void)state;
	start_tree();
	device("plain");
	begin("yes");
	put("dma-coherent", NULL, 0);
	device("dev");
	begin("no");
	put("dma-noncoherent", NULL, 0);
	device("dev");
	end();
	end();
	begin("no");
	put("dma-noncoherent", NULL, 0);
	begin("bus");
	begin("dev");
	put("dma-coherent", NULL, 0);
	end();
	device("other");
	end();
	end();
	finish_tree();
	for (int def = 0; def < 2; def++) {
		assert_int_equal(of_dma_is_coherent(blob, at("/plain"), def), def);
		assert_int_equal(of_dma_is_coherent(blob, at("/"), def), def);
		assert_true(of_dma_is_coherent(blob, at("/yes"), def));
		assert_true(of_dma_is_coherent(blob, at("/yes/dev"), def));
		assert_false(of_dma_is_coherent(blob, at("/yes/no/dev"), def));
		assert_true(of_dma_is_coherent(blob, at("/no/bus/dev"), def));
		assert_false(of_dma_is_coherent(blob, at("/no/bus/other"), def));
	}
}

/* ---- where ZONE_DMA32 ends ------------------------------------------------------------------- */

#define GIB ((phys_addr_t)1 << 30)
#define MIB ((phys_addr_t)1 << 20)

/* A bus below an open node: [child, child + size) of its devices is [cpu, ...) of its parent. */
static void window(const char *name, uint64_t child, uint64_t cpu, uint64_t size,
		   const char *status)
{
	bus(name, 2, 2);
	put("dma-ranges", CELLS((uint32_t)(child >> 32), (uint32_t)child, (uint32_t)(cpu >> 32),
				(uint32_t)cpu, (uint32_t)(size >> 32), (uint32_t)size));
	if (status)
		assert_int_equal(fdt_property(blob, "status", status, (int)strlen(status) + 1), 0);
	end();
}

static void expect_limit(phys_addr_t start, phys_addr_t last, phys_addr_t limit)
{
	assert_int_equal(of_dma32_limit(blob, start, last), limit);
}

static void test_limit_none(void **state)
{
	(void)state;
	start_tree();
	bus_with_device("all", 2, 2, NULL, 0);
	device("plain");
	finish_tree();
	expect_limit(GIB, 4 * GIB, 4 * GIB);
	expect_limit(0, 16 * GIB, 4 * GIB);
	expect_limit(8 * GIB, 16 * GIB, 4 * GIB); /* memory above only: no DMA32 */
}

static void test_limit(void **state)
{
	(void)state;
	start_tree();
	window("wide@0", 0, 0, 8 * GIB, NULL);
	window("pcie@1", 0, GIB, GIB, NULL);
	window("off@2", 0, 0, GIB + 64 * MIB, "disabled");
	window("on@3", 0x40000000, GIB, 2 * GIB, "okay");
	bus("off@4", 2, 2);
	assert_int_equal(fdt_property(blob, "status", "fail", 5), 0);
	window("below@0", 0, 0, GIB + 64 * MIB, NULL);
	end();
	finish_tree();
	expect_limit(GIB, 4 * GIB, 2 * GIB);
	expect_limit(GIB, 16 * GIB, 2 * GIB);
	/* all memory is below: the zone is cut no further */
	expect_limit(0, GIB, 2 * GIB);
	/*
	 * the one bus ends before memory starts, or just where it does: no boundary is of use to it
	 */
	expect_limit(2 * GIB, 4 * GIB, 3 * GIB);
	expect_limit(2 * GIB - 4 * MIB, 4 * GIB, 2 * GIB);
	expect_limit(2 * GIB - 4 * MIB + 1, 4 * GIB, 2 * GIB);
	expect_limit(2 * GIB - 1, 4 * GIB, 2 * GIB);
	expect_limit(3 * GIB, 16 * GIB, 4 * GIB);
}

/* The last 4 MiB count as a whole: what ends within them leaves DMA32 empty. */
static void test_limit_block(void **state)
{
	(void)state;
	start_tree();
	window("a@0", 0, 0, GIB + 4 * MIB - 1, NULL);
	finish_tree();
	expect_limit(GIB, 4 * GIB, 4 * GIB);
	start_tree();
	window("a@0", 0, 0, GIB + 4 * MIB, NULL);
	finish_tree();
	expect_limit(GIB, 4 * GIB, GIB + 4 * MIB);
	start_tree();
	window("a@0", 0, 0, GIB + 7 * MIB, NULL);
	finish_tree();
	expect_limit(GIB, 4 * GIB, GIB + 7 * MIB);
}

static void test_limit_high(void **state)
{
	(void)state;
	start_tree();
	window("a@0", 0, 32 * GIB, 4 * GIB, NULL);
	window("b@0", 0, 32 * GIB, 2 * GIB, NULL);
	window("c@0", 0, 0, 2 * GIB, NULL);
	finish_tree();
	/* memory above 4 GiB only: where a bus ends within it */
	expect_limit(32 * GIB, 48 * GIB, 34 * GIB);
	expect_limit(34 * GIB, 48 * GIB, 36 * GIB);
	expect_limit(32 * GIB, 33 * GIB, 4 * GIB);
	/* memory below as well: a bus that reaches only what is above has no say */
	expect_limit(2 * GIB, 48 * GIB, 4 * GIB);
	expect_limit(0, 48 * GIB, 2 * GIB);
}

/* Several windows: the highest counts. Those of all buses on the way apply. */
static void test_limit_nested(void **state)
{
	(void)state;
	start_tree();
	bus("two", 2, 2);
	put("dma-ranges",
	    CELLS(0, 0, 0, 0xc0000000, 0, 0x10000000, 0, 0x80000000, 0, 0x40000000, 0, 0x10000000));
	end();
	finish_tree();
	expect_limit(GIB, 4 * GIB, 0xd0000000);

	start_tree();
	bus("soc", 1, 1); /* 0 .. 1 GiB of it is 2 GiB .. 3 GiB */
	put("dma-ranges", CELLS(0, 0, 0x80000000, 0x40000000));
	bus("pcie", 3, 2); /* the second half of that, and more that leads nowhere */
	put("dma-ranges", CELLS(0x02000000, 0, 0, 0x20000000, 0, 0x80000000));
	bus("empty", 2, 2);
	put("dma-ranges", NULL, 0);
	end();
	end();
	end();
	finish_tree();
	expect_limit(GIB, 4 * GIB, 3 * GIB);

	start_tree();
	bus("soc", 2, 2);
	put("dma-ranges", CELLS(0, 0, 0, 0x80000000, 0, 0x40000000));
	window("in@0", 0, 0, 0x8000000, NULL);
	end();
	finish_tree();
	expect_limit(GIB, 4 * GIB, 0x88000000);
}

static void test_limit_malformed(void **state)
{
	(void)state;
	start_tree();
	bus("short", 2, 2);
	put("dma-ranges", CELLS(0, 0, 0, 0, 0));
	end();
	bus("cells", 4, 2);
	put("dma-ranges", CELLS(0, 0, 0, 0, 0, 0, 0, 0x1000000));
	end();
	bus("nothing", 2, 2);
	put("dma-ranges", CELLS(0, 0, 0, 0, 0, 0));
	end();
	window("wraps@0", 0, ~(uint64_t)0xfff, 0x2000, NULL);
	window("top@0", 0, 0, ~(uint64_t)0, NULL);
	finish_tree();
	expect_limit(GIB, 4 * GIB, 4 * GIB);

	/* as deep as a tree may be, and deeper */
	for (int levels = 62; levels <= 63; levels++) {
		start_tree();
		for (int i = 0; i < levels; i++) {
			bus("b", 2, 2);
			put("dma-ranges", NULL, 0);
		}
		window("last@0", 0, GIB, GIB, NULL);
		for (int i = 0; i < levels; i++)
			end();
		finish_tree();
		expect_limit(GIB, 4 * GIB, levels == 62 ? 2 * GIB : 4 * GIB);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_pci),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_coherent),
		cmocka_unit_test(test_limit_none),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_block),
		cmocka_unit_test(test_limit_high),
		cmocka_unit_test(test_limit_nested),
		cmocka_unit_test(test_limit_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_of_pci.c: what a PCI host bridge's node says, whole and broken: windows, interrupt wires.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/dt/of.c"
#include "boot/dt/of_pci.c"

#include "tree.h"

#define PLIC 3
#define GIC  0x8002
#define SOC  0x1000000000 /* where the bus of the second bridge begins */

static void controller(const char *name, uint32_t phandle, uint32_t cells, int address_cells)
{
	begin(name);
	put("phandle", CELLS(phandle));
	put("#interrupt-cells", CELLS(cells));
	if (address_cells >= 0)
		put("#address-cells", CELLS((uint32_t)address_cells));
	end();
}

static void begin_bridge(void)
{
	begin("pci");
	put("#address-cells", CELLS(3));
	put("#size-cells", CELLS(2));
	put("#interrupt-cells", CELLS(1));
}

static void start_tree_with_controllers(void)
{
	start_tree();
	controller("plic", PLIC, 1, -1);
	controller("gic", GIC, 3, 2);
}

static void expect_range(const char *path, int index, enum of_pci_space space, uint64_t pci,
			 uint64_t cpu, uint64_t size)
{
	struct of_pci_range range;

	assert_int_equal(of_pci_range(blob, at(path), index, &range), 0);
	assert_int_equal(range.space, space);
	assert_true(range.pci == pci);
	assert_true(range.cpu == cpu);
	assert_true(range.size == size);
}

static void expect_no_range(const char *path, int index, int error)
{
	struct of_pci_range range;

	assert_int_equal(of_pci_range(blob, at(path), index, &range), error);
}

/*
 * One bridge at the root, as QEMU has it, and one on a bus that lies elsewhere and has one address
 * cell.
 */
static void ranges(void **state)
{
	(void)state;
	start_tree_with_controllers();
	begin_bridge();
	put("ranges", CELLS(0x01000000, 0, 0, 0, 0x3eff0000, 0, 0x10000, 0x02000000, 0, 0x10000000,
			    0, 0x10000000, 0, 0x2eff0000, 0x43000000, 0x80, 0, 0x90, 0, 0x80, 0));
	end();
	begin("soc");
	put("#address-cells", CELLS(1));
	put("#size-cells", CELLS(1));
	put("ranges", CELLS(0, SOC >> 32, 0, 0x80000000));
	begin_bridge();
	put("ranges", CELLS(0x02000000, 0, 0x40000000, 0x20000000, 0, 0x1000000, 0x02000000, 0,
			    0x50000000, 0x90000000, 0, 0x1000));
	end();
	end();
	finish_tree();
	expect_range("/pci", 0, OF_PCI_IO, 0, 0x3eff0000, 0x10000);
	expect_range("/pci", 1, OF_PCI_MEM32, 0x10000000, 0x10000000, 0x2eff0000);
	expect_range("/pci", 2, OF_PCI_MEM64, 0x8000000000, 0x9000000000, 0x8000000000);
	expect_no_range("/pci", 3, -ENOENT);
	expect_no_range("/pci", -1, -ENOENT);
	expect_range("/soc/pci", 0, OF_PCI_MEM32, 0x40000000, SOC + 0x20000000, 0x1000000);
	expect_no_range("/soc/pci", 1, -ERANGE); /* the bus above does not pass it on */
	expect_no_range("/plic", 0, -ENOENT);
}

/* The cells of one entry, wrong in one way each. */
static void broken_ranges(void **state)
{
	static const uint32_t wrong[][7] = {
		{0x02000000, 0, 0x10000000, 0, 0, 0, 0},	  /* no size */
		{0x02000000, 0, 0xfffff000, 0, 0, 0, 0x2000},	  /* past 32 bits */
		{0x02000000, 1, 0, 0, 0, 0, 0x1000},		  /* the same */
		{0x03000000, UINT32_MAX, 0, 0, 0, 1, 1},	  /* past 64 bits on the bus */
		{0x03000000, 1, 0, UINT32_MAX, UINT32_MAX, 0, 2}, /* and for the CPU */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		start_tree_with_controllers();
		begin_bridge();
		put("ranges", wrong[i], sizeof(wrong[i]));
		end();
		finish_tree();
		expect_no_range("/pci", 0, -EINVAL);
	}
	for (size_t cells = 1; cells < 7; cells++) {
		start_tree_with_controllers();
		begin_bridge();
		put("ranges", wrong[0], cells * 4);
		end();
		finish_tree();
		expect_no_range("/pci", 0, -EINVAL);
	}
	/* a bridge whose children have two address cells */
	start_tree_with_controllers();
	begin("pci");
	put("#address-cells", CELLS(2));
	put("#size-cells", CELLS(2));
	put("ranges", wrong[0], sizeof(wrong[0]));
	end();
	finish_tree();
	expect_no_range("/pci", 0, -EINVAL);
}

static void expect_irq(unsigned int devfn, unsigned int pin, const char *path, uint32_t cell0,
		       uint32_t cell1)
{
	struct of_irq irq;

	assert_int_equal(of_pci_irq(blob, at("/pci"), 0, devfn, pin, &irq), 0);
	assert_int_equal(irq.controller, at(path));
	assert_int_equal(irq.cells[0], cell0);
	assert_int_equal(irq.cells[1], cell1);
}

static int irq_error(unsigned int devfn, unsigned int pin)
{
	struct of_irq irq;

	return of_pci_irq(blob, at("/pci"), 0, devfn, pin, &irq);
}

/* Entries of several lengths: a controller without addresses, and one with two cells of them. */
static void interrupts(void **state)
{
	(void)state;
	start_tree_with_controllers();
	begin_bridge();
	put("interrupt-map-mask", CELLS(0x1800, 0, 0, 7));
	put("interrupt-map", CELLS(0, 0, 0, 1, PLIC, 0x20, 0, 0, 0, 2, GIC, 0, 0, 0, 4, 4, 0x800, 0,
				   0, 1, PLIC, 0x21, 0x1800, 0, 0, 4, GIC, 0, 0, 0, 7, 1));
	end();
	finish_tree();
	expect_irq(0, 1, "/plic", 0x20, 0);
	expect_irq(0, 2, "/gic", 0, 4);
	expect_irq(1 << 3, 1, "/plic", 0x21, 0);
	expect_irq(3 << 3, 4, "/gic", 0, 7);
	expect_irq(5 << 3, 1, "/plic", 0x21, 0);       /* slot 5 is slot 1 under the mask */
	expect_irq((1 << 3) | 2, 1, "/plic", 0x21, 0); /* functions do not matter */
	assert_int_equal(irq_error(2 << 3, 1), -ENOENT);
	assert_int_equal(irq_error(0, 3), -ENOENT);
}

/* Without a mask all of the address counts. */
static void no_mask(void **state)
{
	(void)state;
	start_tree_with_controllers();
	begin_bridge();
	put("interrupt-map", CELLS(0x800, 0, 0, 1, PLIC, 0x21));
	end();
	finish_tree();
	expect_irq(1 << 3, 1, "/plic", 0x21, 0);
	assert_int_equal(irq_error(5 << 3, 1), -ENOENT);
	assert_int_equal(irq_error((1 << 3) | 2, 1), -ENOENT);
}

static void broken_map(const uint32_t *cells, size_t count, const uint32_t *mask, size_t mask_size)
{
	start_tree_with_controllers();
	begin_bridge();
	put("interrupt-map-mask", mask, mask_size);
	put("interrupt-map", cells, count * 4);
	end();
	finish_tree();
}

static void broken_interrupts(void **state)
{
	static const uint32_t map[] = {0, 0, 0, 1, GIC, 0, 0, 0, 4, 4};
	static const uint32_t nobody[] = {0, 0, 0, 2, 77, 0x20, 0, 0, 0, 1, PLIC, 0x20};

	(void)state;
	/* cut off anywhere */
	for (size_t count = 1; count < 10; count++) {
		broken_map(map, count, CELLS(0x1800, 0, 0, 7));
		assert_int_equal(irq_error(0, 1), -EINVAL);
	}
	broken_map(map, 10, CELLS(0x1800, 0, 0, 7));
	assert_int_equal(irq_error(0, 1), 0);
	broken_map(map, 10, CELLS(0x1800, 0, 0));
	assert_int_equal(irq_error(0, 1), -EINVAL);
	/* a phandle of no node, even in an entry that is not looked for */
	broken_map(nobody, 12, CELLS(0x1800, 0, 0, 7));
	assert_int_equal(irq_error(0, 1), -EINVAL);
	/* no map at all */
	start_tree_with_controllers();
	begin_bridge();
	end();
	finish_tree();
	assert_int_equal(irq_error(0, 1), -ENOENT);
}

/* ---- messages -------------------------------------------------------------------------------- */

static void begin_bridge_with_map(const uint32_t *cells, size_t bytes)
{
	start_tree_with_controllers();
	begin_bridge();
	put("msi-map", cells, bytes);
}

static void expect_msi(uint32_t requester, const char *path, uint32_t expected)
{
	int controller;
	uint32_t id;

	assert_int_equal(of_pci_msi(blob, at("/pci"), requester, &controller, &id), 0);
	assert_int_equal(controller, at(path));
	assert_int_equal(id, expected);
}

static void expect_no_msi(uint32_t requester, int error)
{
	int controller;
	uint32_t id;

	assert_int_equal(of_pci_msi(blob, at("/pci"), requester, &controller, &id), error);
}

static void test_msi(void **state)
{
	(void)state;
	/* two ranges, one of which changes the ids, to two controllers */
	begin_bridge_with_map(CELLS(0, PLIC, 0, 0x100, 0x200, GIC, 0x5000, 2));
	put("msi-parent", CELLS(77)); /* the map goes before it */
	end();
	finish_tree();
	expect_msi(0, "/plic", 0);
	expect_msi(0xff, "/plic", 0xff);
	expect_no_msi(0x100, -ENOENT);
	expect_no_msi(0x1ff, -ENOENT);
	expect_msi(0x200, "/gic", 0x5000);
	expect_msi(0x201, "/gic", 0x5001);
	expect_no_msi(0x202, -ENOENT);
	/* the mask takes the function's number away */
	begin_bridge_with_map(CELLS(0x8, GIC, 0x70, 1));
	put("msi-map-mask", CELLS(0xfff8));
	end();
	finish_tree();
	expect_msi(0xb, "/gic", 0x70);
	expect_no_msi(0x10, -ENOENT);
	/* one for all */
	start_tree_with_controllers();
	begin_bridge();
	put("msi-parent", CELLS(GIC));
	end();
	finish_tree();
	expect_msi(0x1234, "/gic", 0x1234);
}

static void test_bad_msi(void **state)
{
	(void)state;
	begin_bridge_with_map(CELLS(0, PLIC, 0));
	end();
	finish_tree();
	expect_no_msi(0, -EINVAL);
	begin_bridge_with_map(CELLS(0, 77, 0, 0x10000));
	end();
	finish_tree();
	expect_no_msi(0, -EINVAL);
	start_tree_with_controllers();
	begin_bridge();
	put("msi-parent", CELLS(77));
	end();
	finish_tree();
	expect_no_msi(0, -EINVAL);
	start_tree_with_controllers();
	begin_bridge();
	put("msi-parent", NULL, 0);
	end();
	finish_tree();
	expect_no_msi(0, -EINVAL);
	start_tree_with_controllers();
	begin_bridge();
	end();
	finish_tree();
	expect_no_msi(0, -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(broken_ranges),
		cmocka_unit_test(interrupts),
		cmocka_unit_test(no_mask),
		cmocka_unit_test(broken_interrupts),
		cmocka_unit_test(test_msi),
		cmocka_unit_test(test_bad_msi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

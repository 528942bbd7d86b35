/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place_tree.h: device trees made by hand, for the tests of where an image goes (test_place.c and
 * others). The sources that are tested are included here: they are not among the objects that every
 * host test links.
 */
#ifndef QUARRY_TEST_PLACE_TREE_H
#define QUARRY_TEST_PLACE_TREE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "boot/place.c"
#include "boot/place_console.c"

#define MIB   ((phys_addr_t)1 << 20)
#define SIZE  (MIB / 2) /* of the image */
#define FLASH 0x20000000UL

static uint64_t blob[4096];
static uint32_t address_cells, size_cells;

static inline void put_cells(fdt32_t **at, uint32_t count, uint64_t value)
{
	while (count-- > 0)
		*(*at)++ = cpu_to_fdt32(count < 2 ? (uint32_t)(value >> 32 * count) : 0);
}

static inline void begin(const char *name)
{
	assert_int_equal(fdt_begin_node(blob, name), 0);
}

static inline void end(void)
{
	assert_int_equal(fdt_end_node(blob), 0);
}

static inline void string(const char *name, const char *text)
{
	assert_int_equal(fdt_property(blob, name, text, (int)strlen(text) + 1), 0);
}

static inline void number_property(const char *name, uint32_t value)
{
	assert_int_equal(fdt_property_u32(blob, name, value), 0);
}

/* A property of n numbers of so many cells. */
static inline void cells(const char *name, uint32_t count, const phys_addr_t value[],
			 unsigned int n)
{
	fdt32_t list[64], *at = list;

	for (unsigned int i = 0; i < n; i++)
		put_cells(&at, count, value[i]);
	assert_int_equal(fdt_property(blob, name, list, (int)((at - list) * 4)), 0);
}

static inline void start_tree(uint32_t address, uint32_t size)
{
	address_cells = address;
	size_cells = size;
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	assert_int_equal(fdt_property_string(blob, "compatible", "none"), 0);
	assert_int_equal(fdt_property_u32(blob, "#address-cells", address), 0);
	assert_int_equal(fdt_property_u32(blob, "#size-cells", size), 0);
}

/* A node with one or two ranges, and a child whose properties must not be taken for its own. */
static inline void node(const char *name, const char *device_type, const phys_addr_t range[],
			int ranges)
{
	fdt32_t reg[16], *at = reg;

	for (int i = 0; i < ranges; i++) {
		put_cells(&at, address_cells, range[2 * i]);
		put_cells(&at, size_cells, range[2 * i + 1]);
	}
	assert_int_equal(fdt_begin_node(blob, name), 0);
	assert_int_equal(fdt_property(blob, "reg", reg, (int)((at - reg) * 4)), 0);
	if (device_type)
		assert_int_equal(fdt_property(blob, "device_type", device_type,
					      (int)strlen(device_type) + 1),
				 0);
	assert_int_equal(fdt_begin_node(blob, "memory@0"), 0);
	assert_int_equal(fdt_property(blob, "reg", "\0\0\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0", 16),
			 0);
	assert_int_equal(fdt_property_u32(blob, "#address-cells", 7), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_end_node(blob), 0);
}

static inline void finish_tree(void)
{
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
}

#define BANKS(...)            \
	(const phys_addr_t[]) \
	{                     \
		__VA_ARGS__   \
	}

static inline void one_bank(phys_addr_t base, phys_addr_t size)
{
	start_tree(2, 2);
	node("cpu@0", "cpu", BANKS(FLASH, MIB), 1);
	node("memory@80000000", "memory", BANKS(base, size), 1);
	finish_tree();
}

/* ---- reserved memory, usable memory ---------------------------------------------------------- */

/* 64 MiB at 0x80000000; then what `more` adds to the root. */
static inline void kept(phys_addr_t memreserve, phys_addr_t memreserve_size, void (*more)(void))
{
	address_cells = size_cells = 2;
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	if (memreserve_size)
		assert_int_equal(fdt_add_reservemap_entry(blob, memreserve, memreserve_size), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	begin("");
	number_property("#address-cells", 2);
	number_property("#size-cells", 2);
	node("memory@80000000", "memory", BANKS(0x80000000, 64 * MIB), 1);
	if (more)
		more();
	finish_tree();
}

static inline phys_addr_t where(void)
{
	return place_image(blob, FLASH, SIZE);
}

static inline void open_reserved(void)
{
	begin("reserved-memory");
	number_property("#address-cells", 2);
	number_property("#size-cells", 2);
	assert_int_equal(fdt_property(blob, "ranges", "", 0), 0);
}

static inline void child(phys_addr_t base, phys_addr_t size, const char *property,
			 const char *status)
{
	begin("child");
	cells(property, 2, BANKS(base, size), 2);
	if (strcmp(property, "alloc-ranges") == 0)
		cells("size", 2, BANKS(0x1000), 1);
	if (status)
		string("status", status);
	begin("below"); /* none of /reserved-memory's children */
	cells("reg", 2, BANKS(0x80000000, 64 * MIB), 2);
	end();
	end();
}

static inline void usable(void)
{
	begin("chosen");
	cells("linux,usable-memory-range", 2,
	      BANKS(0x80300000, 0x10000, 0x82300000, 0x180000 + SIZE, 0x90000000, 0x1000000), 6);
	end();
}

static inline void usable_and_reserved(void)
{
	usable();
	open_reserved();
	child(0x82400000, 1, "reg", NULL);
	end();
}

#endif

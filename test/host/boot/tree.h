/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.h: device trees written node by node with libfdt, for host tests of what reads them. Each
 * program has one, in blob. Included after cmocka.h.
 */
#ifndef TEST_HOST_TREE_H
#define TEST_HOST_TREE_H

#include <libfdt.h>

static uint64_t blob[2048]; /* aligned as a tree must be */

#define CELLS(...) (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__})

/* A property of cells; size is in bytes. */
static void put(const char *name, const uint32_t *cells, size_t size)
{
	fdt32_t swapped[64];

	assert_true(size <= sizeof(swapped));
	for (size_t i = 0; i < size / 4; i++)
		swapped[i] = cpu_to_fdt32(cells[i]);
	assert_int_equal(fdt_property(blob, name, swapped, (int)size), 0);
}

static void begin(const char *name)
{
	assert_int_equal(fdt_begin_node(blob, name), 0);
}

static void end(void)
{
	assert_int_equal(fdt_end_node(blob), 0);
}

/* The root, with two cells for an address and two for a size, is open from the one to the other. */
static void start_tree(void)
{
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	begin("");
	put("#address-cells", CELLS(2));
	put("#size-cells", CELLS(2));
}

static void finish_tree(void)
{
	end();
	assert_int_equal(fdt_finish(blob), 0);
}

static __attribute__((unused)) int at(const char *path)
{
	int node = fdt_path_offset(blob, path);

	assert_true(node >= 0);
	return node;
}

#endif

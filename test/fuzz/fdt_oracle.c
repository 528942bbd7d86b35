/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_oracle.c: see fdt_oracle.h. Quadratic where it is simpler so.
 */
#include "fdt_oracle.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quarry/memblock.h>

#define MAX_CELLS 4

/* Of the distribution's libfdt: the names are those of the functions. */
static struct {
	int (*check_full)(const void *fdt, size_t size);
	int (*next_node)(const void *fdt, int node, int *depth);
	int (*path_offset)(const void *fdt, const char *path);
	const char *(*get_name)(const void *fdt, int node, int *len);
	const void *(*getprop)(const void *fdt, int node, const char *name, int *len);
	int (*get_mem_rsv)(const void *fdt, int n, uint64_t *base, uint64_t *size);
} libfdt;

static void *symbol(void *library, const char *name)
{
	void *address = library ? dlsym(library, name) : NULL;

	if (!address) {
		fprintf(stderr, "fuzz: fdt: %s: %s\n", name, dlerror());
		exit(2);
	}
	return address;
}

static void load(void)
{
	void *library = dlopen("libfdt.so.1", RTLD_NOW | RTLD_LOCAL);

	*(void **)&libfdt.check_full = symbol(library, "fdt_check_full");
	*(void **)&libfdt.next_node = symbol(library, "fdt_next_node");
	*(void **)&libfdt.path_offset = symbol(library, "fdt_path_offset");
	*(void **)&libfdt.get_name = symbol(library, "fdt_get_name");
	*(void **)&libfdt.getprop = symbol(library, "fdt_getprop");
	*(void **)&libfdt.get_mem_rsv = symbol(library, "fdt_get_mem_rsv");
}

/* ---- ranges --------------------------------------------------------------------------------- */

static struct pair {
	phys_addr_t base, last;
} memory[1 << 14];
static unsigned int nr_memory;

/* Is each byte of [base, last] in one of the list's ranges? */
static bool in_memory_nodes(phys_addr_t base, phys_addr_t last)
{
	for (unsigned int i = 0; i < nr_memory; i++) {
		if (memory[i].base > base || memory[i].last < base)
			continue;
		if (memory[i].last >= last)
			return true;
		base = memory[i].last + 1;
		i = ~0U; /* from the first again */
	}
	return false;
}

/* Is each byte of [base, last] that is memory kept from the allocator? */
static bool is_kept(phys_addr_t base, phys_addr_t last)
{
	for (unsigned long i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.regions[i];
		phys_addr_t from = r->base > base ? r->base : base;
		phys_addr_t to = r->base + r->size - 1 < last ? r->base + r->size - 1 : last;

		if (from > to || r->flags & MEMBLOCK_NOMAP)
			continue;
		for (unsigned long n = 0; n < memblock.reserved.cnt && from <= to; n++) {
			const struct memblock_region *kept = &memblock.reserved.regions[n];

			if (kept->base <= from && kept->base + kept->size > from)
				from = kept->base + kept->size;
			else if (kept->base > from)
				break;
		}
		if (from <= to)
			return false;
	}
	return true;
}

/* ---- the tree ------------------------------------------------------------------------------- */

static uint32_t cell(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int cells_of(const void *fdt, int node, const char *name, int missing)
{
	int len;
	const unsigned char *value = libfdt.getprop(fdt, node, name, &len);

	if (!value)
		return missing;
	return len == 4 && cell(value) <= MAX_CELLS ? (int)cell(value) : -1;
}

/* A number of so many cells; what is above 64 bits is the largest. */
static uint64_t number(const unsigned char *at, int cells)
{
	uint64_t value = 0;

	for (; cells; cells--, at += 4) {
		if (value >> 32)
			return PHYS_ADDR_MAX;
		value = value << 32 | cell(at);
	}
	return value;
}

/* Calls fn for each pair of a property that is whole pairs. */
static bool each_pair(const void *fdt, int node, const char *name, int address, int size,
		      bool whole, bool (*fn)(phys_addr_t base, phys_addr_t last))
{
	int len, step = 4 * (address + size);
	const unsigned char *at = libfdt.getprop(fdt, node, name, &len);

	if (!at || (whole && len % step))
		return true;
	for (; len >= step; len -= step, at += step) {
		uint64_t base = number(at, address), bytes = number(at + 4 * address, size);

		if (bytes && !fn(base, base + bytes - 1 < base ? PHYS_ADDR_MAX : base + bytes - 1))
			return false;
	}
	return true;
}

static bool note_memory(phys_addr_t base, phys_addr_t last)
{
	if (nr_memory < sizeof(memory) / sizeof(memory[0]))
		memory[nr_memory++] = (struct pair){base, last};
	return true;
}

/* A string, or a list of which it is the first. */
static bool begins(const char *value, int len, const char *text)
{
	return value && memchr(value, 0, (size_t)len) && !strcmp(value, text);
}

static bool is_available(const void *fdt, int node)
{
	int len;
	const char *status = libfdt.getprop(fdt, node, "status", &len);

	return !status || begins(status, len, "okay") || begins(status, len, "ok");
}

static void collect_memory(const void *fdt)
{
	int depth = 0, address = cells_of(fdt, 0, "#address-cells", 2),
	    size = cells_of(fdt, 0, "#size-cells", 1);

	nr_memory = 0;
	if (address < 1 || size < 1)
		return;
	for (int node = libfdt.next_node(fdt, 0, &depth); node >= 0 && depth > 0;
	     node = libfdt.next_node(fdt, node, &depth)) {
		int len;
		const char *type = libfdt.getprop(fdt, node, "device_type", &len);
		const char *name = libfdt.get_name(fdt, node, NULL);

		if (depth != 1 || !is_available(fdt, node))
			continue;
		if (type ? begins(type, len, "memory") : !strncmp(name, "memory", 6)) {
			each_pair(fdt, node, "reg", address, size, false, note_memory);
			each_pair(fdt, node, "linux,usable-memory", address, size, false,
				  note_memory);
		}
	}
}

static bool reservations_are_kept(const void *fdt)
{
	int depth = 0, parent = libfdt.path_offset(fdt, "/reserved-memory"), address, size;

	if (parent < 0)
		return true;
	address = cells_of(fdt, parent, "#address-cells", 2);
	size = cells_of(fdt, parent, "#size-cells", 1);
	if (address < 1 || size < 1)
		return true;
	for (int node = libfdt.next_node(fdt, parent, &depth); node >= 0 && depth > 0;
	     node = libfdt.next_node(fdt, node, &depth))
		if (depth == 1 && is_available(fdt, node) &&
		    !each_pair(fdt, node, "reg", address, size, true, is_kept))
			return false;
	return true;
}

const char *fdt_oracle(const void *fdt, size_t size)
{
	const char *name;
	uint64_t base, bytes;

	if (!libfdt.check_full)
		load();
	name = libfdt.get_name(fdt, 0, NULL);
	/* A root that has a name is nothing that Linux asks for, or we. */
	if (libfdt.check_full(fdt, size) && !(name && *name))
		return "a tree that libfdt finds corrupt was accepted";
	collect_memory(fdt);
	for (unsigned long i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.regions[i];

		if (!in_memory_nodes(r->base, r->base + r->size - 1))
			return "memory that no memory node has";
	}
	for (int i = 0; !libfdt.get_mem_rsv(fdt, i, &base, &bytes) && bytes; i++)
		if (!is_kept(base, base + bytes - 1 < base ? PHYS_ADDR_MAX : base + bytes - 1))
			return "memory that /memreserve/ names is free";
	return reservations_are_kept(fdt) ? NULL : "memory that /reserved-memory names is free";
}

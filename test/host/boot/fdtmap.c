/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdtmap.c: print the memory map that the firmware will see in a device tree, before there is a
 * board: `fdtmap FILE.dtb` runs the firmware's own early device-tree code on the file.
 *
 * Output: one line a region, `memory|reserved 0xBASE 0xEND flags`; END is exclusive, flags is `-`
 * or a list of nomap, hotplug. What the firmware would log goes to stderr, and so does the one line
 * of an error; the exit status is then 1. Not in the map, because only a running board knows them:
 * the image, and the place of the device tree itself. Dynamic reservations are placed as the board
 * does, save that the image and the tree are not there to be avoided.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/dt/fdt_early.h"
#include "test/host/port_host.h"
#include <quarry/memblock.h>

static const char *file;

static void log_line(const char *line)
{
	if (strncmp(line, "fdt: ", 5) == 0)
		line += 5;
	fprintf(stderr, "fdtmap: %s: %s\n", file, line);
}

/* The whole file, or as much of it as matters, at an 8-byte aligned address; NULL after a line. */
static void *read_file(size_t *size)
{
	const size_t most = FDT_EARLY_MAX_SIZE + 1;
	FILE *in = fopen(file, "rb");
	void *blob = malloc(most);

	if (in && blob) {
		*size = fread(blob, 1, most, in);
		if (!ferror(in)) {
			/*
			 * Exactly as large as the file, so that a sanitizer sees any step past it.
			 */
			void *fit = realloc(blob, *size ? *size : 1);

			fclose(in);
			return fit ? fit : blob;
		}
	}
	log_line(in ? "cannot read the file" : "cannot open the file");
	if (in)
		fclose(in);
	free(blob);
	return NULL;
}

static void print_regions(const struct memblock_type *type)
{
	for (unsigned long i = 0; i < type->cnt; i++) {
		const struct memblock_region *r = &type->regions[i];
		bool nomap = r->flags & MEMBLOCK_NOMAP, hotplug = r->flags & MEMBLOCK_HOTPLUG;

		printf("%s 0x%llx 0x%llx %s%s%s\n", type->name, (unsigned long long)r->base,
		       (unsigned long long)(r->base + r->size), nomap ? "nomap" : "",
		       nomap && hotplug ? "," : "",
		       hotplug ? "hotplug"
		       : nomap ? ""
			       : "-");
	}
}

int main(int argc, char **argv)
{
	size_t size = 0, ram = (size_t)1 << 45;
	void *blob;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: fdtmap FILE.dtb\n");
		return 2;
	}
	file = argv[1];
	port_host_log_hook = log_line;
	blob = read_file(&size);
	if (!blob)
		return 1;

	/*
	 * Larger region arrays live in the memory they describe: back as much of that as the host
	 * can address (nothing is used until it is written), and keep the arrays there.
	 */
	while (!host_ram_map(0, ram) && ram > PAGE_SIZE)
		ram /= 2;
	memblock_set_current_limit(ram);

	err = fdt_early_check(blob, size);
	if (!err)
		err = fdt_early_init(blob, FDT_EARLY_NOWHERE);
	/*
	 * Without memory the reservations are still worth seeing: the boot loader fills memory in.
	 */
	if (!err || memblock_phys_mem_size() == 0) {
		print_regions(&memblock.memory);
		print_regions(&memblock.reserved);
	}
	free(blob);
	return err ? 1 : 0;
}

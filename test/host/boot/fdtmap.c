/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdtmap.c: print the memory map that the firmware will see in a device tree, before there is a
 * board: `fdtmap FILE.dtb` runs the firmware's own early device-tree code on the file. `fdtmap
 * --console FILE.dtb` says which UART it will print on: `KIND ADDRESS PATH`, or on stderr why none.
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

#include <libfdt.h>

#include "boot/dt/fdt_early.h"
#include "drivers/serial/uart_kind.h"
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

/* The line of the console; 0 if there is one. */
static int print_console(const void *fdt)
{
	struct uart_choice choice = uart_choose(fdt);
	struct uart_port port;
	char path[256] = "", line[512];
	const char *wrong;

	if (choice.node < 0) {
		log_line(
			"no console: stdout-path and serial0 name none, and no UART is enabled that "
			"is known");
		return 1;
	}
	fdt_get_path(fdt, choice.node, path, sizeof(path));
	wrong = uart_port_of_node(&port, choice.kind, fdt, choice.node);
	if (!wrong) {
		printf("%s 0x%llx %s\n", choice.kind->name,
		       (unsigned long long)(uintptr_t)port.base, path);
		return 0;
	}
	if (choice.kind && choice.kind->driver == UART_DRIVER_NONE) {
		printf("%s - %s\n", choice.kind->name, path);
		return 0;
	}
	snprintf(line, sizeof(line), "no console: %s: %s (compatible \"%s\")", path, wrong,
		 fdt_stringlist_get(fdt, choice.node, "compatible", 0, NULL));
	log_line(line);
	return 1;
}

static int print_map(void *blob, size_t size)
{
	size_t ram = (size_t)1 << 45;
	int err;

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
	return err ? 1 : 0;
}

int main(int argc, char **argv)
{
	bool console = argc == 3 && strcmp(argv[1], "--console") == 0;
	size_t size = 0;
	void *blob;
	int status;

	if (argc != 2 && !console) {
		fprintf(stderr, "usage: fdtmap [--console] FILE.dtb\n");
		return 2;
	}
	file = argv[argc - 1];
	port_host_log_hook = log_line;
	blob = read_file(&size);
	if (!blob)
		return 1;
	if (console)
		status = fdt_early_check(blob, size) ? 1 : print_console(blob);
	else
		status = print_map(blob, size);
	free(blob);
	return status;
}

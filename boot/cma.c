/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cma.c: which areas for contiguous allocations there are (quarry/cma.h). The device tree names them:
 * children of /reserved-memory that are "shared-dma-pool" and reusable (reserved-memory binding,
 * shared-dma-pool.yaml); and /chosen/bootargs the default one, as Linux has it:
 * cma=SIZE[@START[-END]] (kernel-parameters.txt).
 */
#include <errno.h>
#include <libfdt.h>
#include <quarry/cma.h>
#include <quarry/memblock.h>
#include <quarry/port.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/dt/fdt_early.h"
#include "boot/main.h"

struct cma_args {
	phys_addr_t size, start, end;
};

/* The word behind "cma=", up to a blank. */
static bool parse_args(const char *text, struct cma_args *args)
{
	*args = (struct cma_args){0};
	text = boot_parse_size(text, &args->size);
	if (text && *text == '@') {
		text = boot_parse_size(text + 1, &args->start);
		if (text && *text == '-')
			text = boot_parse_size(text + 1, &args->end);
	}
	return text && (*text == '\0' || *text == ' ');
}

static void from_bootargs(const char *text)
{
	struct cma_args args;
	struct cma *cma;
	int error;

	if (!parse_args(text, &args)) {
		port_log("cma: bootargs: cma=%.*s is not SIZE[@START[-END]]: ignored",
			 (int)strcspn(text, " "), text);
		return;
	}
	if (args.size == 0) { /* no default area, whatever the tree says */
		cma_set_default(NULL);
		return;
	}
	/* without a place, where all devices reach it */
	error = cma_declare_contiguous(args.start, ALIGN_UP(args.size, CMA_MIN_ALIGNMENT_BYTES),
				       args.end	    ? args.end
				       : args.start ? 0
						    : (phys_addr_t)1 << 32,
				       0, args.start && !args.end, "reserved", &cma);
	if (error)
		port_log("cma: bootargs: no room for cma=%.*s (error %d)", (int)strcspn(text, " "),
			 text, error);
	else
		cma_set_default(cma);
}

static int from_tree(const struct fdt_early_resv *resv, void *ctx)
{
	const char *bootargs = ctx;
	struct cma *cma;
	int error;

	if (resv->node < 0 || !resv->reusable || resv->nomap ||
	    fdt_node_check_compatible(boot_info.fdt, resv->node, "shared-dma-pool") != 0)
		return 0;
	if (bootargs && fdt_getprop(boot_info.fdt, resv->node, "linux,cma-default", NULL)) {
		port_log("cma: %s: bootargs name the default area: it stays reserved", resv->name);
		return 0;
	}
	error = cma_init_reserved_mem(resv->base, resv->size, resv->name, &cma);
	if (error) {
		port_log("cma: %s: %s: it stays reserved", resv->name,
			 error == -ENOSPC ? "too many areas" : "not a multiple of 2 MiB of memory");
		return 0;
	}
	if (fdt_getprop(boot_info.fdt, resv->node, "linux,cma-default", NULL))
		cma_set_default(cma);
	return 0;
}

void boot_find_cma(void)
{
	const char *args = boot_option(boot_info.bootargs, "cma=");

	fdt_early_each_reserved(from_tree, (void *)(uintptr_t)args);
	if (args)
		from_bootargs(args);
}

void boot_start_cma(void)
{
	struct cma_info info;

	if (!cma_init_reserved_areas())
		return;
	for (unsigned int n = 0; cma_get_info(n, &info); n++)
		if (info.pages)
			port_log("cma: %s: %lu MiB at %#llx%s", info.name,
				 info.pages >> (20 - PAGE_SHIFT), (unsigned long long)info.base,
				 cma_at(n) == cma_default() ? ", the default" : "");
}

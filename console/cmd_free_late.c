/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_free_late.c: a reservation of the device tree that nobody needs any more, or a part of it, is
 * given to the page allocator. Whether somebody needs it only the user can know; what is ours, what a
 * driver has, and what no one may touch is refused.
 */
#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <quarry/memblock.h>
#include <quarry/mm.h>
#include <quarry/port.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/cpu/smp.h"
#include "boot/dt/fdt_early.h"
#include "console/command.h"
#include "console/parse.h"

struct late_range {
	phys_addr_t base, size;
};

/* ---- who has it ------------------------------------------------------------------------------ */

/* That nobody but the tree speaks of: no driver looks for it, memory it is, and always was. */
static bool may_end(const struct fdt_early_resv *resv)
{
	if (resv->nomap || resv->reusable)
		return false;
	/* Firmware's, which need not say no-map: physical memory protection keeps it (OpenSBI's name for it) */
	if (strncmp(resv->name, "mmode_resv", strlen("mmode_resv")) == 0)
		return false;
	return resv->kind == FDT_EARLY_MEMRESERVE || resv->kind == FDT_EARLY_INITRD ||
	       (resv->kind == FDT_EARLY_STATIC &&
		!fdt_getprop(boot_info.fdt, resv->node, "compatible", NULL));
}

static bool touch(const struct late_range *range, phys_addr_t base, phys_addr_t end)
{
	return range->base < end && base < range->base + range->size;
}

/* 1: this one has it whole, and may end. */
static int has_it(const struct fdt_early_resv *resv, void *ctx)
{
	const struct late_range *range = ctx;

	return may_end(resv) && range->base >= resv->base &&
	       range->base - resv->base <= resv->size &&
	       range->size <= resv->size - (range->base - resv->base);
}

/* 1: this one has some of it, and may not end. */
static int keeps_it(const struct fdt_early_resv *resv, void *ctx)
{
	return !may_end(resv) && touch(ctx, resv->base, resv->base + resv->size);
}

static bool is_offered(struct late_range *range)
{
	return !touch(range, boot_info.image_base, boot_info.image_end) &&
	       fdt_early_each_reserved(has_it, range) == 1 &&
	       fdt_early_each_reserved(keeps_it, range) == 0;
}

/* ---- the other CPUs rest --------------------------------------------------------------------- */

static bool resting; /* the CPU that was asked last: atomic */
static bool go_on;   /* atomic */

static void rest(void *arg)
{
	(void)arg;
	__atomic_store_n(&resting, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&go_on, __ATOMIC_ACQUIRE)) {
		mm_ipi();
		port_relax();
		port_yield();
	}
}

/*
 * memblock_free_late() wants no CPU but this one in the allocator, not even an idle one's balance.
 * -EBUSY: CPU *next was at work.
 */
static int release(const struct late_range *range, unsigned int *next)
{
	int error = 0;

	go_on = false;
	for (*next = 1; *next < smp_nr_cpus(); (*next)++) {
		if (!smp_online(*next))
			continue;
		resting = false;
		error = smp_call(*next, rest, NULL);
		if (error)
			break;
		/* a CPU that stops is in the allocator no more */
		while (!__atomic_load_n(&resting, __ATOMIC_ACQUIRE) && !smp_finished(*next)) {
			mm_ipi();
			port_relax();
			port_yield();
		}
	}
	if (!error)
		error = memblock_free_late(range->base, range->size);
	__atomic_store_n(&go_on, true, __ATOMIC_RELEASE);
	for (unsigned int cpu = 1; cpu < *next; cpu++)
		if (smp_online(cpu))
			smp_wait(cpu);
	return error;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int cmd_free_late(int argc, char **argv)
{
	struct late_range range;
	unsigned int busy = 0;
	uint64_t pages;
	int error;

	if (argc != 3)
		return console_usage(argv[0]);
	if (parse_u64(argv[1], PHYS_ADDR_MAX, &range.base) != 0 || range.base % PAGE_SIZE != 0) {
		printf("free_late: '%s' is not the address of a page (multiple of %lu)\n", argv[1],
		       PAGE_SIZE);
		return 1;
	}
	if (parse_u64(argv[2], PHYS_ADDR_MAX / PAGE_SIZE, &pages) != 0 || pages == 0 ||
	    PFN_PHYS(pages) > PHYS_ADDR_MAX - range.base) {
		printf("free_late: '%s' is not a number of pages\n", argv[2]);
		return 1;
	}
	range.size = PFN_PHYS(pages);
	if (!is_offered(&range)) {
		printf("free_late: not within one reservation of the tree that may end\n");
		return 1;
	}
	error = release(&range, &busy);
	if (error == -EBUSY || error == -ENXIO)
		printf("free_late: CPU %u is at work\n", busy);
	else if (error == -EPERM)
		printf("free_late: a page was released before, or is the allocator's own\n");
	else if (error == -EFAULT)
		printf("free_late: a page is not memory, or none that is mapped\n");
	else if (error)
		printf("free_late: no room in memblock's tables\n");
	else
		printf("0x%" PRIx64 " pages %" PRIu64 "\n", range.base, pages);
	return error ? 1 : 0;
}

CONSOLE_COMMAND(free_late, cmd_free_late, "free_late <address> <pages>",
		"frees a reservation of the device tree\n"
		"All or a part of one that nobody needs any more: listed in the memory\n"
		"reservation block, a child of /reserved-memory without no-map, reusable\n"
		"and compatible, or the initrd. The other CPUs rest meanwhile.\n"
		"example: free_late 0x88000000 16");

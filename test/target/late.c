// SPDX-License-Identifier: BSD-2-Clause
/*
 * late.c: see late.h.
 */
#include "test/target/late.h"

#include <libfdt.h>

#include <quarry/memblock.h>
#include <quarry/mm.h>
#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/dt/of.h"

#define PIECES 8

static phys_addr_t next, end;	       /* what is still to be released, whole pages */
static uint64_t piece, released;       /* pages */
static bool halted;		       /* atomic */
static unsigned int running, standing; /* workers; atomic */

/* A boot loader writes one cell or two. */
static phys_addr_t bound(int chosen, const char *name)
{
	return of_u64(boot_info.fdt, chosen, name, of_u32(boot_info.fdt, chosen, name, 0));
}

void late_begin(void)
{
	static bool taken;
	int chosen = fdt_path_offset(boot_info.fdt, "/chosen");

	released = 0;
	if (!taken && chosen >= 0) {
		next = ALIGN_UP(bound(chosen, "linux,initrd-start"), PAGE_SIZE);
		end = bound(chosen, "linux,initrd-end") & PAGE_MASK;
		end = end > next ? end : next;
		piece = PFN_DOWN(end - next) / PIECES + 1;
		taken = true;
	}
}

/* Sequentially consistent, with late_release(): a worker that enters sees the halt, or is waited for. */
void late_enter(void)
{
	__atomic_fetch_add(&running, 1, __ATOMIC_SEQ_CST);
	late_stand();
}

/* Release: who counts this worker no longer sees that it was told to stop. */
void late_leave(void)
{
	__atomic_fetch_sub(&running, 1, __ATOMIC_SEQ_CST);
}

bool late_halted(void)
{
	return __atomic_load_n(&halted, __ATOMIC_SEQ_CST);
}

void late_stand(void)
{
	if (!late_halted())
		return;
	__atomic_fetch_add(&standing, 1, __ATOMIC_SEQ_CST);
	while (late_halted()) {
		mm_ipi();
		port_relax();
		port_yield();
	}
	__atomic_fetch_sub(&standing, 1, __ATOMIC_SEQ_CST);
}

/* Wait until so many others as there are besides this one stand, or none. */
static void wait_standing(bool all)
{
	while (__atomic_load_n(&standing, __ATOMIC_SEQ_CST) !=
	       (all ? __atomic_load_n(&running, __ATOMIC_SEQ_CST) - 1 : 0)) {
		mm_ipi();
		port_relax();
		port_yield();
	}
}

int late_release(const bool *stop)
{
	phys_addr_t size = PFN_PHYS(piece);
	int error = 0;

	if (late_done())
		return 0;
	size = end - next < size ? end - next : size;
	__atomic_store_n(&halted, true, __ATOMIC_SEQ_CST);
	wait_standing(true);
	if (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		error = memblock_free_late(next, size);
		if (!error)
			released += PFN_DOWN(size);
		next += size;
	}
	__atomic_store_n(&halted, false, __ATOMIC_SEQ_CST);
	wait_standing(false);
	return error;
}

uint64_t late_pages(void)
{
	return released;
}

bool late_done(void)
{
	return next >= end;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shutdown.h: the proof that drivers give everything back: the free blocks before the first driver
 * was bound, against those after all of them are gone.
 */
#ifndef QUARRY_TEST_SHUTDOWN_H
#define QUARRY_TEST_SHUTDOWN_H

#include <stdbool.h>
#include <stdint.h>

#include <quarry/mm.h>

struct picture {
	uint64_t blocks[MAX_NR_ZONES][NR_PAGE_ORDERS];
	uint64_t managed;     /* pages the allocator has or has given away */
	uint64_t cache_bytes; /* arrays of the per-CPU caches */
	uint64_t kept;	      /* pages that a device may still write: dma_keep() */
};

/*
 * picture_boot() - keep the picture of now as the boot picture. Context: boot, before
 * drivers_start().
 */
void picture_boot(void);

/*
 * drivers_start() - bind all drivers and settle on a console. Context: thread, no driver is bound.
 */
void drivers_start(void);

/*
 * shutdown_drivers() - remove all drivers, give back what caches hold, look, and bind the drivers
 * again; *after is the picture in between. 0; -EBUSY: a CPU is at work, -ETIMEDOUT: one does not
 * stop working within 2 s, and nothing was done. Interrupts are served again, and the console is
 * the UART's, on return. Context: thread, nothing else using devices.
 */
int shutdown_drivers(struct picture *after);

/*
 * picture_compare() - is this the boot picture? CPUs that came up after it was taken have their
 * caches' arrays, those that did not have given their memory back, and pages that a device may
 * still write are kept: then the free pages are counted instead of the blocks. Prints a line for
 * each difference.
 */
bool picture_compare(const struct picture *after);

/* Both pictures, as /proc/buddyinfo has them. */
void picture_print(const struct picture *after);

#endif

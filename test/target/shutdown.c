// SPDX-License-Identifier: BSD-2-Clause
/*
 * shutdown.c: see shutdown.h.
 *
 * While no driver is bound, nothing can interrupt another CPU on some machines, so the others wait in a loop that serves the
 * allocator's requests (mm_ipi()) unasked.
 */
#include "test/target/shutdown.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/mmu.h"
#include "boot/smp.h"
#include "drivers/bufcache.h"
#include "drivers/driver.h"

static struct picture boot;
static bool park_wanted;       /* the other CPUs are to wait; atomic */
static unsigned int nr_parked; /* of them, those that do; atomic */

static void take(struct picture *picture)
{
	struct mm_layout layout;

	drain_all_pages();
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		mm_buddyinfo((enum zone_type)zone, picture->blocks[zone]);
	mm_get_layout(&layout);
	picture->cache_bytes = layout.pcp_bytes;
}

void picture_boot(void)
{
	take(&boot);
}

/* ---- the other CPUs -------------------------------------------------------------------------- */

static void wait_parked(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&nr_parked, 1, __ATOMIC_RELAXED);
	/* Acquire, paired with the release in unpark(): what CPU 0 set up meanwhile is seen. */
	while (__atomic_load_n(&park_wanted, __ATOMIC_ACQUIRE)) {
		mm_ipi();
		port_relax();
		port_yield();
	}
}

static void unpark(void)
{
	__atomic_store_n(&park_wanted, false, __ATOMIC_RELEASE);
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++)
		while (!smp_finished(cpu)) /* smp_wait() needs its interrupt */
			port_relax();
}

/* The others wait when this returns: they were interrupted while that could still be done. */
static int park(void)
{
	unsigned int asked = 0;

	if (park_wanted)
		return 0; /* since the last time */
	__atomic_store_n(&nr_parked, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&park_wanted, true, __ATOMIC_RELEASE);
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++) {
		if (!smp_online(cpu))
			continue;
		if (smp_call(cpu, wait_parked, NULL) != 0) {
			unpark();
			return -EBUSY;
		}
		asked++;
	}
	while (__atomic_load_n(&nr_parked, __ATOMIC_RELAXED) < asked) {
		port_relax();
		port_yield();
	}
	return 0;
}

/* ---- the proof ------------------------------------------------------------------------------- */

static unsigned int count_irqchips(void)
{
	unsigned int count = 0;

	for (const struct device *dev = device_first(); dev; dev = dev->next)
		count += dev->driver->level == DRIVER_IRQCHIP;
	return count;
}

int shutdown_drivers(struct picture *after)
{
	static unsigned int irqchips; /* as many as there were at most */
	unsigned int there = count_irqchips();
	unsigned long flags;
	int error = park();

	if (error)
		return error;
	irqchips = there > irqchips ? there : irqchips;
	bufcache_drop();
	drivers_shutdown();
	mmu_unmap_devices();
	take(after);
	flags = port_irq_save(); /* as at boot */
	port_log("drivers: %d devices bound", drivers_init(boot_info.fdt));
	port_irq_restore(flags);
	/* a CPU that cannot be interrupted is of use to nobody, unless it waits and serves */
	if (count_irqchips() == irqchips)
		unpark();
	return 0;
}

static uint64_t free_pages_of(const struct picture *picture)
{
	uint64_t pages = 0;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			pages += picture->blocks[zone][order] << order;
	return pages;
}

bool picture_compare(const struct picture *after)
{
	uint64_t caches = (after->cache_bytes - boot.cache_bytes) / PAGE_SIZE;
	uint64_t expected = free_pages_of(&boot) - caches;
	bool same = true;

	if (caches) {
		printf("%" PRIu64 " pages went to the caches of CPUs that came up later\n", caches);
		if (free_pages_of(after) != expected)
			printf("%" PRIu64 " pages should be free, %" PRIu64 " are\n", expected,
			       free_pages_of(after));
		return free_pages_of(after) == expected;
	}
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
			uint64_t was = boot.blocks[zone][order], is = after->blocks[zone][order];

			if (was == is)
				continue;
			printf("zone %d order %u: %" PRIu64 " free blocks at boot, %" PRIu64
			       " now\n",
			       zone, order, was, is);
			same = false;
		}
	}
	return same;
}

static void print_one(const char *name, const struct picture *picture)
{
	static const char *const zones[MAX_NR_ZONES] = {
		[ZONE_DMA32] = "DMA32",
		[ZONE_NORMAL] = "NORMAL",
	};

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		printf("%-8s zone %8s ", name, zones[zone]);
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			printf("%6" PRIu64 " ", picture->blocks[zone][order]);
		printf("\n");
	}
}

void picture_print(const struct picture *after)
{
	print_one("boot", &boot);
	print_one("now", after);
}

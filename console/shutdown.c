// SPDX-License-Identifier: BSD-2-Clause
/*
 * shutdown.c: see shutdown.h.
 *
 * While no driver is bound, nothing can interrupt another CPU on some machines, so the others wait
 * in a loop that serves the allocator's requests (mm_ipi()) unasked.
 */
#include "console/shutdown.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <quarry/port.h>
#include <quarry/slab.h>

#include "boot/boot.h"
#include "boot/mmu/mmu.h"
#include "boot/cpu/smp.h"
#include "drivers/misc/bufcache.h"
#include "drivers/dma/dma.h"
#include "drivers/base/driver.h"
#include "drivers/serial/uart.h"
#include "drivers/timer/timer.h"

/*
 * A CPU that has nothing to do takes microseconds. The time alone is no measure: an emulated machine's CPUs share the
 * host's, and its clock goes on while none of them runs.
 */
#define PARK_NS		 (2 * NSEC_PER_SEC)
#define PARK_LOOKS	 200000	  /* at least */
#define PARK_LOOKS_ALONE 10000000 /* without a timer */

static struct picture boot;
static bool park_wanted;       /* the other CPUs are to wait; atomic */
static unsigned int nr_parked; /* of them, those that do; atomic */

static void take(struct picture *picture)
{
	struct mm_layout layout;

	drain_all_pages();
	picture->managed = 0;
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		struct zone_info info;

		mm_buddyinfo((enum zone_type)zone, picture->blocks[zone]);
		mm_zone_info((enum zone_type)zone, &info);
		picture->managed += info.managed;
	}
	mm_get_layout(&layout);
	picture->cache_bytes = layout.pcp_bytes;
	picture->kept = dma_kept_pages;
}

void picture_boot(void)
{
	take(&boot);
}

/* ---- the other CPUs -------------------------------------------------------------------------- */

static void wait_parked(void *arg)
{
	(void)arg;
	kmem_cpu_end();
	__atomic_fetch_add(&nr_parked, 1, __ATOMIC_RELAXED);
	/* Acquire, paired with the release in unpark(): what CPU 0 set up meanwhile is seen. */
	while (__atomic_load_n(&park_wanted, __ATOMIC_ACQUIRE)) {
		mm_ipi();
		port_relax();
		port_yield();
	}
}

/* Wait until done(number), until PARK_NS and so many looks are over at most; whether it came to that. */
static bool wait_for(bool (*done)(unsigned int number), unsigned int number)
{
	uint64_t start = timer_now();
	unsigned int most = timer_hz() ? PARK_LOOKS : PARK_LOOKS_ALONE;

	for (unsigned int looks = 0; !done(number); looks++) {
		if (looks > most && (!timer_hz() || timer_since(start) > PARK_NS))
			return false;
		port_relax();
		port_yield();
	}
	return true;
}

/* The CPUs before `end` go on. smp_wait() would need their interrupt. */
static void unpark(unsigned int end)
{
	__atomic_store_n(&park_wanted, false, __ATOMIC_RELEASE);
	for (unsigned int cpu = 1; cpu < end; cpu++)
		if (!wait_for(smp_finished, cpu))
			port_log("CPU %u does not come back", cpu);
}

static bool are_parked(unsigned int count)
{
	return __atomic_load_n(&nr_parked, __ATOMIC_RELAXED) >= count;
}

/*
 * Interrupts the other CPUs, while that can still be done, and makes them wait. 0: all of them wait.
 * Else none does: one of them has other work, or has not taken the request yet. When it takes it, it
 * finds that the request is over.
 */
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
			unpark(cpu);
			return -EBUSY;
		}
		asked++;
		if (!wait_for(are_parked, asked)) {
			unpark(cpu);
			return -ETIMEDOUT;
		}
	}
	return 0;
}

/* ---- drivers come and go --------------------------------------------------------------------- */

void drivers_start(void)
{
	int bound = drivers_init(boot_info.fdt);

	kmem_release(); /* but what devices hold: without a CPU's room for objects, and what failed probes had */
	uart_settle();
	port_log("drivers: %d devices bound", bound);
}

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
	kmem_release();
	mmu_unmap_devices();
	take(after);
	flags = port_irq_save(); /* as at boot */
	drivers_start();
	port_irq_restore(flags);
	/*
	 * without their interrupt controller the CPUs stay parked: there they serve mm_ipi() all
	 * the same
	 */
	if (count_irqchips() == irqchips)
		unpark(smp_nr_cpus());
	return 0;
}

/* ---- the proof ------------------------------------------------------------------------------- */

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
	uint64_t late = after->managed - boot.managed;
	uint64_t expected = free_pages_of(&boot) + late - caches - after->kept;
	bool same = true;

	if (caches)
		printf("%" PRIu64 " pages went to the caches of CPUs that came up later\n", caches);
	if (late)
		printf("%" PRIu64 " pages came from CPUs that did not start\n", late);
	if (after->kept)
		printf("%" PRIu64 " pages are kept: a device may still write them\n", after->kept);
	if (caches || late || after->kept) {
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
		[ZONE_NORMAL] = "Normal",
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

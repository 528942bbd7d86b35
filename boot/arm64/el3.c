/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * el3.c: the caller's side of el3_entry.S: see el3.h.
 */
#include "boot/arm64/el3.h"

#include <errno.h>

#include <quarry/config.h>

#include "boot/arm64/machine.h"
#include "boot/boot.h"
#include "boot/mmu/cache.h"

/*
 * What CPUs that wait in el3_entry.S look at with their caches off. They may have entered before the
 * first instruction of this image ran, so it is in .data: the loader has written it, and nothing
 * clears it. Affinity 0 never waits.
 */
struct pen {
	uint64_t mpidr, boot;
};
struct pen el3_pen[CONFIG_NR_CPUS] __attribute__((section(".data.el3"), aligned(16)));
extern const uint32_t el3_pen_entries;
const uint32_t el3_pen_entries = CONFIG_NR_CPUS;

bool el3_is_ours(void)
{
	return machine_entry_el() == 3;
}

static uint64_t call(uint64_t function, uint64_t a1, uint64_t a2)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a1;
	register uint64_t x2 __asm__("x2") = a2;

	__asm__ volatile("dsb sy; smc #0" : "+r"(x0), "+r"(x1), "+r"(x2)::"x3", "cc", "memory");
	return x0;
}

uint32_t el3_readl(const volatile void *reg)
{
	return (uint32_t)call(EL3_READL, (uintptr_t)reg, 0);
}

void el3_writel(uint32_t value, volatile void *reg)
{
	call(EL3_WRITEL, (uintptr_t)reg, value);
}

void el3_set_cntfrq(uint64_t hz)
{
	call(EL3_CNTFRQ, hz, 0);
}

int el3_release(uint64_t mpidr, const void *boot)
{
	static unsigned int released;
	struct pen *pen = &el3_pen[released];

	if (machine_was_moved() || released == CONFIG_NR_CPUS)
		return -ENODEV;
	released++;
	pen->mpidr = mpidr;
	pen->boot = (uintptr_t)boot;
	cache_flush(pen, sizeof(*pen));
	__asm__ volatile("sev");
	return 0;
}

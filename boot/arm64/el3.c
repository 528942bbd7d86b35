/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * el3.c: the caller's side of el3_entry.S: see el3.h.
 */
#include "boot/arm64/el3.h"

#include "boot/arm64/machine.h"

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

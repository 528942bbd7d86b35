/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache.c: data cache maintenance by virtual address to the point of coherency (Arm ARM, D7.5.9).
 */
#include "boot/mmu/cache.h"

#define CTR_DMINLINE_SHIFT 16 /* CTR_EL0: log2 of words in the smallest line of the data caches */
#define CTR_CWG_SHIFT	   24 /* log2 of words a write-back may take with it; 0: it does not say */
#define CTR_FIELD	   15U
#define GRANULE_UNKNOWN	   2048U /* what the architecture then says to assume (D7.5.4) */

static uint64_t ctr(void)
{
	uint64_t value;

	__asm__("mrs %0, ctr_el0" : "=r"(value));
	return value;
}

static unsigned int bytes(unsigned int shift)
{
	return 4U << (ctr() >> shift & CTR_FIELD);
}

unsigned int cache_line(const char **why)
{
	unsigned int line = bytes(CTR_DMINLINE_SHIFT), granule = bytes(CTR_CWG_SHIFT);

	*why = NULL;
	if (granule == 4)
		return GRANULE_UNKNOWN;
	return granule > line ? granule : line;
}

/* The barrier is for the whole system: the device is beyond the inner shareable domain. */
#define FOR_EACH_LINE(instruction, start, size)                                                 \
	do {                                                                                    \
		uintptr_t line = bytes(CTR_DMINLINE_SHIFT), end = (uintptr_t)(start) + (size);  \
		for (uintptr_t at = ALIGN_DOWN((uintptr_t)(start), line); at < end; at += line) \
			__asm__ volatile(instruction ", %0" ::"r"(at) : "memory");              \
		__asm__ volatile("dsb sy" ::: "memory");                                        \
	} while (0)

void cache_clean(const void *start, size_t size)
{
	FOR_EACH_LINE("dc cvac", start, size);
}

void cache_flush(const void *start, size_t size)
{
	FOR_EACH_LINE("dc civac", start, size);
}

void cache_invalidate(const void *start, size_t size)
{
	FOR_EACH_LINE("dc ivac", start, size);
}

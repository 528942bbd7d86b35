/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysctl.h: what can be set while the allocator runs, by the names that Linux's sysctls have
 * (admin-guide/sysctl/vm.rst), and the arithmetic of its watermarks.
 */
#ifndef QUARRY_SYSCTL_H
#define QUARRY_SYSCTL_H

#include <quarry/mmzone.h>
#include <quarry/types.h>

/*
 * mm_set_pcp_high() - the most pages each per-CPU cache of order-0 pages may hold
 * (vm.percpu_pagelist); 0 switches the caches off. All CPUs' caches are drained, as by
 * drain_all_pages(). Returns the value in effect (the arrays' capacity limits it). Context: thread.
 */
unsigned long mm_set_pcp_high(unsigned long pages);
unsigned long mm_pcp_high(void);

/* Linux's arithmetic on any number of zones, lowest first; for tests and tools. Pages. */
uint64_t mm_default_min_free_kbytes(uint64_t managed_pages);
void mm_calc_watermarks(unsigned int nr_zones, const uint64_t managed[], uint64_t min_free_kbytes,
			unsigned int scale_factor, struct mm_watermarks marks[]);
/* protection[i * nr_zones + j]: what zone i keeps from requests whose highest zone is j. */
void mm_calc_protection(unsigned int nr_zones, const uint64_t managed[], const unsigned int ratio[],
			uint64_t protection[]);

/*
 * The sysctls of these names; setting one recomputes at once. -EINVAL and no change if out of
 * range.
 */
uint64_t mm_min_free_kbytes(void);
int mm_set_min_free_kbytes(uint64_t kbytes);
unsigned int mm_watermark_scale_factor(void);
int mm_set_watermark_scale_factor(unsigned int factor); /* 1 .. 3000, of 10000 */
unsigned int mm_lowmem_reserve_ratio(enum zone_type zone);
int mm_set_lowmem_reserve_ratio(enum zone_type zone, unsigned int ratio); /* 0: nothing is kept */

#endif

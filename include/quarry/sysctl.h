/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysctl.h: what can be set while the allocator runs, by the names that Linux's sysctls have
 * (admin-guide/sysctl/vm.rst), and the arithmetic of its watermarks.
 */
#ifndef QUARRY_SYSCTL_H
#define QUARRY_SYSCTL_H

#include <quarry/cdefs.h>
#include <quarry/mmzone.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

/*
 * mm_set_pcp_high(), mm_pcp_high() - the most pages each per-CPU cache of single pages may hold
 * (vm.percpu_pagelist); 0 switches the caches off. Setting it drains all CPUs' caches.
 *
 * Context: thread, without locks that another CPU's mm_ipi() needs; mm_pcp_high() any.
 * Bound:   linear in what is cached; it waits for the other CPUs.
 * Return:  the value in effect on this CPU, pages: the arrays' capacity limits it.
 * Source:  Linux vm.percpu_pagelist_high_fraction is the nearest.
 */
unsigned long mm_set_pcp_high(unsigned long pages);
unsigned long mm_pcp_high(void);

/*
 * mm_default_min_free_kbytes(), mm_calc_watermarks(), mm_calc_protection() - Linux's arithmetic on
 * any number of zones, lowest first; for tests and tools. All figures are pages but the kbytes.
 * protection[i * nr_zones + j] is what zone i keeps from requests whose highest zone is j.
 *
 * Context: any.
 * Bound:   linear in the zones, mm_calc_protection() in their square.
 * Return:  KiB; the others write to marks[] and protection[].
 * Source:  Linux mm/page_alloc.c: calculate_min_free_kbytes(), __setup_per_zone_wmarks(),
 *          setup_per_zone_lowmem_reserve().
 */
uint64_t mm_default_min_free_kbytes(uint64_t managed_pages);
void mm_calc_watermarks(unsigned int nr_zones, const uint64_t managed[], uint64_t min_free_kbytes,
			unsigned int scale_factor, struct mm_watermarks marks[]);
void mm_calc_protection(unsigned int nr_zones, const uint64_t managed[], const unsigned int ratio[],
			uint64_t protection[]);

/*
 * mm_min_free_kbytes(), mm_watermark_scale_factor(), mm_lowmem_reserve_ratio(), and to set them
 * (mm_set_min_free_kbytes(), mm_set_watermark_scale_factor(), mm_set_lowmem_reserve_ratio()) - the
 * sysctls of these names; setting one recomputes all marks at once. The factor is 1 .. 3000, of
 * 10000; a ratio of 0 keeps nothing.
 *
 * Context: any to read; thread to set.
 * Bound:   10 to read; 1000 a zone to set.
 * Return:  the value; 0, or -EINVAL and no change: out of range, or no such zone.
 * Source:  Linux Documentation/admin-guide/sysctl/vm.rst.
 */
uint64_t mm_min_free_kbytes(void);
int mm_set_min_free_kbytes(uint64_t kbytes);
unsigned int mm_watermark_scale_factor(void);
int mm_set_watermark_scale_factor(unsigned int factor);
unsigned int mm_lowmem_reserve_ratio(enum zone_type zone);
int mm_set_lowmem_reserve_ratio(enum zone_type zone, unsigned int ratio);

MM_END_DECLS

#endif

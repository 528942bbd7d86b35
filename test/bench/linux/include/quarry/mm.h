/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm.h inside Linux: the interface the workloads are written against. The calls that are counted
 * are Linux's own, of the same names; what is here tells the state of the zones, outside of what
 * is counted. Linux 6.1 and later.
 */
#ifndef TEST_BENCH_LINUX_MM_H
#define TEST_BENCH_LINUX_MM_H

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/pagemap.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define MAX_PAGE_ORDER (MAX_ORDER - 1)
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define MAX_PAGE_ORDER MAX_ORDER
#endif
#ifndef NR_PAGE_ORDERS
#define NR_PAGE_ORDERS (MAX_PAGE_ORDER + 1)
#endif

/*
 * The workloads count free blocks of 2 MiB. Linux without huge pages has pageblocks of 4 MiB, its
 * own affair.
 */
#undef pageblock_order
#define pageblock_order 9
#undef pageblock_nr_pages
#define pageblock_nr_pages (1UL << pageblock_order)

/* A macro of Linux's, a word of the compiler's in the workloads. */
#undef noinline

/* Only entries that are NULL are filled: hot.c clears them when it frees. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define alloc_pages_bulk(gfp, n, pages) alloc_pages_bulk_array(gfp, n, pages)
#endif

/* Its batch of frees. */
#define free_pages_bulk(n, pages) release_pages(pages, n)

/* One CPU runs, interrupts masked. */
#define drain_all_pages() drain_local_pages(NULL)

struct zone_info {
	uint64_t free;
	uint64_t untouched; /* Linux has no such thing: 0 */
};
void mm_zone_info(enum zone_type zone, struct zone_info *info);

void mm_buddyinfo(enum zone_type zone, uint64_t nr_free[NR_PAGE_ORDERS]);
void mm_pagetypeinfo(enum zone_type zone, uint64_t nr_free[MIGRATE_TYPES][NR_PAGE_ORDERS]);

/* The most pages the per-CPU caches of all zones hold; 0: every page goes to the buddy at once. */
unsigned long mm_set_pcp_high(unsigned long pages);
unsigned long mm_pcp_high(void);

struct mm_layout {
	uint64_t present_pages;
	uint64_t memmap_bytes;
};
void mm_get_layout(struct mm_layout *layout);

/* Linux has no checker of this kind. */
static inline int mm_check(void)
{
	return 0;
}

#endif

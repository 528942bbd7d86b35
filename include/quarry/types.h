/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * types.h: the integer types that carry meaning across mm/, and the page size.
 *
 * Sizes are bytes unless the name says pages; a region's end is exclusive everywhere.
 */
#ifndef QUARRY_TYPES_H
#define QUARRY_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <quarry/config.h>

typedef uint64_t phys_addr_t; /* a physical address, bytes */
typedef uint64_t pfn_t;	      /* a page frame number: physical address >> PAGE_SHIFT */
typedef uint32_t gfp_t;	      /* allocation flags, see gfp.h */

#define PAGE_SHIFT    CONFIG_PAGE_SHIFT
#define PAGE_SIZE     (1UL << PAGE_SHIFT)
#define PAGE_MASK     (~((phys_addr_t)PAGE_SIZE - 1))

#define PHYS_ADDR_MAX (~(phys_addr_t)0)

#define PFN_DOWN(x)   ((pfn_t)((x) >> PAGE_SHIFT))
/* Without overflow, also in the last page of the address space. x is evaluated twice. */
#define PFN_UP(x)   ((pfn_t)(((x) >> PAGE_SHIFT) + (((x) & (PAGE_SIZE - 1)) != 0)))
#define PFN_PHYS(x) ((phys_addr_t)(x) << PAGE_SHIFT)

/* Alignments are powers of two; x is unsigned, and may be wider than a. */
#define ALIGN_DOWN(x, a) ((x) & ~(__typeof__((x) + (a)))((a) - 1))
#define ALIGN_UP(x, a)	 ALIGN_DOWN((x) + ((a) - 1), a)

#endif

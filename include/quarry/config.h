/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h: every compile-time choice of mm/, in one place.
 *
 * An embedder changes a value here or with -D on the compiler's command line. Each value that is
 * not a plain size has a test in every position it can take. Library and callers take the same
 * values.
 */
#ifndef QUARRY_CONFIG_H
#define QUARRY_CONFIG_H

/* As in C11's <assert.h>, which no freestanding host need have. */
#ifdef __cplusplus
#define QUARRY_STATIC_ASSERT static_assert
#else
#define QUARRY_STATIC_ASSERT _Static_assert
#endif

/*
 * 1: what is Linux's has Linux's name, and a few of ours beside it have no prefix either. 0: each
 * name but those with mm_, MM_ or port_ begins with quarry_ or QUARRY_ (quarry_alloc_pages(), struct
 * quarry_page, QUARRY_GFP_KERNEL), so that a program may have Linux's names for what is its own. Such
 * headers and their library are others: `make install QUARRY_LINUX_NAMES=0`, or make amalgamation.
 */
#ifndef QUARRY_LINUX_NAMES
#define QUARRY_LINUX_NAMES 1
#endif
QUARRY_STATIC_ASSERT(QUARRY_LINUX_NAMES == 1,
		     "other names are in other headers: make install QUARRY_LINUX_NAMES=0, or 1");

/* Most CPUs that may own per-CPU page caches. */
#ifndef CONFIG_NR_CPUS
#define CONFIG_NR_CPUS 64
#endif

/*
 * Regions each memblock array can hold before it grows by doubling (Linux:
 * INIT_MEMBLOCK_REGIONS).
 */
#ifndef CONFIG_MEMBLOCK_REGIONS
#define CONFIG_MEMBLOCK_REGIONS 128
#endif

/*
 * Debug options that can be switched on while the allocator runs: poison, init_on_alloc,
 * init_on_free, fault injection, tracepoints. 0 leaves them out: they cost code, not time.
 */
#ifndef CONFIG_DEBUG_HOOKS
#define CONFIG_DEBUG_HOOKS 1
#endif

/*
 * Assertions at each list operation, count, state change and lock rule of mm/ (Linux's name). 1: a
 * broken one panics with a line that names it. For development: a call costs several times as much.
 */
#ifndef CONFIG_DEBUG_VM
#define CONFIG_DEBUG_VM 0
#endif

/*
 * 1: each page has a word that is its owner's, for what the allocator knows nothing of (Linux:
 * page->private). It takes as many bytes as a pointer, a page; 0: none.
 */
#ifndef CONFIG_PAGE_PRIVATE
#define CONFIG_PAGE_PRIVATE 0
#endif

/*
 * Allocators in one program, each with memory of its own; more than one costs time at each use of
 * their state. instance.h says how one is chosen.
 */
#ifndef QUARRY_INSTANCES
#define QUARRY_INSTANCES 1
#endif

/*
 * 1: movable requests are served from CMA areas too (cma.h). 0: a program has no such areas, and
 * requests are not asked whether they are movable.
 */
#ifndef CONFIG_CMA
#define CONFIG_CMA 1
#endif

/* Width of a physical address in bits: memory beyond it is dropped with a warning at boot. */
#ifndef CONFIG_PHYS_BITS
#define CONFIG_PHYS_BITS 52
#endif

/* log2 of the bytes of a page: 12, 14 or 16, as the machine's tables have them. */
#ifndef CONFIG_PAGE_SHIFT
#define CONFIG_PAGE_SHIFT 12
#endif

/*
 * Geometry. The largest block has 2^CONFIG_MAX_PAGE_ORDER pages (3 to 12), and so has a section, the
 * unit in which memory gets its descriptors. Blocks are grouped by mobility in pageblocks of
 * 2^CONFIG_PAGEBLOCK_ORDER pages (2 to CONFIG_MAX_PAGE_ORDER); all is tuned for two in a section. The
 * trust map has a byte for 2^CONFIG_TRUST_GROUP_SHIFT descriptors. page.h and mm/ refuse to be built
 * with what cannot work.
 */
#ifndef CONFIG_MAX_PAGE_ORDER
#define CONFIG_MAX_PAGE_ORDER 10
#endif
#ifndef CONFIG_PAGEBLOCK_ORDER
#define CONFIG_PAGEBLOCK_ORDER 9
#endif
#ifndef CONFIG_TRUST_GROUP_SHIFT
#if CONFIG_PAGEBLOCK_ORDER < 5
#define CONFIG_TRUST_GROUP_SHIFT CONFIG_PAGEBLOCK_ORDER
#else
#define CONFIG_TRUST_GROUP_SHIFT 5
#endif
#endif

/* Caches of objects (slab.h): 68 of kmalloc(), the others for kmem_cache_create(). */
#ifndef CONFIG_KMEM_CACHES
#define CONFIG_KMEM_CACHES 128
#endif

/*
 * kmalloc()'s objects begin at multiples of this many bytes, and have each of these units to themselves
 * (Linux's name): a power of two from 8 up to a page. For devices that do not look into the CPU's caches it is
 * the largest cache line that the CPUs have, so that a buffer shares none.
 */
#ifndef ARCH_DMA_MINALIGN
#define ARCH_DMA_MINALIGN 8
#endif

/*
 * What a CPU caches of a zone: of single pages, for each class, a part in CONFIG_PCP_ZONE_PART of
 * the zone, split among the CPUs, at most CONFIG_PCP_HIGH_MAX, and none if that is less than
 * CONFIG_PCP_HIGH_MIN; of larger blocks at most CONFIG_PCP_BLOCKS_MAX. A refill takes up to
 * 2^CONFIG_PCP_BATCH_ORDER pages, a full cache gives back 2^CONFIG_PCP_RETURN_ORDER at once if
 * these are one block.
 */
#ifndef CONFIG_PCP_ZONE_PART
#define CONFIG_PCP_ZONE_PART 256
#endif
#ifndef CONFIG_PCP_HIGH_MIN
#define CONFIG_PCP_HIGH_MIN 8
#endif
#ifndef CONFIG_PCP_HIGH_MAX
#define CONFIG_PCP_HIGH_MAX 1024
#endif
#ifndef CONFIG_PCP_BLOCKS_MAX
#define CONFIG_PCP_BLOCKS_MAX 4
#endif
#ifndef CONFIG_PCP_BATCH_ORDER
#if CONFIG_PAGEBLOCK_ORDER < 5
#define CONFIG_PCP_BATCH_ORDER (CONFIG_PAGEBLOCK_ORDER - 1)
#else
#define CONFIG_PCP_BATCH_ORDER 4
#endif
#endif
#ifndef CONFIG_PCP_RETURN_ORDER
#if CONFIG_PAGEBLOCK_ORDER < 4
#define CONFIG_PCP_RETURN_ORDER (CONFIG_PAGEBLOCK_ORDER - 1)
#else
#define CONFIG_PCP_RETURN_ORDER 3
#endif
#endif

/*
 * A library and a caller that were built with different values do not link: what every caller uses
 * has the values that callers' code depends on in its linker name, and the error shows those the
 * caller has. The values are plain numbers, and a word: QUARRY_PORT_NAME, of port.h.
 */
#define MM_TEXT_OF(value) #value
#define MM_TEXT(value)	  MM_TEXT_OF(value)
#define MM_LINK_NAME(function)                                                                                                                                                                                                                                   \
	__asm__(#function                                                                                                                                                                                                                                        \
		"__NR_CPUS_" MM_TEXT(CONFIG_NR_CPUS) "__INSTANCES_" MM_TEXT(QUARRY_INSTANCES) "__MEMBLOCK_REGIONS_" MM_TEXT(CONFIG_MEMBLOCK_REGIONS) "__DEBUG_HOOKS_" MM_TEXT(CONFIG_DEBUG_HOOKS) "__DEBUG_VM_" MM_TEXT(CONFIG_DEBUG_VM) "__PHYS_BITS_" MM_TEXT( \
			CONFIG_PHYS_BITS) "__PAGE_SHIFT_" MM_TEXT(CONFIG_PAGE_SHIFT) "__MAX_PAGE_ORDER_" MM_TEXT(CONFIG_MAX_PAGE_ORDER) "__PAGEBLOCK_ORDER_" MM_TEXT(CONFIG_PAGEBLOCK_ORDER) "__TRUST_GROUP_SHIFT_" MM_TEXT(CONFIG_TRUST_GROUP_SHIFT) "__PORT_" MM_TEXT(QUARRY_PORT_NAME))

#endif

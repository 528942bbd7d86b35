/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h: machines for host tests: a memory layout is started as boot/ starts one, on memory
 * full of random bytes, with a plain map of frames beside it that says what the allocator must
 * hold.
 */
#ifndef QUARRY_TEST_MACHINE_H
#define QUARRY_TEST_MACHINE_H

#include <quarry/mm.h>

struct range {
	phys_addr_t base, size;
};

#define MAX_RANGES 8

struct layout {
	const char *name;
	phys_addr_t dma32_limit;
	struct range bank[MAX_RANGES];	   /* ends with size 0 */
	struct range reserved[MAX_RANGES]; /* ends with size 0 */
	unsigned int caches;		   /* 1: with per-CPU caches */
};

/* The layouts every test runs on; the random ones are made from their seed alone. */
extern const struct layout layouts[];
extern const unsigned int nr_layouts;
void random_layout(struct layout *layout, uint64_t seed);

/* What a frame is, by the oracle. */
enum frame {
	FRAME_ABSENT,
	FRAME_RESERVED,
	FRAME_FREE,
	FRAME_TAKEN,
};

struct machine {
	pfn_t first, end; /* the frames of the map */
	pfn_t boundary;	  /* first frame of ZONE_NORMAL */
	unsigned char *frame;
	unsigned long released;				/* what memblock_free_all() returned */
	uint64_t picture[MAX_NR_ZONES][NR_PAGE_ORDERS]; /* free blocks, nothing allocated */
};
extern struct machine machine;
extern struct mm_pcpu machine_pcpu;

/*
 * machine_start() - from random memory to a running allocator; the map of frames is made from
 * memblock alone, and every figure is compared with it. machine_stop() ends it, and wants all pages
 * back; machine_drop() ends it as it is.
 */
void machine_start(const struct layout *layout);
extern void (*machine_named)(void); /* called once more when memblock is filled, or NULL */
void machine_stop(void);
void machine_drop(void);

/*
 * A block of this order that an interrupt takes under pressure, out of a HIGHATOMIC pageblock if it
 * is smaller than one; zone is 0 or GFP_DMA32. A machine of these tests is too small to keep any:
 * the zones say meanwhile that they have 200 MiB more.
 */
struct page *highatomic_block(gfp_t zone, unsigned int order);

/* Mark a block as taken (it must be free, aligned, in one zone) or as free (it must be taken). */
void oracle_take(const struct page *page, unsigned int order);
void oracle_give(pfn_t pfn, unsigned int order);

/* Is there a free aligned block of this order in the zones that gfp may use? */
bool oracle_has(gfp_t gfp, unsigned int order);

/* The blocks a perfect buddy holds for the map; must be what the allocator says, caches drained. */
void oracle_blocks(enum zone_type zone, uint64_t nr_free[NR_PAGE_ORDERS]);
void expect_oracle_picture(void);

#endif

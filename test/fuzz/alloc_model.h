/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_model.h: a naive model of the page allocator, for fuzz_alloc: a map that says of every frame what it
 * is, and a table of the blocks that were handed out. It knows no lists, marks or caches; what it needs
 * of them to judge a refusal it asks of the allocator's figures.
 */
#ifndef QUARRY_FUZZ_ALLOC_MODEL_H
#define QUARRY_FUZZ_ALLOC_MODEL_H

#include <stdio.h>
#include <stdlib.h>

#include <quarry/mm.h>

/* A finding: said, and the fuzzer stops. */
#define CHECK(holds, ...)                                                           \
	do {                                                                        \
		if (!(holds)) {                                                     \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #holds); \
			fprintf(stderr, __VA_ARGS__);                               \
			fputc('\n', stderr);                                        \
			model_fail();                                               \
		}                                                                   \
	} while (0)

_Noreturn void model_fail(void);  /* shows what mm/ logged last, and stops */
void model_log(const char *line); /* a log hook that keeps the last lines */

#define MODEL_FRAMES (512UL << (20 - PAGE_SHIFT)) /* most frames from the first to the last */
#define MODEL_BLOCKS 16384

enum frame {
	FRAME_ABSENT,
	FRAME_NOMAP,
	FRAME_PART,	/* of it is reserved in memblock */
	FRAME_RESERVED, /* all of it is */
	FRAME_SYSTEM,	/* the allocator's own: arrays of caches */
	FRAME_FREE,
	FRAME_BLOCK, /* + the number of the block it belongs to */
};

struct block {
	pfn_t pfn;
	uint32_t pages;
	unsigned int order; /* of no account if exact */
	unsigned int refs;
	bool compound, exact;
	bool movable;	/* its owner is alloc_moves.c */
	bool in_flight; /* the owner has let it go, for a while */
	bool range;	/* of alloc_contig_range() or its like; exact, too */
	uint32_t place; /* in model.held[] */
	uint64_t cookie;
};

struct model {
	pfn_t first, end, boundary; /* boundary: the first frame of ZONE_NORMAL */
	unsigned long nr_free[MAX_NR_ZONES];
	uint32_t nr_held;
	uint16_t held[MODEL_BLOCKS]; /* numbers of the blocks handed out */
	struct block *busy;	     /* a call is about it: an interrupt leaves it alone */
	uint16_t frame[MODEL_FRAMES];
};
extern struct model model;

void model_start(pfn_t first, pfn_t end, pfn_t boundary);
/* What the frames are that bytes [base, base + size) touch, or hold whole. */
void model_mark(phys_addr_t base, phys_addr_t size, enum frame what, bool touched);
/* After boot: counts what is free. */
void model_count(void);
static inline unsigned int model_frame(pfn_t pfn)
{
	return pfn >= model.first && pfn < model.end ? model.frame[pfn - model.first]
						     : FRAME_ABSENT;
}
static inline enum zone_type model_zone(pfn_t pfn)
{
	return pfn >= model.boundary ? ZONE_NORMAL : ZONE_DMA32;
}

/*
 * The allocator handed out `pages` pages from this one on for a request with these flags: nobody has them,
 * they lie where the flags allow, and are zero if the flags or the options say so. NULL: the table
 * is full, and nothing was noted.
 */
struct block *model_take(struct page *page, unsigned long pages, unsigned int order, gfp_t gfp);
/* A block held: its pages still have what was written to them. */
void model_verify(const struct block *block);
/* It is about to be freed. The frames, or all but the first, are free from now on. */
void model_release(struct block *block);
void model_keep_first(struct block *block);
/* It lies there from now on, where all frames are free. */
void model_move(struct block *block, pfn_t pfn);
/* A reservation that becomes free, if every frame of it is one. */
bool model_release_reserved(pfn_t pfn, pfn_t end);
bool model_reserved(pfn_t pfn, pfn_t end);
/* The n-th of the blocks held, any n; NULL if there are none, or it is busy or moves. */
struct block *model_pick(unsigned long n);
struct block *model_block_at(pfn_t pfn); /* NULL: nobody holds the frame */

/* Must a request be served? See alloc_model.c for the rule. */
bool model_must_serve(gfp_t gfp, unsigned int order);
/* Figures agree with the map; with everything drained, so do the free blocks of each order. */
void model_check_figures(void);
void model_check_picture(void);

#endif

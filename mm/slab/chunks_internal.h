/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chunks_internal.h: pages of heads, and what leads to them: their numbers, and tables of handles.
 */
#ifndef QUARRY_MM_CHUNKS_INTERNAL_H
#define QUARRY_MM_CHUNKS_INTERNAL_H

#include "../spinlock.h"
#include "../state.h"
#include "slab.h"

#pragma GCC visibility push(hidden)

struct chunk {
	_Alignas(struct slab) char none[sizeof(struct slab)]; /* a head of no slab */
	uint32_t number;
	uint16_t fresh;		   /* the first place that was never used; 0: it is new */
	uint16_t used;		   /* heads of slabs */
	uint8_t shift;		   /* log2 of the bytes of its heads */
	struct slab *first;	   /* of the heads that were given back, linked by `next` */
	struct chunk *next, *prev; /* on the list of those with free places */
};
static_assert(sizeof(struct chunk) <= 1 << HEAD_SHIFT, "a chunk's header is one place");
static_assert(HEADS_PER_CHUNK <= UINT16_MAX, "for its counts");

#define UNUSED 0 /* the list of chunks without heads */

/*
 * Numbers of chunks lead to them by leaves, each a page that is made with the first number of its own. A number that
 * was given up has the one that was given up before it there, twice and 1.
 */
#define LEAF_SHIFT (PAGE_SHIFT - (sizeof(uintptr_t) == 8 ? 3 : 2))
#define NR_LEAVES  (sizeof(uintptr_t) == 8 ? 512 : 96) /* the last is never made */

/*
 * A table of the hot path: the end of the head of each handle, its slab's states. It is one block of pages, so the
 * next one is larger, and filled by a chunk at a time; those before stay, and are kept right.
 */
struct handles {
	uint8_t **states;
	uint32_t size, filled; /* handles: room for, and those that are there */
	unsigned int order;
};
#define HANDLE_TABLES 3

struct heads {
	struct spinlock lock;	       /* guards all below */
	uint32_t given_up;	       /* the number that was given up last, if nr > nr_chunks */
	uint32_t nr;		       /* numbers that were ever used */
	uint32_t nr_chunks, nr_unused; /* chunks; those of them without heads */
	bool behind;		       /* handles_step() has something to do */
	unsigned int nr_tables;
	struct handles table[HANDLE_TABLES], *current; /* the one that CPUs use from now on */
	struct chunk *list[HEAD_MAX_SHIFT +
			   1]; /* with free places, by log2 of their heads' size; UNUSED */
	uintptr_t *leaf[NR_LEAVES];
};

static inline uintptr_t *chunk_entry(const struct heads *heads, uint32_t number)
{
	return &heads->leaf[number >> LEAF_SHIFT][number & ((1U << LEAF_SHIFT) - 1)];
}

/* The chunk of a number below nr; NULL: it was given up. */
static inline const struct chunk *chunk_of(const struct heads *heads, uint32_t number)
{
	uintptr_t entry = READ_ONCE(*chunk_entry(heads, number));

	return entry & 1 ? NULL : (const struct chunk *)entry;
}

#pragma GCC visibility pop
#endif

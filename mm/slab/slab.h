/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab.h: what slab/ offers beside the public interface (quarry/slab.h), to debug/ alone: its part of
 * mm_check() and mm_state_hash(). And the heads of slabs, where all is known of them.
 *
 *   page descriptor            chunk: a page of heads             slab: 2^order pages
 *  +------+--------+          +--------+------+------+-----       +-----+-----+-----+---
 *  | SLAB | handle |--------->| header | head | head |     base ->| obj | obj | obj |
 *  +------+--------+          +--------+------+------+-----       +-----+-----+-----+---
 *
 * A handle is a chunk's number and a place in it. Each page of a slab has it in its descriptor's
 * owner word. The word may be anything in a page that is of no slab, so nothing is believed of a
 * head before its base and its objects agree with the address that led there.
 *
 * A head has a byte for each object, which says whether it is in use, and a bit, which says whether
 * it lies in the slab itself. The byte belongs to whoever has the object: its user, or the CPU on
 * whose stack it is. The bits are guarded by the cache's lock. Heads of a cache have one size, a
 * power of two, and are aligned to it: the address of an object's byte leads to its head.
 */
#ifndef QUARRY_MM_SLAB_H
#define QUARRY_MM_SLAB_H

#include <quarry/slab.h>
#include "../check_walk.h"

#pragma GCC visibility push(hidden)

/* Bits of a word of a slab's map. */
#define MAP_BITS (8 * sizeof(unsigned long))

struct slab {
	uintptr_t base;		  /* of the first object; 0: no slab */
	unsigned long reciprocal; /* 2^bits / size, rounded up: of an unsigned long's bits */
	uint16_t objects;
	uint16_t free;	/* objects that lie in the slab; cache's lock */
	uint16_t stack; /* bytes from a struct kmem_cpu to the cache's stack */
	uint16_t map;	/* bytes from here to the bits */
	uint32_t handle;
	uint8_t order;
	struct kmem_cache *cache;
	struct slab *next, *prev; /* on the cache's list of partial or empty slabs */
	uint8_t state[];	  /* directly behind: the hot path comes from there */
};
static_assert(offsetof(struct slab, state) == sizeof(struct slab), "no padding in between");

#define HANDLE_LARGE	0xffffffffU		  /* a block of kmalloc(), no slab */
#define HEAD_SHIFT	7			  /* heads are multiples of 128 bytes */
#define CHUNK_SHIFT	(PAGE_SHIFT - HEAD_SHIFT) /* handle -> chunk */
#define HEAD_MAX_SHIFT	9
#define HEADS_PER_CHUNK (1UL << CHUNK_SHIFT)

#ifdef __SIZEOF_INT128__
static inline unsigned long mul_high(unsigned long a, unsigned long b)
{
	return (unsigned long)((unsigned __int128)a * b >> 64);
}
#else
static inline unsigned long mul_high(unsigned long a, unsigned long b)
{
	return (unsigned long)((uint64_t)a * b >> 32);
}
#endif

/*
 * The number of the object that starts so many bytes past the slab's base. False: none does.
 * (offset * reciprocal) is the quotient's fraction, in the low word, and it is smaller than the
 * reciprocal exactly where the size divides the offset: Lemire, Kaser, Kurz, "Faster remainder by
 * direct computation", 2019.
 */
static inline __attribute__((always_inline)) bool object_number(const struct slab *slab,
								uintptr_t offset, unsigned long *n)
{
	unsigned long reciprocal = slab->reciprocal;

	if (!mm_likely(offset * reciprocal < reciprocal))
		return false;
	*n = mul_high(offset, reciprocal);
	return mm_likely(*n < slab->objects);
}

/* slab_check.c */
/* areas: mm.pcpu[] may be followed (check_cpus()). */
void check_slabs(struct walk *walk, bool areas);
uint64_t hash_slabs(uint64_t hash);

#pragma GCC visibility pop
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kmem_internal.h: the state of slab/: caches, and all there is of objects.
 */
#ifndef QUARRY_MM_KMEM_INTERNAL_H
#define QUARRY_MM_KMEM_INTERNAL_H

#include <quarry/slab_debug.h>
#include "../spinlock.h"
#include "../state.h"
#include "heads_internal.h"

#pragma GCC visibility push(hidden)

enum { /* of slabs */
	EMPTY,
	PARTIAL,
	NR_LISTS
};

/* What inline callers know of a cache comes first (slab_inline.h). */
struct kmem_cache {
	struct kmem_cache_hot hot;
	uint32_t size; /* from one object to the next */
	uint32_t align;
	gfp_t gfp;	    /* of its pages, besides the caller's */
	slab_flags_t flags; /* as it was created */
	uint16_t number;
	uint16_t limit;		  /* objects that a CPU keeps */
	uint16_t most_objects;	  /* of a slab: its head has no room for more */
	uint8_t batch, give;	  /* that come to it, and that go back, at once */
	uint8_t give_most;	  /* give, but while many slabs are empty */
	uint8_t order, min_order; /* of its slabs; where such blocks are not to be had */
	uint8_t head_shift;
	int32_t head_mask; /* of an address in a head: the head's */
	unsigned long reciprocal;
	const char *name;
	void (*ctor)(void *object);
#if CONFIG_DEBUG_HOOKS
	const char *name_copy;	  /* of the address, for mm_check() */
	slab_flags_t debug;	  /* SLAB_DEBUG_FLAGS; while it has slabs they stay */
	unsigned int quarantined; /* objects there; the lock guards them too */
	uint8_t *first, *last;	  /* their states, the one that was freed first and the newest */
	uint64_t random, faults;
#endif

	struct spinlock lock;	     /* guards all below, and its slabs' `free`, maps and links */
	struct slab *list[NR_LISTS]; /* EMPTY, PARTIAL: first slabs */
	unsigned int nr_empty;	     /* slabs */
	uint64_t nr_slabs, nr_pages, nr_objects, nr_free; /* objects there are, and in slabs */
};
#define MAX_LIMIT    30
#define KMALLOC_NAME 20 /* bytes */
/* Empty slabs that a cache keeps, and chunks without heads that are kept. */
#define KEEP_EMPTY  4
#define KEEP_CHUNKS 1
/*
 * Where many slabs are empty, and objects are but freed, so few go back to slabs at once that the stack is full again
 * after the next free: then every other free gives a slab back.
 */
#define GIVE_FEW 2

/* ---- all there is ----------------------------------------------------------------------------- */

struct kmem {
	/*
	 * Of a CPU that has no objects, and no room for any: each stack is empty and full. Read as a head,
	 * as head_of() may, it is one of no slab.
	 */
	_Alignas(1 << HEAD_MAX_SHIFT) struct kmem_cpu none;
	struct kmem_cpu *cpu[CONFIG_NR_CPUS]; /* by number; NULL: it has no objects */
	struct kmem_cache *caches[CONFIG_KMEM_CACHES];
	struct spinlock table_lock; /* guards caches[], but for reading an entry */
	struct spinlock spare_lock; /* guards the stacks that no cache has, of each CPU */
	unsigned int emptying; /* a thread empties stacks that are not its own to empty; atomic */
	struct heads heads;
	struct shrinker shrinker;
#if CONFIG_DEBUG_HOOKS
	const char *debug_options; /* as slab_debug_setup() was given them; NULL: none */
#endif
	/* Of all caches' empty slabs, for the shrinker to answer at once; so many are more than should stay. */
	uint64_t empty_pages, many_pages;
	struct object_slot no_object[1];
	struct kmem_cache of_caches, kmalloc[2 * MM_KMALLOC_SIZES];
	char names[2 * MM_KMALLOC_SIZES][KMALLOC_NAME]; /* of these */
};
static_assert(offsetof(struct kmem, none) == 0, "mm_cpu_online() knows no more of it");
static_assert(offsetof(struct slab, free) <= offsetof(struct kmem_cpu, nr_handles),
	      "all zero where a head has its base, its reciprocal and its objects");

/* head.c. For slab_check.c there is mm.kmem, which is NULL where it is not used. */
#if QUARRY_INSTANCES == 1
extern struct kmem kmem_state;
#else
extern struct kmem kmem_state_of_instance[QUARRY_INSTANCES];
#define kmem_state kmem_state_of_instance[this_instance()]
#endif

#pragma GCC visibility pop
#endif

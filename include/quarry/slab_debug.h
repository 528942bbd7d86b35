/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab_debug.h: faults in the use of objects, found while a program runs: red zones, poison, owners,
 * quarantine, of the caches that are chosen; and what is in a cache's slabs.
 *
 * An object of such a cache passes no CPU's stack: each call goes the slow way, which looks at it, and
 * the hot path is as it was. What is noted of an object lies in a page of its slab's own, beside the
 * head: no object can overwrite it. With CONFIG_DEBUG_HOOKS=0 there are no such options, and flags of
 * kmem_cache_create() that ask for them do nothing.
 */
#ifndef QUARRY_SLAB_DEBUG_H
#define QUARRY_SLAB_DEBUG_H

#include <quarry/slab.h>

MM_BEGIN_DECLS

/*
 * slab_debug_setup() - the options of caches, as Linux's slab_debug= has them: letters, then, if not
 * all caches are meant, their names: "FZPU", "ZP,kmalloc-64,kmalloc-1*", blocks with ; between them.
 * F checks of metadata, Z red zones, P poison, U owners, and of our own Q quarantine, R random order;
 * no letter stands for all of them, - for none. They hold for caches that are made later too. The
 * text ends at its end or at a blank, and stays the caller's.
 *
 * Context: thread; nobody uses these caches meanwhile.
 * Bound:   linear in the caches and the text, and as kmem_cache_set_debug().
 * Return:  0; -EINVAL no such letter, and nothing has changed; -EBUSY some caches have objects in use
 *          and stay as they were; -ENOSYS CONFIG_DEBUG_HOOKS is 0.
 * Source:  Linux Documentation/mm/slab.rst.
 *
 * slab_debug_options() - the text that was given last.
 *
 * Context: any.
 * Bound:   4.
 * Return:  the text; "-" if there was none.
 *
 * kmem_cache_set_debug(), kmem_cache_debug() - the same of one cache: a sum of SLAB_DEBUG_FLAGS.
 *
 * Context: thread; nobody uses the cache meanwhile. kmem_cache_debug() any.
 * Bound:   linear in the cache's free slabs; 4.
 * Return:  0; -EINVAL no cache, that of caches, or no such flags; -EBUSY objects are in use; -ENOSYS
 *          CONFIG_DEBUG_HOOKS is 0. The flags.
 */
int slab_debug_setup(const char *options);
const char *slab_debug_options(void);
int kmem_cache_set_debug(struct kmem_cache *cache, slab_flags_t flags);
slab_flags_t kmem_cache_debug(const struct kmem_cache *cache);

/*
 * kmem_cache_validate() - look at all objects of a cache: red zones, and poison of those that are free.
 * Each fault is named by a line.
 *
 * Context: thread; nobody uses the cache meanwhile.
 * Bound:   linear in the cache's memory.
 * Return:  faults; 0 also without options.
 * Source:  Linux Documentation/mm/slab.rst, validate.
 *
 * kmem_cache_faults() - faults of its objects that were ever named.
 *
 * Context: any.
 * Bound:   4.
 * Return:  how many.
 */
unsigned int kmem_cache_validate(struct kmem_cache *cache);
uint64_t kmem_cache_faults(const struct kmem_cache *cache);

/* ---- what is in slabs -------------------------------------------------------------------------- */

struct slab_view {
	uintptr_t base; /* address of the first object */
	unsigned int pages, objects;
	unsigned int
		free; /* that lie in it; others are in use, on a CPU's stack, or in quarantine */
};
/*
 * slab_next() - a cache's slabs, one after the other. *cursor is 0 at first.
 *
 * Context: any; slabs that come or go meanwhile may be missed.
 * Bound:   linear in all slabs there are.
 * Return:  whether there is one more.
 */
bool slab_next(const struct kmem_cache *cache, uint32_t *cursor, struct slab_view *view);

struct slab_object {
	char cache[MM_CACHE_NAME]; /* its name */
	uintptr_t start;	   /* of the object */
	size_t size;		   /* bytes that may be used */
	bool in_use;
	const void *alloc_site,
		*free_site; /* with SLAB_STORE_USER, of the last of each; else NULL */
	int mark; /* page_owner.h: the newest when it was allocated; -1: none was written, or not since */
};
/*
 * slab_object() - the object that an address lies in.
 *
 * Context: any; it may be a moment old.
 * Bound:   200 + 10 log2(banks).
 * Return:  whether it lies in one.
 */
bool slab_object(const void *address, struct slab_object *object);

MM_END_DECLS

#endif

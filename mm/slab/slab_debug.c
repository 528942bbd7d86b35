/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab_debug.c: objects of caches with debug options (quarry/slab_debug.h): what is noted of each, what is
 * looked at when it is allocated and freed, and the quarantine.
 *
 * Such a cache has no stacks on CPUs, so each of its objects comes and goes through here. A fault is named by
 * one line, counted, and repaired: the object is used on.
 */
#include <quarry/errno.h>
#include "slab_internal.h"

#if CONFIG_DEBUG_HOOKS

/* Linux's bytes (linux/poison.h): of a free object, its last, one that was not written yet, a red zone. */
#define POISON_FREE	  0x6b
#define POISON_END	  0xa5
#define POISON_IN_USE	  0x5a
#define RED_ACTIVE	  0xcc

#define MIN_RED_ZONE	  8    /* bytes */
#define QUARANTINE	  64   /* objects of a cache */
#define QUARANTINE_LARGE  16   /* of such as are larger than the next */
#define QUARANTINE_MEDIUM 1024 /* bytes */

size_t debug_stride(const struct kmem_cache *cache)
{
	return ALIGN_UP(cache->hot.object_size + MIN_RED_ZONE, cache->align);
}

static struct object_note *note_of(const struct slab *slab, unsigned long n)
{
	return &(*slab_notes(slab, slab->cache))[n];
}

/* A cache with ctor keeps what that has written. */
static bool poisoned(const struct kmem_cache *cache)
{
	return cache->debug & SLAB_POISON && !cache->ctor;
}

/* ---- faults ------------------------------------------------------------------------------------ */

#define FAULT_LINE "object 0x%llx of %s: %s: byte %lu is 0x%02x, not 0x%02x"

/* Two sites of a line; without SLAB_STORE_USER they are not known, and NULL. */
static void report(const struct kmem_cache *cache, uintptr_t object, const char *what,
		   const uint8_t *wrong, unsigned int expected, const struct object_note *note,
		   const void *caller)
{
	unsigned long long at = object;
	unsigned long byte = (unsigned long)((uintptr_t)wrong - object);

	count_event(&((struct kmem_cache *)(uintptr_t)cache)->faults);
	if (READ_ONCE(mm.misuse_panic))
		port_panic(FAULT_LINE " (allocated from %p, freed from %p, found by %p)", at,
			   cache->name, what, byte, *wrong, expected, note->alloc_site,
			   note->free_site, caller);
	else if (note->in_use)
		port_log(FAULT_LINE " (allocated from %p, found by %p)", at, cache->name, what,
			 byte, *wrong, expected, note->alloc_site, caller);
	else
		port_log(FAULT_LINE " (allocated from %p, freed from %p, found by %p)", at,
			 cache->name, what, byte, *wrong, expected, note->alloc_site,
			 note->free_site, caller);
}

/* The first byte that is not `value`; NULL: there is none. */
static const uint8_t *differs(const uint8_t *at, const uint8_t *end, uint8_t value)
{
	for (; at < end; at++)
		if (*at != value)
			return at;
	return NULL;
}

bool debug_check_object(struct slab *slab, unsigned long n, const void *caller)
{
	const struct kmem_cache *cache = slab->cache;
	const struct object_note *note = note_of(slab, n);
	const uint8_t *object = object_at(slab, (unsigned int)n), *wrong;
	const uint8_t *last = object + cache->hot.object_size - 1;
	bool right = true;

	if (!note->in_use && poisoned(cache)) {
		wrong = differs(object, last, POISON_FREE);
		if (wrong || *last != POISON_END) {
			report(cache, (uintptr_t)object, "write after free", wrong ? wrong : last,
			       wrong ? POISON_FREE : POISON_END, note, caller);
			right = false;
		}
	}
	if (cache->debug & SLAB_RED_ZONE) {
		wrong = differs(note->in_use ? object + note->size : last + 1, object + cache->size,
				RED_ACTIVE);
		if (wrong) {
			report(cache, (uintptr_t)object, "overflow", wrong, RED_ACTIVE, note,
			       caller);
			right = false;
		}
	}
	return right;
}

/* Is the metadata of an object as it was left? F; else nobody asks. */
static bool consistent(struct slab *slab, unsigned long n, bool in_use)
{
	const struct page *page = virt_to_page((const void *)slab->base);

	return !(slab->cache->debug & SLAB_CONSISTENCY_CHECKS) ||
	       (note_of(slab, n)->in_use == in_use && page && page_state(page) == PAGE_SLAB &&
		page->owner == slab->handle && !(slab_map(slab)[n / MAP_BITS] >> n % MAP_BITS & 1));
}

static void report_metadata(struct slab *slab, unsigned long n, const void *caller)
{
	count_event(&slab->cache->faults);
	port_log("object 0x%llx of %s: its slab's head or page was overwritten (found by %p)",
		 (unsigned long long)(uintptr_t)object_at(slab, (unsigned int)n), slab->cache->name,
		 caller);
}

/* ---- patterns ---------------------------------------------------------------------------------- */

/* size: bytes that are used of it, if it is in use. */
static void fill(struct slab *slab, unsigned long n, bool in_use, size_t size)
{
	const struct kmem_cache *cache = slab->cache;
	uint8_t *object = object_at(slab, (unsigned int)n);
	size_t last = cache->hot.object_size - 1U;

	if (poisoned(cache)) {
		memset(object, in_use ? POISON_IN_USE : POISON_FREE, last);
		object[last] = in_use ? POISON_IN_USE : POISON_END;
	}
	if (cache->debug & SLAB_RED_ZONE)
		memset(object + (in_use ? size : last + 1), RED_ACTIVE,
		       cache->size - (in_use ? size : last + 1));
}

struct object_note *debug_notes_alloc(gfp_t gfp)
{
	gfp &= ~(GFP_CLASS_MASK | __GFP_DMA32 | __GFP_COMP);
	return (struct object_note *)__get_free_page(gfp | __GFP_ZERO);
}

void debug_slab_made(struct slab *slab)
{
	for (unsigned long n = 0; n < slab->objects; n++)
		fill(slab, n, false, 0);
}

struct object_note *debug_slab_end(struct slab *slab)
{
	for (unsigned long n = 0; n < slab->objects; n++)
		debug_check_object(slab, n, __builtin_return_address(0));
	return *slab_notes(slab, slab->cache);
}

/* ---- allocated --------------------------------------------------------------------------------- */

/* One of the free objects of a slab, in no order that a program would know. The lock is held. */
static void take_random(struct kmem_cache *cache, struct slab *slab, struct object_slot *slot)
{
	unsigned long *map = slab_map(slab), n = 0, nth;

	cache->random ^= cache->random << 13; /* Marsaglia, "Xorshift RNGs", 2003 */
	cache->random ^= cache->random >> 7;
	cache->random ^= cache->random << 17;
	nth = (unsigned long)(cache->random >> 32) % slab->free;
	for (;; n++)
		if (map[n / MAP_BITS] >> n % MAP_BITS & 1 && !nth--)
			break;
	map[n / MAP_BITS] &= ~(1UL << n % MAP_BITS);
	slab_taken(cache, slab, 1);
	*slot = (struct object_slot){object_at(slab, (unsigned int)n), &slab->state[n]};
}

/* An object of its slabs, or of one more. False: there is none. Apart, as is its stack. */
static __attribute__((noinline)) bool take_one(struct kmem_cache *cache, struct slab *more,
					       struct object_slot *slot)
{
	unsigned long flags = port_irq_save();
	struct slab *slab;

	spin_lock(&cache->lock);
	if (more)
		slab_add(cache, more);
	slab = slab_first(cache);
	if (slab && cache->debug & MM_SLAB_RANDOM)
		take_random(cache, slab, slot);
	else if (slab)
		slab_take_objects(cache, slot, 1);
	if (slab)
		*slot->state = MM_OBJECT_IN_USE;
	spin_unlock(&cache->lock);
	port_irq_restore(flags);
	return slab;
}

/* What an object was used for is over. False: it is in use, whatever its slab has said. */
static __attribute__((noinline)) bool start_object(struct kmem_cache *cache, const uint8_t *state,
						   size_t size, const void *caller)
{
	struct slab *slab = head_of(cache, state);
	unsigned long n = (unsigned long)(state - slab->state);
	struct object_note *note = note_of(slab, n);

	if (!consistent(slab, n, false)) {
		report_metadata(slab, n, caller);
		return false;
	}
	debug_check_object(slab, n, caller);
	fill(slab, n, true, size);
	note->size = (uint16_t)size;
	note->in_use = true;
	if (cache->debug & SLAB_STORE_USER) {
		note->alloc_site = caller;
		note->mark = hook_owner_mark();
	}
	return true;
}

void *debug_alloc(struct kmem_cache *cache, gfp_t gfp, size_t size, const void *caller)
{
	struct object_slot slot;

	do {
		struct slab *slab = NULL;

		/* Others may take all of a slab that was made. */
		while (!take_one(cache, slab, &slot)) {
			slab = slab_make(cache, gfp, true);
			if (!slab)
				return NULL;
		}
	} while (!start_object(cache, slot.state, size, caller));
	return gfp & __GFP_ZERO ? memset(slot.object, 0, size) : slot.object;
}

void *slab_alloc_debug(struct kmem_cache *cache, gfp_t gfp, size_t size)
{
	return debug_alloc(cache, gfp, size, __builtin_return_address(0));
}

/* ---- freed ------------------------------------------------------------------------------------- */

/* The oldest of the quarantine; the lock is held. */
static struct object_slot quarantine_take(struct kmem_cache *cache)
{
	uint8_t *state = cache->first;
	struct slab *slab = head_of(cache, state);
	unsigned long n = (unsigned long)(state - slab->state);

	cache->first = note_of(slab, n)->next;
	note_of(slab, n)->quarantined = false;
	WRITE_ONCE(cache->quarantined, cache->quarantined - 1);
	return (struct object_slot){object_at(slab, (unsigned int)n), state};
}

/* *slot comes to the quarantine, and is then one that leaves it; false: none does. */
static bool quarantine(struct kmem_cache *cache, struct object_note *note, struct object_slot *slot)
{
	unsigned int most = cache->size > QUARANTINE_MEDIUM ? QUARANTINE_LARGE : QUARANTINE;
	bool full;

	spin_lock(&cache->lock);
	note->next = NULL;
	note->quarantined = true;
	if (cache->quarantined) {
		struct slab *slab = head_of(cache, cache->last);

		note_of(slab, (unsigned long)(cache->last - slab->state))->next = slot->state;
	} else {
		cache->first = slot->state;
	}
	cache->last = slot->state;
	full = cache->quarantined == most;
	WRITE_ONCE(cache->quarantined, cache->quarantined + 1);
	if (full)
		*slot = quarantine_take(cache);
	spin_unlock(&cache->lock);
	return full;
}

int debug_free(struct kmem_cache *cache, const struct object_slot *slot, const void *caller)
{
	struct slab *slab = head_of(cache, slot->state);
	unsigned long n = (unsigned long)(slot->state - slab->state);
	struct object_note *note = note_of(slab, n);
	struct object_slot other = *slot;
	bool in_use, right;

	/* Of two that free it at the same time one has it. */
	spin_lock(&cache->lock);
	in_use = *slot->state == MM_OBJECT_IN_USE;
	right = consistent(slab, n, true);
	if (in_use && right)
		*slot->state = MM_OBJECT_FREE;
	spin_unlock(&cache->lock);
	if (in_use && !right)
		report_metadata(slab, n, caller);
	if (!in_use || !right)
		return -EALREADY;
	debug_check_object(slab, n, caller);
	note->in_use = false;
	if (cache->debug & SLAB_STORE_USER)
		note->free_site = caller;
	fill(slab, n, false, 0);
	if (!(cache->debug & MM_SLAB_QUARANTINE) || quarantine(cache, note, &other))
		slab_give_objects(cache, &other, 1, 0);
	slab_give_back(cache);
	return 0;
}

void debug_quarantine_end(struct kmem_cache *cache)
{
	while (quarantined(cache)) {
		unsigned long flags = port_irq_save();
		struct object_slot slot = {.object = NULL};

		spin_lock(&cache->lock);
		if (cache->quarantined)
			slot = quarantine_take(cache);
		spin_unlock(&cache->lock);
		if (slot.object)
			slab_give_objects(cache, &slot, 1, 0);
		port_irq_restore(flags);
	}
}

/* ---- whose an object is ------------------------------------------------------------------------ */

void debug_refused(struct slab *slab, uintptr_t address)
{
	unsigned long n = (unsigned long)((address - slab->base) / slab->cache->size);
	const struct object_note *note;

	if (n >= slab->objects)
		return;
	note = note_of(slab, n);
	port_log("object 0x%llx of %s: %s (allocated from %p, freed from %p)",
		 (unsigned long long)(uintptr_t)object_at(slab, (unsigned int)n), slab->cache->name,
		 note->in_use ? "in use" : "free", note->alloc_site, note->free_site);
}

size_t debug_size(struct slab *slab, unsigned long n)
{
	return note_of(slab, n)->size;
}
#endif

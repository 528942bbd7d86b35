/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kmem_cache.c: caches come and go; what an object's size makes of a slab; requests by cache.
 */
#include <quarry/errno.h>
#include "slab_internal.h"

#define SLAB_FLAGS (SLAB_HWCACHE_ALIGN | SLAB_CACHE_DMA32 | SLAB_DEBUG_FLAGS)
#define CACHE_LINE 64 /* bytes: SLAB_HWCACHE_ALIGN */
#define MIN_ALIGN  8UL
static_assert(KMALLOC_MIN_SIZE >= MIN_ALIGN && KMALLOC_MIN_SIZE <= PAGE_SIZE &&
		      !(KMALLOC_MIN_SIZE & (KMALLOC_MIN_SIZE - 1)),
	      "ARCH_DMA_MINALIGN: a power of two from 8 up to a page");

/* ---- the layout of a slab --------------------------------------------------------------------- */

/*
 * Objects that a head of this size has room for, beside the address of their notes where there are some: for
 * each eight words of their states there is one of the map.
 */
static inline unsigned int head_room(const struct kmem_cache *cache, unsigned int shift)
{
	unsigned int bytes = (1U << shift) - (unsigned int)offsetof(struct slab, state) -
			     (SLAB_DEBUG(cache) ? (unsigned int)sizeof(struct object_note *) : 0);

	return bytes / (unsigned int)sizeof(long) * 8 / 9 * (unsigned int)sizeof(long);
}

/* The smallest slabs that hold four objects and leave a sixteenth of themselves unused at most. */
FOR_DEBUG void slab_lay_out(struct kmem_cache *cache)
{
	unsigned int order = 0, objects, room, shift = HEAD_SHIFT, large;
	size_t bytes;

	cache->size = (uint32_t)(SLAB_DEBUG(cache) & SLAB_RED_ZONE
					 ? debug_stride(cache)
					 : ALIGN_UP(cache->hot.object_size, cache->align));
	while (PAGE_SIZE << order < cache->size)
		order++;
	cache->min_order = (uint8_t)order;
	for (; order < MAX_PAGE_ORDER; order++) {
		bytes = PAGE_SIZE << order;
		if (bytes / cache->size >= 4 && bytes % cache->size <= bytes / 16)
			break;
	}
	cache->order = (uint8_t)order;
	objects = (unsigned int)((PAGE_SIZE << order) / cache->size);
	if (SLAB_DEBUG(cache) && objects > NOTES_PER_SLAB)
		objects = NOTES_PER_SLAB;
	while ((room = head_room(cache, shift)) < objects && shift < HEAD_MAX_SHIFT)
		shift++;
	cache->head_shift = (uint8_t)shift;
	cache->head_mask = -(1 << shift);
	cache->most_objects = (uint16_t)(room < objects ? room : objects);
	cache->reciprocal = ~0UL / cache->size + 1;
	/* Large objects come and go in small batches: each may be the last of its slab. */
	large = cache->size > 1024 ? 2 : cache->size > 256;
	cache->limit = (uint16_t)(large ? 32 >> large : MAX_LIMIT);
	cache->batch = (uint8_t)(16 >> large);
	cache->give = cache->give_most = large ? GIVE_FEW : 16;
}

static void cache_init(struct kmem_cache *cache, const char *name, size_t object_size, size_t align,
		       gfp_t gfp)
{
	memset(cache, 0, sizeof(*cache));
	cache->name = name;
#if CONFIG_DEBUG_HOOKS
	cache->name_copy = name;
#endif
	cache->hot.object_size = (uint32_t)object_size;
	cache->align = (uint32_t)align;
	cache->gfp = gfp;
	slab_lay_out(cache);
}

/* Its place in the table. */
MM_OUTLINE void cache_number(struct kmem_cache *cache, unsigned int n)
{
	cache->number = (uint16_t)n;
	cache->hot.stack =
		(uint16_t)(offsetof(struct kmem_cpu, stack) + n * sizeof(struct object_stack));
	/* Release, paired with the acquire in slab_cache(): all of it is there. */
	__atomic_store_n(&kmem_state.caches[n], cache, __ATOMIC_RELEASE);
}

/* ---- kmalloc()'s caches ----------------------------------------------------------------------- */

#define NR_KMALLOC_CACHES (2 * MM_KMALLOC_SIZES)
#define CACHE_OF_CACHES	  NR_KMALLOC_CACHES
static_assert(CACHE_OF_CACHES < CONFIG_KMEM_CACHES, "caches of kmalloc() and that of caches");

/* kmalloc-96, kmalloc-1k, dma32-kmalloc-96: made here from the last byte on, as a table would be larger. */
static const char *kmalloc_name(char *name, unsigned int size, bool dma32)
{
	static const char prefix[] = "dma32-kmalloc-";
	const size_t skip = dma32 ? 0 : sizeof("dma32-") - 1;

	name += KMALLOC_NAME - 1;
	*name = 0;
	if (size % 1024 == 0) {
		size /= 1024;
		*--name = 'k';
	}
	do
		*--name = (char)('0' + size % 10);
	while (size /= 10);
	name -= sizeof(prefix) - 1 - skip;
	return memcpy(name, prefix + skip, sizeof(prefix) - 1 - skip);
}

/* kmalloc()'s caches: 8 bytes more each time, then 16, then quarters of a power of two. */
static void kmalloc_init(void)
{
	unsigned int size = 0, step = 8;

	for (unsigned int n = 0; n < NR_KMALLOC_CACHES; n++) {
		struct kmem_cache *cache = &kmem_state.kmalloc[n];
		const bool dma32 = n >= MM_KMALLOC_SIZES;

		if (n == MM_KMALLOC_SIZES) {
			size = 0;
			step = 8;
		}
		size += step;
		if (size >= 32 && !(size & (size - 1)))
			step = size > 64 ? size / 4 : 16;
		cache_init(cache, kmalloc_name(kmem_state.names[n], size, dma32), size,
			   KMALLOC_MIN_SIZE > MIN_ALIGN && (size & -size) < KMALLOC_MIN_SIZE
				   ? KMALLOC_MIN_SIZE
				   : size & -size,
			   dma32 ? __GFP_DMA32 : 0);
		cache_number(cache, n);
	}
}

int kmem_cache_init(void)
{
	if (mm.kmem)
		return -EEXIST;
	memset(&kmem_state, 0, sizeof(kmem_state));
	if (FOR_SPEED)
		kmem_state.many_pages = mm.nr_pages / 256;
	kmem_state.no_object->state = (uint8_t *)&kmem_state.none;
	for (unsigned int n = 0; n < CONFIG_KMEM_CACHES; n++)
		kmem_state.none.stack[n] =
			(struct object_stack){kmem_state.no_object, kmem_state.no_object};
	kmalloc_init();
	cache_init(&kmem_state.of_caches, "kmem_cache", sizeof(struct kmem_cache), CACHE_LINE, 0);
	cache_number(&kmem_state.of_caches, CACHE_OF_CACHES);
	mm.kmem = &kmem_state;
#if CONFIG_DEBUG_HOOKS
	mm.kmem_copy = &kmem_state;
#endif
	for (unsigned int c = 0; c < mm.end_cpu; c++)
		if (mm.pcpu[c])
			mm.pcpu[c]->kmem = &kmem_state.none;
	slab_shrink_init();
	return 0;
}

/* ---- caches by name --------------------------------------------------------------------------- */

/* Why there can be no such cache; NULL: there can. */
static const char *wrong(const char *name, size_t size, size_t align, slab_flags_t flags)
{
	if (!mm.kmem)
		return "kmem_cache_init() comes first";
	if (!name || !*name)
		return "it has no name";
	if (!size || size > KMALLOC_MAX_CACHE_SIZE)
		return "its size is not 1 to 8192";
	if (align & (align - 1) || align > PAGE_SIZE)
		return "its alignment is no power of two up to a page";
	if (flags & ~SLAB_FLAGS)
		return "its flags are unknown";
	return NULL;
}

static bool same_name(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* A place in the table; the lock is held. CONFIG_KMEM_CACHES: there is none, or the name is taken. */
static unsigned int free_place(const char *name, const char **why)
{
	unsigned int place = CONFIG_KMEM_CACHES;

	*why = "CONFIG_KMEM_CACHES are there";
	for (unsigned int n = CONFIG_KMEM_CACHES; n-- > 0;) {
		if (!kmem_state.caches[n]) {
			if (n > CACHE_OF_CACHES)
				place = n;
		} else if (same_name(kmem_state.caches[n]->name, name)) {
			*why = "there is one of this name";
			return CONFIG_KMEM_CACHES;
		}
	}
	return place;
}

/* A new cache gets its place; NULL: there is one for it. False: there is none, and why. */
MM_OUTLINE bool place(const char *name, struct kmem_cache *cache, const char **why)
{
	unsigned long irq = port_irq_save();
	unsigned int n;

	spin_lock(&kmem_state.table_lock);
	n = free_place(name, why);
	if (cache && n < CONFIG_KMEM_CACHES) {
		cache_number(cache, n);
	}
	spin_unlock(&kmem_state.table_lock);
	port_irq_restore(irq);
	return n < CONFIG_KMEM_CACHES;
}

static struct kmem_cache *refuse_cache(const char *name, const char *why)
{
	port_log("kmem_cache_create: %s: %s", name ? name : "(null)", why);
	return NULL;
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
				     slab_flags_t flags, void (*ctor)(void *object))
{
	const char *why = wrong(name, size, align, flags);
	struct kmem_cache *cache;

	if (why)
		return refuse_cache(name, why);
	if (!align)
		align = sizeof(void *);
	if (flags & SLAB_HWCACHE_ALIGN && size > CACHE_LINE / 2 && align < CACHE_LINE)
		align = CACHE_LINE;
	if (align < MIN_ALIGN)
		align = MIN_ALIGN;
	/* What is refused anyway takes no memory; the place may be another's when there is some. */
	if (!place(name, NULL, &why))
		return refuse_cache(name, why);
	cache = slab_alloc(&kmem_state.of_caches, GFP_KERNEL);
	if (!cache)
		return refuse_cache(name, "out of memory");
	cache_init(cache, name, size, align, flags & SLAB_CACHE_DMA32 ? __GFP_DMA32 : 0);
	cache->flags = flags;
	cache->ctor = ctor;
	debug_cache_init(cache);
	if (place(name, cache, &why))
		return cache;
	slab_free(cache, &kmem_state.of_caches, NULL);
	return refuse_cache(name, why);
}

size_t kmem_cache_size(const struct kmem_cache *cache)
{
	return cache->hot.object_size;
}

const char *kmem_cache_name(const struct kmem_cache *cache)
{
	return cache->name;
}

/* ---- the end of a cache ------------------------------------------------------------------------ */

#define LISTED 4 /* objects in use that are named */

struct live {
	const struct kmem_cache *cache;
	unsigned int nr;
	const void *object[LISTED];
};

static void note_live(struct slab *slab, void *data)
{
	struct live *live = data;

	if (slab->cache != live->cache)
		return;
	for (unsigned int n = 0; live->nr < LISTED && n < slab->objects; n++)
		if (slab->state[n] == MM_OBJECT_IN_USE)
			live->object[live->nr++] = object_at(slab, n);
}

/* Other caches' heads come and go meanwhile: each chunk is looked at with their lock. */
static void list_live(const struct kmem_cache *cache, unsigned long objects)
{
	struct live live = {.cache = cache};

	for (uint32_t n = 0;
	     live.nr < LISTED && n < __atomic_load_n(&kmem_state.heads.nr, __ATOMIC_ACQUIRE); n++) {
		unsigned long flags = port_irq_save();

		spin_lock(&kmem_state.heads.lock);
		for_each_slab_of(&kmem_state.heads, n, note_live, &live);
		spin_unlock(&kmem_state.heads.lock);
		port_irq_restore(flags);
	}
	for (unsigned int n = 0; n < live.nr; n++)
		port_log("kmem_cache_destroy: %s: object %p is in use", cache->name,
			 live.object[n]);
	if (objects > LISTED)
		port_log("kmem_cache_destroy: %s: %lu objects are in use", cache->name, objects);
}

/* Objects in use. Nobody uses the cache: its counts and stacks hold still. */
static unsigned long count_live(const struct kmem_cache *cache)
{
	uint64_t objects = cache->nr_objects - cache->nr_free - quarantined(cache);

	for (unsigned int c = 0; c < CONFIG_NR_CPUS; c++)
		if (kmem_cpu_of(c))
			objects -= slab_stacked(kmem_cpu_of(c), cache);
	return (unsigned long)objects;
}

FOR_DEBUG unsigned long slab_end_all(struct kmem_cache *cache)
{
	unsigned long objects = count_live(cache);

	if (objects)
		return objects;
	for (unsigned int c = 0; c < CONFIG_NR_CPUS; c++)
		if (kmem_cpu_of(c))
			slab_stack_end(kmem_cpu_of(c), cache);
	debug_quarantine_end(cache);
	slab_give_empty(cache, 0);
	return 0;
}

/* 0; -EINVAL it is no cache that may end, -EBUSY with its objects listed. */
static int end_cache(struct kmem_cache *cache)
{
	unsigned long objects, irq;

	if (!cache || cache->number <= CACHE_OF_CACHES || cache->number >= CONFIG_KMEM_CACHES ||
	    kmem_state.caches[cache->number] != cache)
		return -EINVAL;
	objects = slab_end_all(cache);
	if (objects) {
		list_live(cache, objects);
		return -EBUSY;
	}
	irq = port_irq_save();
	spin_lock(&kmem_state.table_lock);
	WRITE_ONCE(kmem_state.caches[cache->number], NULL);
	spin_unlock(&kmem_state.table_lock);
	port_irq_restore(irq);
	return 0;
}

int kmem_cache_destroy(struct kmem_cache *cache)
{
	int error;

	stacks_enter();
	error = end_cache(cache);
	stacks_exit();
	return error ? error : slab_free(cache, &kmem_state.of_caches, NULL);
}

/* ---- objects ----------------------------------------------------------------------------------- */

void *object_alloc(struct kmem_cache *cache, gfp_t gfp, size_t size)
{
	void *object = slab_take_at(cache->hot.stack);

	if (!object && SLAB_DEBUG(cache))
		return slab_alloc_debug(cache, gfp, size);
	if (!object)
		return slab_alloc(cache, gfp);
	return gfp & __GFP_ZERO ? memset(object, 0, cache->hot.object_size) : object;
}

void *kmem_cache_alloc_slow(struct kmem_cache *cache, gfp_t gfp)
{
	return object_alloc(cache, gfp, cache->hot.object_size);
}

/* ---- figures ----------------------------------------------------------------------------------- */

struct kmem_cache *slab_cache(unsigned int n)
{
	return n < CONFIG_KMEM_CACHES ? __atomic_load_n(&kmem_state.caches[n], __ATOMIC_ACQUIRE)
				      : NULL;
}

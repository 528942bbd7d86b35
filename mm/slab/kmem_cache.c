/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kmem_cache.c: caches come and go; what an object's size makes of a slab; requests by cache.
 */
#include <quarry/errno.h>
#include "slab_internal.h"

#define SLAB_FLAGS (SLAB_HWCACHE_ALIGN | SLAB_CACHE_DMA32 | SLAB_DEBUG_FLAGS)
#define CACHE_LINE 64 /* bytes: SLAB_HWCACHE_ALIGN */

/* ---- the layout of a slab --------------------------------------------------------------------- */

/* Objects that a head of this size has room for, beside the address of their notes where there are some. */
static unsigned int head_room(const struct kmem_cache *cache, unsigned int shift)
{
	size_t bytes = ((size_t)1 << shift) - offsetof(struct slab, state) -
		       (SLAB_DEBUG(cache) ? sizeof(struct object_note *) : 0);
	unsigned int n = (unsigned int)(bytes * 8 / 9);

	while (n && ALIGN_UP((size_t)n, sizeof(long)) + ALIGN_UP((size_t)n, MAP_BITS) / 8 > bytes)
		n--;
	return n;
}

/* The smallest slabs that hold four objects and leave a sixteenth of themselves unused at most. */
FOR_DEBUG void slab_lay_out(struct kmem_cache *cache)
{
	unsigned int order = 0, objects, shift = HEAD_SHIFT;
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
	while (shift < HEAD_MAX_SHIFT && head_room(cache, shift) < objects)
		shift++;
	cache->head_shift = (uint8_t)shift;
	cache->head_mask = -(1 << shift);
	if (objects > head_room(cache, shift))
		objects = head_room(cache, shift);
	cache->most_objects = (uint16_t)objects;
	cache->reciprocal = ~0UL / cache->size + 1;
	/* Large objects come and go in small batches: each may be the last of its slab. */
	cache->limit = cache->size <= 256 ? MAX_LIMIT : cache->size <= 1024 ? 16 : 8;
	cache->batch = cache->size <= 256 ? 16 : cache->size <= 1024 ? 8 : 4;
	cache->give = cache->size <= 256 ? 16 : 2;
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

static void cache_number(struct kmem_cache *cache, unsigned int n)
{
	cache->number = (uint16_t)n;
	cache->hot.stack =
		(uint16_t)(offsetof(struct kmem_cpu, stack) + n * sizeof(struct object_stack));
}

/* ---- kmalloc()'s caches ----------------------------------------------------------------------- */

#define NR_KMALLOC_CACHES (2 * MM_KMALLOC_SIZES)
#define CACHE_OF_CACHES	  NR_KMALLOC_CACHES
static_assert(CACHE_OF_CACHES < CONFIG_KMEM_CACHES, "caches of kmalloc() and that of caches");

static const uint16_t kmalloc_sizes[MM_KMALLOC_SIZES] = {
	8,    16,   24,	  32,	48,   64,   80,	  96,	112,  128,  160,  192,
	224,  256,  320,  384,	448,  512,  640,  768,	896,  1024, 1280, 1536,
	1792, 2048, 2560, 3072, 3584, 4096, 5120, 6144, 7168, 8192,
};

/* kmalloc-96, kmalloc-1k, dma32-kmalloc-96: made here, as a table of them would be larger. */
static const char *kmalloc_name(unsigned int n, size_t size)
{
	static const char prefix[] = "dma32-kmalloc-";
	const size_t skip = n < MM_KMALLOC_SIZES ? sizeof("dma32-") - 1 : 0;
	const size_t length = sizeof(prefix) - 1 - skip;
	const bool kibibytes = size % 1024 == 0;
	char *name = kmem_state.names[n], *to = name + length, digits[5];
	unsigned int count = 0;

	memcpy(name, prefix + skip, length);
	if (kibibytes)
		size /= 1024;
	do
		digits[count++] = (char)('0' + size % 10);
	while (size /= 10);
	while (count)
		*to++ = digits[--count];
	if (kibibytes)
		*to++ = 'k';
	*to = 0;
	return name;
}

int kmem_cache_init(void)
{
	if (mm.kmem)
		return -EEXIST;
	memset(&kmem_state, 0, sizeof(kmem_state));
	kmem_state.no_object->state = (uint8_t *)&kmem_state.none;
	for (unsigned int n = 0; n < CONFIG_KMEM_CACHES; n++)
		kmem_state.none.stack[n] =
			(struct object_stack){kmem_state.no_object, kmem_state.no_object};
	for (unsigned int n = 0; n < NR_KMALLOC_CACHES; n++) {
		size_t size = kmalloc_sizes[n % MM_KMALLOC_SIZES];

		kmem_state.caches[n] = &kmem_state.kmalloc[n];
		cache_init(kmem_state.caches[n], kmalloc_name(n, size), size, size & -size,
			   n < MM_KMALLOC_SIZES ? 0 : __GFP_DMA32);
		cache_number(kmem_state.caches[n], n);
	}
	cache_init(&kmem_state.of_caches, "kmem_cache", sizeof(struct kmem_cache), CACHE_LINE, 0);
	cache_number(&kmem_state.of_caches, CACHE_OF_CACHES);
	kmem_state.caches[CACHE_OF_CACHES] = &kmem_state.of_caches;
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
		return "its size is not 1 to 8192 bytes";
	if (align & (align - 1) || align > PAGE_SIZE)
		return "its alignment is no power of two of at most a page";
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

	*why = "there are CONFIG_KMEM_CACHES of them already";
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
		/* Release, paired with the acquire in slab_cache(): all of it is there. */
		__atomic_store_n(&kmem_state.caches[n], cache, __ATOMIC_RELEASE);
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
	if (align < KMALLOC_MIN_SIZE)
		align = KMALLOC_MIN_SIZE;
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
	slab_give_empty(cache);
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

void *kmem_cache_alloc_slow(struct kmem_cache *cache, gfp_t gfp)
{
	void *object = slab_take_at(cache->hot.stack);

	if (!object && SLAB_DEBUG(cache))
		return slab_alloc_debug(cache, gfp, cache->hot.object_size);
	if (!object)
		return slab_alloc(cache, gfp);
	return gfp & __GFP_ZERO ? memset(object, 0, cache->hot.object_size) : object;
}

/* ---- figures ----------------------------------------------------------------------------------- */

struct kmem_cache *slab_cache(unsigned int n)
{
	return n < CONFIG_KMEM_CACHES ? __atomic_load_n(&kmem_state.caches[n], __ATOMIC_ACQUIRE)
				      : NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock.h: the map of physical memory before (and beneath) the page allocator.
 *
 * Two sorted arrays of regions: what memory exists, and what of it is reserved. Names, fields and
 * semantics are Linux's (mm/memblock.c of 6.9 and later, where an empty array has cnt 0). Free
 * memory is `memory` minus `reserved` minus what is marked MEMBLOCK_NOMAP.
 *
 * Context: boot, one CPU; nothing here takes a lock. The functions that only read (memblock_is_*,
 * the iterators) may be called at any time once the map no longer changes.
 * Units: bytes; every end is exclusive.
 * Overflow: a region that would pass the top of the address space is cut there, at PHYS_ADDR_MAX
 * (the last byte is never covered, as in Linux), and a size of 0 does nothing and returns 0.
 * Errors: 0 or a negative errno. -ENOMEM: an array had to grow and no free memory could hold the
 * new one; nothing has changed then, bit for bit.
 * Cost: a search is O(log regions); add, remove, reserve and free move at most the whole array once
 * for each gap they fill (one, unless the range covers regions); an allocation is
 * O(memory + reserved regions). None depends on the amount of memory, except that the zeroing
 * allocators write the bytes asked for.
 */
#ifndef QUARRY_MEMBLOCK_H
#define QUARRY_MEMBLOCK_H

#include <quarry/config.h>
#include <quarry/types.h>

/* One node exists; the argument is kept for compatibility and takes 0 or NUMA_NO_NODE. */
#define NUMA_NO_NODE (-1)

/* Bit flags of a region. Regions whose flags differ never merge. */
enum memblock_flags {
	MEMBLOCK_NONE = 0x0,
	MEMBLOCK_HOTPLUG = 0x1, /* may be taken away at run time; used like any other memory */
	MEMBLOCK_NOMAP = 0x4,	/* never mapped, never handed out */
};

struct memblock_region {
	phys_addr_t base;
	phys_addr_t size;
	enum memblock_flags flags;
};

/* regions[0 .. cnt) are sorted by base, never overlap, are never empty, and are merged. */
struct memblock_type {
	unsigned long cnt;	/* regions in use */
	unsigned long max;	/* regions the array can hold */
	phys_addr_t total_size; /* sum of all sizes */
	struct memblock_region *regions;
	const char *name;
};

struct memblock {
	bool bottom_up;		   /* allocate from the lowest address up, else top down */
	phys_addr_t current_limit; /* MEMBLOCK_ALLOC_ACCESSIBLE means below this */
	struct memblock_type memory;
	struct memblock_type reserved;
};

extern struct memblock memblock;

/* Values of max_addr / end. */
#define MEMBLOCK_ALLOC_ANYWHERE	  PHYS_ADDR_MAX
#define MEMBLOCK_ALLOC_ACCESSIBLE ((phys_addr_t)0)

/* Where an allocation may begin unless the caller says so: page 0 is never handed out. */
#define MEMBLOCK_LOW_LIMIT ((phys_addr_t)0)

/* The alignment that 0 stands for. */
#define SMP_CACHE_BYTES 64

/* Forget everything: no regions, static arrays, top down, no limit. The state before boot. */
void memblock_init(void);

/*
 * Add [base, base + size) to memory. What is known already keeps its flags; only the gaps are
 * filled. memblock_add_node() also takes flags; -EINVAL if nid is neither 0 nor NUMA_NO_NODE.
 */
int memblock_add(phys_addr_t base, phys_addr_t size);
int memblock_add_node(phys_addr_t base, phys_addr_t size, int nid, enum memblock_flags flags);

/* Remove [base, base + size) from memory; parts that are not memory are passed over. */
int memblock_remove(phys_addr_t base, phys_addr_t size);

/* Reserve [base, base + size), be it memory or not. */
int memblock_reserve(phys_addr_t base, phys_addr_t size);

/* Give a reservation back, wholly or in part: by physical address, or by what alloc returned. */
int memblock_phys_free(phys_addr_t base, phys_addr_t size);
void memblock_free(void *ptr, size_t size);

/* Set or clear a flag on the memory within [base, base + size), splitting regions at its ends. */
int memblock_mark_nomap(phys_addr_t base, phys_addr_t size);
int memblock_clear_nomap(phys_addr_t base, phys_addr_t size);
int memblock_mark_hotplug(phys_addr_t base, phys_addr_t size);
int memblock_clear_hotplug(phys_addr_t base, phys_addr_t size);

/* Round every memory region inward to align (a power of two); what becomes empty is removed. */
void memblock_trim_memory(phys_addr_t align);

/*
 * Keep the lowest `limit` bytes of memory, and drop the memory and the reservations above them.
 * 0 means no limit.
 */
void memblock_enforce_memory_limit(phys_addr_t limit);

/*
 * Allocate: find size free bytes at a multiple of align (a power of two; 0 means SMP_CACHE_BYTES)
 * within [min_addr, max_addr), reserve and return them. Top down unless memblock.bottom_up. The
 * bytes lie in one memory region: they never span two whose flags differ. max_addr:
 * MEMBLOCK_ALLOC_ACCESSIBLE means below memblock.current_limit, and never above it for the
 * virtual forms. Page 0 is never returned, so 0 / NULL means none was found (or the size was 0,
 * align no power of two, nid not a node), and nothing has changed.
 *
 * The virtual forms fall back to memory below min_addr when there is none above it (a preference,
 * as in Linux); the physical forms do not. All virtual forms but the _raw ones zero the memory.
 */
phys_addr_t memblock_phys_alloc_range(phys_addr_t size, phys_addr_t align, phys_addr_t start,
				      phys_addr_t end);
void *memblock_alloc_try_nid(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
			     phys_addr_t max_addr, int nid);
void *memblock_alloc_try_nid_raw(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
				 phys_addr_t max_addr, int nid);

/* As memblock_phys_alloc_range(), but only look: 0 if there is none. */
phys_addr_t memblock_find_in_range(phys_addr_t start, phys_addr_t end, phys_addr_t size,
				   phys_addr_t align);

static inline phys_addr_t memblock_phys_alloc(phys_addr_t size, phys_addr_t align)
{
	return memblock_phys_alloc_range(size, align, 0, MEMBLOCK_ALLOC_ACCESSIBLE);
}

static inline void *memblock_alloc(phys_addr_t size, phys_addr_t align)
{
	return memblock_alloc_try_nid(size, align, MEMBLOCK_LOW_LIMIT, MEMBLOCK_ALLOC_ACCESSIBLE,
				      NUMA_NO_NODE);
}

static inline void *memblock_alloc_raw(phys_addr_t size, phys_addr_t align)
{
	return memblock_alloc_try_nid_raw(size, align, MEMBLOCK_LOW_LIMIT,
					  MEMBLOCK_ALLOC_ACCESSIBLE, NUMA_NO_NODE);
}

static inline void *memblock_alloc_from(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr)
{
	return memblock_alloc_try_nid(size, align, min_addr, MEMBLOCK_ALLOC_ACCESSIBLE,
				      NUMA_NO_NODE);
}

static inline void memblock_set_bottom_up(bool enable)
{
	memblock.bottom_up = enable;
}

static inline bool memblock_bottom_up(void)
{
	return memblock.bottom_up;
}

static inline void memblock_set_current_limit(phys_addr_t limit)
{
	memblock.current_limit = limit;
}

static inline phys_addr_t memblock_get_current_limit(void)
{
	return memblock.current_limit;
}

/* Sums of all region sizes, NOMAP memory included. */
phys_addr_t memblock_phys_mem_size(void);
phys_addr_t memblock_reserved_size(void);

/* Lowest address of memory, and the end of the highest region; 0 when there is no memory. */
phys_addr_t memblock_start_of_DRAM(void);
phys_addr_t memblock_end_of_DRAM(void);

/* Does the address lie in memory / in memory that is not NOMAP / in a reservation? */
bool memblock_is_memory(phys_addr_t addr);
bool memblock_is_map_memory(phys_addr_t addr);
bool memblock_is_reserved(phys_addr_t addr);

/* Does one memory region hold all of [base, base + size)? Does any reservation touch it? */
bool memblock_is_region_memory(phys_addr_t base, phys_addr_t size);
bool memblock_is_region_reserved(phys_addr_t base, phys_addr_t size);

/* Does any region of the type touch [base, base + size)? */
bool memblock_overlaps_region(const struct memblock_type *type, phys_addr_t base, phys_addr_t size);

/* Log both arrays, one line a region, end exclusive. */
void memblock_dump_all(void);

/*
 * Check every invariant of the two arrays: sorted, disjoint, merged, none empty or past the top,
 * cnt within max, total_size the sum. Returns NULL, or a sentence saying which one is broken.
 */
const char *memblock_check(void);

/*
 * Hand all free memory to the page allocator (returns pages released), and give a boot reservation,
 * or part of it, to it at run time. Both belong to the page allocator (mm/zone/memblock_free.c). After
 * the first, memblock only remembers: it allocates nothing any more, and an array that would have
 * to grow is -ENOMEM. memblock_free_late() returns 0; -EFAULT: no such memory, or NOMAP; -EPERM:
 * not reserved; -ENOSPC, -ENOMEM: no room in a table; -EINVAL; nothing has changed then. Context:
 * thread, no other CPU allocating or freeing. Cost: linear in the pages.
 */
unsigned long memblock_free_all(void);
int memblock_free_late(phys_addr_t base, phys_addr_t size);

/*
 * Step *idx (start at 0, end at UINT64_MAX; the _rev form the other way round) to the next part of
 * type_a that lies outside type_b (NULL: nothing is excluded). Regions of memblock.memory
 * marked NOMAP are passed over unless flags has MEMBLOCK_NOMAP. The out pointers may be NULL.
 * The iterators below are the intended users; the map must not change while one runs.
 */
void memblock_next_range(uint64_t *idx, int nid, enum memblock_flags flags,
			 const struct memblock_type *type_a, const struct memblock_type *type_b,
			 phys_addr_t *out_start, phys_addr_t *out_end, int *out_nid);
void memblock_next_range_rev(uint64_t *idx, int nid, enum memblock_flags flags,
			     const struct memblock_type *type_a, const struct memblock_type *type_b,
			     phys_addr_t *out_start, phys_addr_t *out_end, int *out_nid);

/* uint64_t i; phys_addr_t *p_start, *p_end: every mapped memory range, reserved or not. */
#define for_each_mem_range(i, p_start, p_end)                                                    \
	for (i = 0, memblock_next_range(&i, NUMA_NO_NODE, MEMBLOCK_NONE, &memblock.memory, NULL, \
					p_start, p_end, NULL);                                   \
	     i != UINT64_MAX; memblock_next_range(&i, NUMA_NO_NODE, MEMBLOCK_NONE,               \
						  &memblock.memory, NULL, p_start, p_end, NULL))

/* uint64_t i; phys_addr_t *p_start, *p_end; int *p_nid: every range of memory not reserved. */
#define for_each_free_mem_range(i, nid, flags, p_start, p_end, p_nid)                         \
	for (i = 0, memblock_next_range(&i, nid, flags, &memblock.memory, &memblock.reserved, \
					p_start, p_end, p_nid);                               \
	     i != UINT64_MAX; memblock_next_range(&i, nid, flags, &memblock.memory,           \
						  &memblock.reserved, p_start, p_end, p_nid))

/* The same from the highest range down. */
#define for_each_free_mem_range_reverse(i, nid, flags, p_start, p_end, p_nid)                    \
	for (i = UINT64_MAX, memblock_next_range_rev(&i, nid, flags, &memblock.memory,           \
						     &memblock.reserved, p_start, p_end, p_nid); \
	     i != UINT64_MAX; memblock_next_range_rev(&i, nid, flags, &memblock.memory,          \
						      &memblock.reserved, p_start, p_end, p_nid))

/* struct memblock_region *region: every region as it stands in the array. */
#define for_each_mem_region(region)            \
	for (region = memblock.memory.regions; \
	     region < memblock.memory.regions + memblock.memory.cnt; region++)

#define for_each_reserved_mem_region(region)     \
	for (region = memblock.reserved.regions; \
	     region < memblock.reserved.regions + memblock.reserved.cnt; region++)

#endif

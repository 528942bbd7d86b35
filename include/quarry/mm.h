/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm.h: the page allocator's interface: what Linux calls alloc_pages() and its relatives, the
 * initialisation, and the checks and figures a console or a test asks for.
 *
 * The order of boot: memblock is filled (memblock.h), mm_init() builds the zones,
 * memblock_free_all() hands over what is free, setup_per_cpu_pageset() gives the CPU its caches;
 * from then on pages come from alloc_pages() and memblock only remembers.
 *
 * Bounds are in retired instructions, rv64 -O2. "Refused" means: the state is bit for bit as
 * before, a counter in mm_stats went up, and the reason was logged.
 */
#ifndef QUARRY_MM_H
#define QUARRY_MM_H

#include <quarry/config.h>
#include <quarry/gfp.h>
#include <quarry/page.h>
#include <quarry/pcp.h>
#include <quarry/types.h>

enum zone_type {
	ZONE_DMA32,
	ZONE_NORMAL,
	MAX_NR_ZONES,
};

/* ---- boot ---------------------------------------------------------------------------------- */

struct mm_config {
	phys_addr_t
		dma32_limit; /* first address beyond ZONE_DMA32; 0 = 4 GiB; rounded down to 4 MiB */
	struct mm_pcpu *boot_pcpu; /* the boot CPU's area, what port_pcpu() returns on it */
	unsigned int nr_cpus;	   /* CPUs that will have caches; 0 = 1 */
};

/*
 * mm_init() - build descriptors, zones and the zonelists from memblock; metadata comes from
 * memblock, top-down. The boot CPU gets a boot pageset: caches that hold nothing, so that
 * allocation works before setup_per_cpu_pageset(). Context: boot, once (again only in tests).
 * Cost: a few thousand instructions together with memblock_free_all(), whatever the size of RAM.
 * Returns 0; -ENOMEM if no room for the metadata was found, -EINVAL if memblock holds no whole
 * page of memory; nothing is set up then.
 *
 * Next is memblock_free_all() (memblock.h), which releases what memblock has free and returns
 * pages.
 */
int mm_init(const struct mm_config *config);

/*
 * setup_per_cpu_pageset() - bring this CPU online and give it its page caches; their arrays are
 * allocated as pages. area is what port_pcpu() returns here, cpu its number. -ENOMEM: the CPU's
 * caches hold nothing, and every call goes to the buddy. -EINVAL: the number is out of range or not
 * the area's; -EEXIST: it has caches; nothing has changed then. Context: boot or thread, on that CPU.
 */
int setup_per_cpu_pageset(struct mm_pcpu *area, unsigned int cpu);

/*
 * boot_pageset_init() - make area a CPU's, with the boot pageset. Context: on that CPU or before
 * it runs; mm_init() does it for a boot CPU (number 0) whose port has not.
 */
void boot_pageset_init(struct mm_pcpu *area, unsigned int cpu);

/*
 * More CPUs. Each gets an area with boot_pageset_init(), and on itself, before anything else of
 * mm/, calls setup_per_cpu_pageset(). mm_ipi() is what port_kick() makes it call: it serves
 * another CPU's request to give back cached blocks. mm_cpu_idle() gives all back: a CPU calls it
 * before it goes idle for long. mm_cpu_offline() gives all back for good. Context: mm_ipi() any,
 * the others thread. Bound: linear in what is cached.
 */
void mm_ipi(void);
void mm_cpu_idle(void);
void mm_cpu_offline(void);

/* ---- pages --------------------------------------------------------------------------------- */

/*
 * alloc_pages(gfp, order) - 2^order pages, naturally aligned. Returns the head's descriptor, or
 * NULL: refused (order above MAX_PAGE_ORDER, unknown or contradictory flags, no block above the
 * watermarks). Context: any; with __GFP_DIRECT_RECLAIM (GFP_KERNEL) boot and thread, as shrinkers
 * may run.
 *
 * __free_pages(page, order) - drop one reference to the block of 2^order pages that starts at
 * page; the last one frees it. Returns 0, or a negative errno and changes nothing: -EINVAL not a
 * descriptor, the order is not the block's, or the page is a tail; -EALREADY the block is free
 * already; -EPERM reserved; -EFAULT no such memory. Context: any.
 *
 * Both are in mm_inline.h.
 */
#include <quarry/mm_inline.h>

static inline struct page *alloc_page(gfp_t gfp)
{
	return alloc_pages(gfp, 0);
}

/* As above, as an address; 0 when refused. */
unsigned long __get_free_pages(gfp_t gfp, unsigned int order);

static inline unsigned long __get_free_page(gfp_t gfp)
{
	return __get_free_pages(gfp, 0);
}

static inline unsigned long get_zeroed_page(gfp_t gfp)
{
	return __get_free_pages(gfp | __GFP_ZERO, 0);
}

int free_pages(unsigned long addr, unsigned int order); /* the same, by address; 0 is ignored */

static inline int __free_page(struct page *page)
{
	return __free_pages(page, 0);
}

static inline int free_page(unsigned long addr)
{
	return free_pages(addr, 0);
}

/* The same by physical address, order taken from the block itself when order < 0. */
int free_pages_phys(phys_addr_t addr, int order);

/*
 * alloc_pages_exact() - size bytes, rounded up to pages, contiguous; freed with
 * free_pages_exact() and the same size. NULL when refused.
 */
void *alloc_pages_exact(size_t size, gfp_t gfp);
int free_pages_exact(void *addr, size_t size);

/*
 * alloc_pages_bulk() - up to n order-0 pages into pages[0 ..]; returns how many (0 .. n). Entries
 * beyond those are not touched.
 */
unsigned long alloc_pages_bulk(gfp_t gfp, unsigned long n, struct page **pages);

/* ---- references ---------------------------------------------------------------------------- */

/*
 * A reference may be taken by who has one, or by who keeps the last holder from letting go meanwhile by
 * other means (interrupts masked on the holder's CPU, a lock): the hot free path does not look for
 * another CPU's get_page_unless_zero() in the same instant, nor for its free of the same page.
 */

struct page *
compound_head(struct page *page); /* the head of an allocated compound block, else page */
unsigned int page_count(const struct page *page);
void get_page(struct page *page);
bool get_page_unless_zero(struct page *page);
/*
 * Drops a reference; true if it was the last: the block is then frozen, and free_frozen_pages()
 * frees it.
 */
bool put_page_testzero(struct page *page);
int free_frozen_pages(struct page *page, unsigned int order);
int put_page(struct page *page); /* drops a reference; the last one frees the block */

/* ---- conversions --------------------------------------------------------------------------- */

struct page *
pfn_to_page(pfn_t pfn); /* NULL if there is no descriptor for pfn; bound 60 + 8 log2(banks) */
pfn_t page_to_pfn(const struct page *page);
struct page *phys_to_page(phys_addr_t addr);
phys_addr_t page_to_phys(const struct page *page);
struct page *virt_to_page(const void *addr);
void *page_address(const struct page *page);
bool pfn_valid(pfn_t pfn);

/* ---- switches ------------------------------------------------------------------------------ */

/*
 * mm_set_pcp_high() - the most pages each per-CPU cache of order-0 pages may hold
 * (vm.percpu_pagelist); 0 switches the caches off. All CPUs' caches are drained, as by
 * drain_all_pages(). Returns the value in effect (the arrays' capacity limits it). Context: thread.
 */
unsigned long mm_set_pcp_high(unsigned long pages);
unsigned long mm_pcp_high(void);

/*
 * drain_all_pages() - give the pages in all CPUs' caches back to the buddy, and HIGHATOMIC
 * pageblocks that are free as a whole; returns how many of this CPU's. Context: thread. Bound:
 * linear in what is cached; no lock is held for more than a step.
 *
 * drain_some_pages() - one step: up to 8 blocks of this CPU. Returns their pages, 0 when nothing
 * is cached. Context: any. Bound 6200.
 */
unsigned long drain_all_pages(void);
unsigned long drain_some_pages(void);

/* What a refused free does beyond counting: false (default) log and go on, true panic. */
void mm_set_misuse_panic(bool on);

/* ---- figures ------------------------------------------------------------------------------- */

enum mm_misuse { /* why a free was refused */
	MISUSE_DOUBLE_FREE,
	MISUSE_WRONG_ORDER,
	MISUSE_TAIL,
	MISUSE_RESERVED,
	MISUSE_FOREIGN,	   /* no such memory, or not a descriptor's address */
	MISUSE_MISALIGNED, /* not a page's address */
	MISUSE_IN_USE,	   /* frozen pages were meant, but it has holders */
	NR_MISUSES,
};
const char *mm_misuse_name(enum mm_misuse kind);

/* Stages of the slow path, each counted when it is entered. */
enum mm_stage {
	MM_STAGE_SLOW,	     /* nothing above the low marks: on to min */
	MM_STAGE_ASSEMBLE,   /* pages in this CPU's caches were looked at */
	MM_STAGE_DRAIN,	     /* all CPUs gave back what makes up a block */
	MM_STAGE_RECLAIM,    /* shrinkers were called */
	MM_STAGE_HIGHATOMIC, /* the HIGHATOMIC pageblocks were looked at */
	MM_STAGE_FAIL,	     /* refused */
	NR_MM_STAGES,
};
const char *mm_stage_name(enum mm_stage stage);

struct mm_stats {
	uint64_t misuse[NR_MISUSES];
	uint64_t stage[NR_MM_STAGES];
	uint64_t alloc_failed;	/* requests refused for want of memory, or by fault injection */
	uint64_t bad_request;	/* requests refused for their flags or order */
	uint64_t extfrag;	/* requests served from another type's pageblock */
	uint64_t shrunk;	/* objects shrinkers freed */
	uint64_t might_sleep;	/* requests that may wait, made in an interrupt */
	uint64_t fail_injected; /* requests failed on purpose */
	uint64_t poison_hit;	/* free pages that were written to */
};
void mm_get_stats(struct mm_stats *stats);

struct mm_watermarks {
	uint64_t min, low, high; /* pages */
};

struct zone_info {
	const char *name;
	pfn_t start_pfn;	 /* first frame of the zone's span */
	uint64_t spanned;	 /* pages from the first to the last, holes included */
	uint64_t present;	 /* pages that exist */
	uint64_t managed;	 /* pages released to the allocator */
	uint64_t free;		 /* pages in the buddy, the pages in per-CPU caches not counted */
	uint64_t untouched;	 /* of free: pages in 4 MiB blocks that were never cut */
	uint64_t lock_acquired;	 /* times the zone lock was taken */
	uint64_t lock_contended; /* of these, times that had to wait for it */
	struct mm_watermarks mark;
	uint64_t protection[MAX_NR_ZONES]; /* pages kept from requests that could use zone [i] */
	uint64_t nr_highatomic;		   /* pages of the HIGHATOMIC pageblocks */
};
void mm_zone_info(enum zone_type zone, struct zone_info *info);

/*
 * Free blocks of each order in a zone, as /proc/buddyinfo counts them. Cost: linear in the number
 * of 2 MiB pageblocks ever cut.
 */
void mm_buddyinfo(enum zone_type zone, uint64_t nr_free[NR_PAGE_ORDERS]);
/* The same by mobility of the pageblock; whole free pageblocks count as MIGRATE_MOVABLE. */
void mm_pagetypeinfo(enum zone_type zone, uint64_t nr_free[MIGRATE_TYPES][NR_PAGE_ORDERS]);

/*
 * Pageblocks by type, as the second half of /proc/pagetypeinfo; those free as a whole count as
 * movable.
 */
void mm_pageblocks(enum zone_type zone, uint64_t blocks[MIGRATE_TYPES]);

struct pcp_info {
	uint32_t cpu, zone, migratetype, order;
	uint32_t count, high, batch, capacity; /* blocks of that order */
};
/* The n-th cache there is; false when n is past the last. */
bool mm_pcp_info(unsigned int n, struct pcp_info *info);

struct page_info {
	pfn_t pfn, head_pfn;   /* the frame, and the head of the block it belongs to */
	enum page_state state; /* the block's; PAGE_RESERVED also for absent memory */
	unsigned int order;    /* the block's */
	unsigned int refcount; /* the block's */
	uint32_t owner;	       /* allocated blocks: the owner's tag */
	enum zone_type zone;
	enum migratetype migratetype; /* allocated: the request's; free: the pageblock's */
	bool in_pcp;
	bool untouched; /* lies in a 4 MiB block that was never cut */
};
/* Returns 0, or -EFAULT if there is no descriptor for pfn. Bound 600. */
int mm_page_info(pfn_t pfn, struct page_info *info);

struct mm_layout {
	uint64_t present_pages; /* that exist, all zones */
	uint64_t memmap_bytes;	/* descriptors, trust map and pageblock heads */
	uint64_t pcp_bytes;	/* arrays of the per-CPU caches */
	unsigned int nr_banks;	/* runs of 4 MiB blocks that descriptors cover */
};
void mm_get_layout(struct mm_layout *layout);

struct zoneref {
	enum zone_type zone_idx;
	bool populated;
};
/* Zonelist 0 (with fallback) or 1 (__GFP_THISNODE): entry n; false past the last. */
bool mm_zonelist(unsigned int list, unsigned int n, struct zoneref *ref);

/*
 * mm_explain() - why a request for 2^order pages would be refused now: the first rule that
 * refuses, per zone, in one line of text into buf. Returns true if it would succeed (buf is then
 * empty). Allocates nothing and changes nothing. Shrinkers are not asked what they could free.
 */
bool mm_explain(gfp_t gfp, unsigned int order, char *buf, size_t size);

/*
 * mm_why() - the same at length, line by line to emit: rule and figures per zone, pages in
 * caches, largest free order, who pins the block that is nearest to being free, and the one knob
 * that would help. Returns whether the request would succeed. Context: thread. Cost: linear in
 * the memory ever cut.
 */
bool mm_why(gfp_t gfp, unsigned int order, void (*emit)(const char *line));

/* ---- watermarks (Linux: admin-guide/sysctl/vm.rst) ------------------------------------------ */

/* Linux's arithmetic on any number of zones, lowest first; for tests and tools. Pages. */
uint64_t mm_default_min_free_kbytes(uint64_t managed_pages);
void mm_calc_watermarks(unsigned int nr_zones, const uint64_t managed[], uint64_t min_free_kbytes,
			unsigned int scale_factor, struct mm_watermarks marks[]);
/* protection[i * nr_zones + j]: what zone i keeps from requests whose highest zone is j. */
void mm_calc_protection(unsigned int nr_zones, const uint64_t managed[], const unsigned int ratio[],
			uint64_t protection[]);

/*
 * The sysctls of these names; setting one recomputes at once. -EINVAL and no change if out of
 * range.
 */
uint64_t mm_min_free_kbytes(void);
int mm_set_min_free_kbytes(uint64_t kbytes);
unsigned int mm_watermark_scale_factor(void);
int mm_set_watermark_scale_factor(unsigned int factor); /* 1 .. 3000, of 10000 */
unsigned int mm_lowmem_reserve_ratio(enum zone_type zone);
int mm_set_lowmem_reserve_ratio(enum zone_type zone, unsigned int ratio); /* 0: nothing is kept */

/* ---- reclaim ------------------------------------------------------------------------------- */

struct shrink_control {
	gfp_t gfp_mask;
	unsigned long nr_to_scan; /* objects to try to free */
	unsigned long nr_scanned; /* objects looked at; the callback may change it */
};

#define SHRINK_STOP  (~0UL)	/* scan_objects: nothing can be freed now */
#define SHRINK_EMPTY (~0UL - 1) /* count_objects: there is nothing at all */

/*
 * Callbacks that give memory back (Linux: linux/shrinker.h). They run in the context of a request
 * that may wait and found nothing, never in an interrupt, never inside each other; what they
 * allocate themselves may use all reserves and calls no shrinker.
 */
struct shrinker {
	unsigned long (*count_objects)(struct shrinker *shrinker, struct shrink_control *control);
	unsigned long (*scan_objects)(struct shrinker *shrinker, struct shrink_control *control);
	const char *name;
	struct shrinker *next; /* mm's */
};
/* Context: thread. -EEXIST, -ENOENT; -EBUSY from within a callback or an interrupt. */
int register_shrinker(struct shrinker *shrinker);
int unregister_shrinker(struct shrinker *shrinker);

/*
 * Called when a zone falls below its low watermark, and again when it is above high: firmware can
 * shed load before it is refused. Limits as for shrinkers; it runs at the end of a request that
 * may wait and did not find its page in the cache, served (zeroed, then) or not, and in mm_idle().
 */
struct low_memory_notifier {
	void (*notify)(struct low_memory_notifier *notifier, enum zone_type zone, bool low);
	struct low_memory_notifier *next; /* mm's */
};
int register_low_memory_notifier(struct low_memory_notifier *notifier);
int unregister_low_memory_notifier(struct low_memory_notifier *notifier);

/* mm_idle() - for the idle loop: runs notifiers that are due. Context: thread. */
void mm_idle(void);

/* ---- debug options, switched at run time ---------------------------------------------------- */

#define MM_HOOK_TRACE	      1U  /* tracepoints */
#define MM_HOOK_FAIL	      2U  /* fault injection */
#define MM_HOOK_POISON	      4U  /* free pages hold a pattern, verified when they are allocated */
#define MM_HOOK_INIT_ON_ALLOC 8U  /* pages are zeroed when they are allocated */
#define MM_HOOK_INIT_ON_FREE  16U /* pages are zeroed when they are freed */

/*
 * mm_set_hooks() - the init_on_* and poison options; others in `set` are ignored. Switching
 * poison on fills all free memory ever cut. -EINVAL for poison and init_on_free together, -ENOSYS
 * where CONFIG_DEBUG_HOOKS is 0.
 * Context: thread, other CPUs idle.
 */
int mm_set_hooks(unsigned int set);
unsigned int mm_hooks(void);

struct mm_fail {
	unsigned int every;	/* one in so many of the requests that match; 0 = off */
	unsigned int min_order; /* that match: this order and above */
	unsigned int times;	/* at most so many; 0 = without limit */
	uint64_t seen, failed;
};
/*
 * mm_set_fail() - refuse requests from now on; seen and failed start at 0. 0, or -ENOSYS where
 * CONFIG_DEBUG_HOOKS is 0.
 */
int mm_set_fail(const struct mm_fail *fail);
void mm_get_fail(struct mm_fail *fail);

enum mm_trace_type {
	MM_TRACE_ALLOC,	     /* mm_page_alloc */
	MM_TRACE_FREE,	     /* mm_page_free */
	MM_TRACE_EXTFRAG,    /* mm_page_alloc_extfrag */
	MM_TRACE_PCPU_DRAIN, /* mm_page_pcpu_drain */
};
struct mm_trace_entry {
	uint64_t sequence; /* counted from 0; gaps never occur, the oldest are overwritten */
	pfn_t pfn;
	uint32_t gfp; /* alloc: flags; extfrag: the type that was used */
	uint8_t type, order, migratetype, cpu;
};
/*
 * Start recording into ring (n entries, a power of two), or stop with NULL. -EINVAL for another
 * n, -ENOSYS where CONFIG_DEBUG_HOOKS is 0.
 */
int mm_trace_start(struct mm_trace_entry *ring, size_t n);
/* Copies the entries there are, oldest first, up to n; returns how many. */
size_t mm_trace_read(struct mm_trace_entry *entries, size_t n);
/* The entry as the tracepoint's line, without newline. */
char *mm_trace_text(const struct mm_trace_entry *entry, char *buf, size_t size);

/* ---- checks -------------------------------------------------------------------------------- */

/*
 * mm_check() - walk every invariant of zones, pageblocks, lists, descriptors and caches. Returns
 * 0, or the number of violations; the first ones are logged. Cost: linear in the memory ever cut.
 * Context: thread, nothing else running.
 */
int mm_check(void);

/*
 * mm_state_hash() - a 64-bit hash over all state that decides what later calls return. Equal
 * before and after any failed call. Cost and context as mm_check().
 */
uint64_t mm_state_hash(void);

#endif

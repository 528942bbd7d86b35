/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * free.c: __free_pages() with every check.
 *
 * The hot path (quarry/mm_inline.h) handles a page that surely is what it should be. Here any
 * address is judged in bounded time: refused with its cause and the caller's address, or freed.
 */
#include <quarry/errno.h>
#include <quarry/memblock.h>
#include "alloc_internal.h"

int refuse(enum mm_misuse kind, phys_addr_t addr, long order, const void *caller)
{
	static const int8_t errors[NR_MISUSES] = {
		[MISUSE_DOUBLE_FREE] = -EALREADY, [MISUSE_WRONG_ORDER] = -EINVAL,
		[MISUSE_TAIL] = -EINVAL,	  [MISUSE_RESERVED] = -EPERM,
		[MISUSE_FOREIGN] = -EFAULT,	  [MISUSE_MISALIGNED] = -EINVAL,
		[MISUSE_IN_USE] = -EBUSY,	  [MISUSE_RANGE] = -EINVAL,
		[MISUSE_CACHE] = -EINVAL,
	};

	count_event(&mm.stats.misuse[kind]);
	report_misuse(kind, addr, order, caller);
	return errors[kind];
}

/*
 * Does this CPU know that the descriptor's section is open? A range that is used moves up to where
 * the hot path looks.
 */
static bool in_open_range(const struct page *page)
{
	unsigned long flags = port_irq_save(); /* an interrupt may change them: whole ranges only */
	struct mm_open_range *open = port_pcpu()->open, range;
	unsigned int i = 0;

	while (i < MM_OPEN_RANGES && (uintptr_t)page - open->start >= open->bytes)
		i++, open++;
	if (i == MM_OPEN_RANGES - 1) {
		range = *open;
		*open = open[-1];
		open[-1] = range;
	}
	port_irq_restore(flags);
	return i < MM_OPEN_RANGES;
}

/*
 * Drop one of several references: false if it is the last, and nothing has changed. A block that
 * is not compound falls apart when it is freed while someone still holds it: the holder keeps the
 * first page and the rest is freed now. Order and count change in one step, so a put_page() at the
 * same time sees either the whole block or the one page. The zone's lock is held.
 */
static bool drop_shared(struct zone *zone, struct page *page, unsigned long index,
			unsigned int order)
{
	bool split = order && page_state(page) == PAGE_ALLOC;
	uint32_t word = 0;

	VM_BUG_ON(!spin_lock_held(&zone->lock));
	VM_BUG_ON(page != &mm.memmap[index] || order > MAX_PAGE_ORDER);

	/* The order changes under the lock only: it may have come apart meanwhile. */
	if (page_order(page) == order)
		word = page_ref_change(page, 2, -1, split ? PAGE_ORDER_MASK : 0);

	if (word && split)
		buddy_free_tails(zone, index, order, 1, gfp_migratetype(word));
	return word;
}

enum freed free_block(struct page *page, unsigned int order)
{
	unsigned long index = (unsigned long)(page - mm.memmap), flags;
	struct zone *zone = zone_of(index);
	struct per_cpu_pages *pcp;
	enum freed freed = FREED;
	uint32_t word;
	bool last, again;

	VM_BUG_ON(index >= mm.nr_pages || order > MAX_PAGE_ORDER);
	VM_BUG_ON(!section_is_open(index >> SECTION_SHIFT) || !trusted(index));
	note_hooks();
	if (HOOKS) {
		if (RECORDING)
			record_enter(MM_RECORD_FREE, order, READ_ONCE(page->word),
				     page_to_pfn(page));
		if (page->_refcount == 1)
			hook_free(page, order);
	}
	flags = port_irq_save();
	/*
	 * Acquire, paired with the release in page_ref_change(): what other holders did to the
	 * pages, and they are none any more, comes before what the next owner does.
	 */
	word = __atomic_load_n(&page->word, __ATOMIC_ACQUIRE);
	last = (word & (~0U << 16 | PAGE_ORDER_MASK)) == (PAGE_ONE_REF | order << PAGE_ORDER_SHIFT);
	pcp = pcp_of(port_pcpu(), word);
	/* Caches hold nothing compound, and of larger blocks no more than there is room for. */
	if (last && (word & PAGE_STATE_MASK) == PAGE_INFO(PAGE_ALLOC, 0) &&
	    (!order || pcp->top != pcp->limit)) {
		VM_BUG_ON(pcp->top > pcp->limit || pcp->top < pcp->base);
		VM_BUG_ON(pcp->capacity && &mm.zones[pcp->zone] != zone);
		page->_refcount = 0;
		if (pcp->top != pcp->limit) {
			*++pcp->top = page;
			freed = FREED_TO_CACHE;
		} else {
			pcp_return_slow(pcp, page, flags);
			if (RECORDING)
				record_done(MM_RECORD_FREE, FREED);
			return FREED;
		}
	} else {
		spin_lock(&zone->lock);
		if (last)
			buddy_free(zone, index, order);
		else if (!drop_shared(zone, page, index, order))
			freed = NOT_FREED;
		spin_unlock(&zone->lock);
	}
	/* Another CPU's holder let go meanwhile: this is the last after all. */
	again = !freed && page->_refcount == 1 && page_order(page) == order;
	port_irq_restore(flags);
	if (again) /* in the same section, if one was begun */
		return free_block(page, order);
	if (RECORDING)
		record_done(MM_RECORD_FREE, freed);
	return freed;
}

/*
 * Free the block at index. MISUSE_DOUBLE_FREE etc. if it may not be freed, NR_MISUSES if it was.
 * order < 0: whatever the block's is.
 */
MM_OUTLINE enum mm_misuse free_index(unsigned long index, long order)
{
	unsigned long section = index >> SECTION_SHIFT;
	struct page *page = &mm.memmap[index];
	bool known = FOR_SPEED && in_open_range(page); /* else the spans are asked */
	enum freed freed;
	long have;

	if (!known) {
		enum section_state state = section_state(section);

		if (state != SECTION_OPEN)
			return state == SECTION_UNTOUCHED ? MISUSE_DOUBLE_FREE : MISUSE_RESERVED;
	}
	/* Most are heads in use; that of any other is to be found. */
	if (!FOR_SPEED || !trusted(index) || !page->_refcount) {
		unsigned long head = block_head(index);

		if (head == NIL32)
			return MISUSE_DOUBLE_FREE;
		page = &mm.memmap[head];
	}
	if (!page->_refcount)
		return page_state(page) == PAGE_RESERVED ? MISUSE_RESERVED
		       : page_state(page) == PAGE_CONTIG ? MISUSE_RANGE
		       : page_state(page) == PAGE_SLAB	 ? MISUSE_IN_USE
							 : MISUSE_DOUBLE_FREE;
	if (page != &mm.memmap[index]) /* of a compound block too: put_page() takes its tails */
		return MISUSE_TAIL;
	have = (long)page_order(
		page); /* looked at once: another holder may make the block fall apart */
	if (order >= 0 && have != order)
		return MISUSE_WRONG_ORDER;
	freed = free_block(page, (unsigned int)have);
	/* One expensive thing a call: what was cheap notes the range for the next. */
	if (!known && freed == FREED_TO_CACHE)
		open_range_note(section);
	return freed ? NR_MISUSES : MISUSE_DOUBLE_FREE;
}

/* Free what starts at the descriptor at this address; `addr` is shown if there is none. */
static int free_descriptor(uintptr_t descriptor, phys_addr_t addr, long order, const void *caller)
{
	uintptr_t offset = descriptor - (uintptr_t)mm.memmap;
	unsigned long index = offset / sizeof(struct page);
	enum mm_misuse kind = MISUSE_FOREIGN;

	if (index < mm.nr_pages) {
		kind = MISUSE_MISALIGNED;
		if (offset % sizeof(struct page) == 0) {
			kind = free_index(index, order);
			if (kind == NR_MISUSES)
				return 0;
			addr = PFN_PHYS(index_to_pfn(index));
			if (kind == MISUSE_RESERVED && !memblock_is_memory(addr))
				kind = MISUSE_FOREIGN;
		}
	}
	return refuse(kind, addr, order, caller);
}

/* An order that a caller gave is none of the block's own, which is negative: a long may be as short as it is. */
static inline long given_order(unsigned int order)
{
	return sizeof(long) > sizeof(order) || (int)order >= 0 ? (long)order : (long)(~0UL >> 1);
}

/* Tail-called from the hot paths, so that the return address names the caller of the free. */
__attribute__((noinline)) int free_pages_slow(struct page *page, unsigned int order)
{
	return free_descriptor((uintptr_t)page, (uintptr_t)page, given_order(order),
			       __builtin_return_address(0));
}

/* Apart, so that single pages have few registers to save. */
static __attribute__((noinline)) int overflow_block(struct page *page, unsigned int order,
						    unsigned long flags)
{
	unsigned long index = (unsigned long)(page - mm.memmap);
	struct zone *zone = zone_of(index);

	spin_lock(&zone->lock);
	buddy_free(zone, index, order);
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	return 0;
}

int free_pages_overflow(struct page *page, unsigned long offset, unsigned long flags)
{
	struct per_cpu_pages *pcp = pcp_hot(offset);
	unsigned int order = (unsigned int)offset >> PAGE_ORDER_SHIFT;

	/* Where the cache is hidden or switched off, the slow path has more to do. */
	if (!FOR_SPEED || pcp->limit == pcp->base) {
		port_irq_restore(flags);
		return free_pages_slow(page, order);
	}
	if (order)
		return overflow_block(page, order, flags);
	page->_refcount = 0;
	return pcp_return(pcp, page, flags);
}

int __free_pages_order(struct page *page, unsigned int order)
{
	/* Order 0 has a copy of its own where speed counts. */
	if (FOR_SPEED && order == 0)
		return pcp_free(page, 0);
	return order <= MAX_PAGE_ORDER ? pcp_free(page, order) : free_pages_slow(page, order);
}

/* ---- in bulk ------------------------------------------------------------------------------- */

/* So many pages go to the caches before interrupts are let in. */
#define BULK_MASKED 16

/*
 * The pages from here to `end`, as pcp_free() frees each, to the caches of their classes: what is the
 * same for all is looked up once. It ends before a page that is not surely what it should be, or
 * whose cache is full. Returns that place.
 */
static inline struct page **free_to_caches(struct page **pages, struct page *const *end)
{
	unsigned long flags = port_irq_save();
	const struct mm_pcpu *cpu = port_pcpu();
	const uintptr_t start = cpu->open[0].start, bytes = cpu->open[0].bytes;
	const int8_t *const trust = cpu->trust;
	struct per_cpu_pages *pcp = NULL;
	struct page **top = NULL, **limit = NULL;
	uint32_t word = 0xffffffff; /* of no page */

	for (; pages < end; pages++) {
		struct page *page = *pages;
		uintptr_t address = (uintptr_t)page;

		if (address - start >= bytes || address % sizeof(*page) ||
		    trust[address >> PAGE_GROUP_SHIFT] >= 0)
			break;
		if (!mm_likely(page->word == word)) {
			uint32_t offset = page->word - PAGE_HOT_WORD;

			if (offset > PAGE_CLASS_MASK)
				break;
			if (pcp)
				pcp->top = top;
			word = page->word;
			pcp = pcp_hot(offset);
			top = pcp->top;
			limit = pcp->limit;
		}
		if (!mm_likely(top != limit))
			break;
		*++top = page;
		page->_refcount = 0;
	}
	if (pcp)
		pcp->top = top;
	port_irq_restore(flags);
	return pages;
}

unsigned long free_pages_bulk(unsigned long n, struct page **pages)
{
	struct page **end = pages + n;
	unsigned long refused = 0;

	while (pages < end) {
		struct page **stop = end - pages < BULK_MASKED ? end : pages + BULK_MASKED;

		if (FOR_SPEED)
			pages = free_to_caches(pages, stop);
		if (pages < stop) /* with its checks, or past the cache */
			refused += !!__free_pages(*pages++, 0);
	}
	return n - refused;
}

/* ---- by address ---------------------------------------------------------------------------- */

/* Does a page of this bank start at this address? *page is its descriptor then. */
static inline bool bank_has(const struct bank *bank, phys_addr_t addr, struct page **page)
{
	pfn_t pfn = PFN_DOWN(addr) - bank->start;

	*page = (struct page *)((uintptr_t)bank->page + (uintptr_t)pfn * sizeof(**page));
	return mm_likely(addr % PAGE_SIZE == 0) && mm_likely(pfn < bank->pages);
}

/*
 * An address that is not in the bank that this CPU looks in first, or an order that there is not.
 * Tail-called, so that the return address names the caller of the free.
 */
static __attribute__((noinline)) int free_elsewhere(phys_addr_t addr, long order)
{
	const void *caller = __builtin_return_address(0);
	const struct bank *bank = bank_of_pfn(PFN_DOWN(addr));
	struct page *page;
	int error;

	if (!bank || !bank_has(bank, addr, &page))
		return refuse(addr % PAGE_SIZE ? MISUSE_MISALIGNED : MISUSE_FOREIGN, addr, order,
			      caller);
	error = free_descriptor((uintptr_t)page, addr, order, caller);
	if (!error)
		bank_note(bank);
	return error;
}

/* As by descriptor, in the bank where this CPU has found one before. Order 0 has a copy of its own. */
static inline int free_page_by_address(phys_addr_t addr)
{
	unsigned long flags = port_irq_save();
	struct page *page;

	if (bank_has(port_pcpu()->bank, addr, &page))
		return pcp_free_masked(page, 0, flags);
	port_irq_restore(flags);
	return free_elsewhere(addr, 0);
}

static __attribute__((noinline)) int free_order_by_address(phys_addr_t addr, long order)
{
	unsigned long flags;
	struct page *page;

	if ((unsigned long)order <= MAX_PAGE_ORDER) {
		flags = port_irq_save();
		if (bank_has(port_pcpu()->bank, addr, &page))
			return pcp_free_masked(page, (unsigned int)order, flags);
		port_irq_restore(flags);
	}
	return free_elsewhere(addr, order);
}

/* Where size counts. */
static int free_phys(phys_addr_t addr, long order, const void *caller)
{
	/* What is within a page is within a descriptor. */
	uintptr_t descriptor =
		addr % PAGE_SIZE ? (uintptr_t)mm.memmap + 1 : (uintptr_t)phys_to_page(addr);

	return free_descriptor(descriptor, addr, order, caller);
}

int free_pages_phys(phys_addr_t addr, int order)
{
	if (!FOR_SPEED)
		return free_phys(addr, order, __builtin_return_address(0));
	return order ? free_order_by_address(addr, order) : free_page_by_address(addr);
}

int free_pages(unsigned long addr, unsigned int order)
{
	phys_addr_t phys = virt_to_phys((void *)(uintptr_t)addr);

	if (!addr)
		return 0;
	if (!FOR_SPEED)
		return free_phys(phys, given_order(order), __builtin_return_address(0));
	return order ? free_order_by_address(phys, given_order(order)) : free_page_by_address(phys);
}

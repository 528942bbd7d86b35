/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sections.c: which descriptors exist, and which of them may be believed.
 *
 * Metadata is as random as RAM is at power-on until it is written, and it is written only where a
 * block is cut. Three answers keep that safe: banks say which frames have descriptors, spans
 * which sections are open, and the trust map which descriptors of an open section were ever
 * written.
 */
#include "internal.h"

struct mm mm;

unsigned long pfn_to_index(pfn_t pfn)
{
	uint32_t low = 0, high = mm.nr_banks;

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		const struct bank *bank = &mm.banks[mid];

		if (pfn < bank->start)
			high = mid;
		else if (pfn - bank->start >= bank->end - bank->first)
			low = mid + 1;
		else
			return bank->first + (unsigned long)(pfn - bank->start);
	}
	return NIL32;
}

pfn_t index_to_pfn(unsigned long index)
{
	uint32_t low = 0, high = mm.nr_banks - 1;

	while (low < high) { /* the last bank that starts at or before index */
		uint32_t mid = (low + high + 1) / 2;

		if (mm.banks[mid].first <= index)
			low = mid;
		else
			high = mid - 1;
	}
	return mm.banks[low].start + (index - mm.banks[low].first);
}

/* The span that holds a section, or NULL. Bound 20 + 10 log2(spans). */
static const struct span *span_of(unsigned long section)
{
	uint32_t low = 0, high = mm.nr_spans;

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		const struct span *span = &mm.spans[mid];

		if (section < span->first)
			high = mid;
		else if (section >= span->end)
			low = mid + 1;
		else
			return span;
	}
	return NULL;
}

/*
 * Acquire, paired with the release in section_take(): a section that is open has been cleared. No
 * lock is held.
 */
static uint32_t opened(const struct span *span)
{
	return __atomic_load_n(&span->opened, __ATOMIC_ACQUIRE);
}

bool section_is_open(unsigned long section)
{
	const struct span *span = span_of(section);

	return span && section < opened(span);
}

bool section_is_untouched(unsigned long section)
{
	const struct span *span = span_of(section);

	return span && section >= opened(span);
}

void section_clear(unsigned long section)
{
	struct pageblock *pb = &mm.pageblocks[section << (SECTION_SHIFT - pageblock_order)];
	uint64_t *trust = (uint64_t *)(void *)&mm.trust[section << (SECTION_SHIFT - GROUP_SHIFT)];
	uint64_t none = 0x0101010101010101;

	static_assert(SECTION_PAGES / GROUP_PAGES == 4 * sizeof(*trust), "32 bytes a section");
	static_assert(TRUST_NONE == 1, "the bytes of the constant below");
	__asm__("" : "+r"(none)); /* four stores are less than a call of memset() */
	for (int i = 0; i < 4; i++)
		trust[i] = none;
	for (int i = 0; i < 2; i++) {
		pb[i].free_orders = 0;
		pb[i].nr_free = 0;
		pb[i].list = PB_OFF_LIST;
		pb[i].type = MIGRATE_UNMOVABLE;
	}
}

/* Write a whole group, so that blocks smaller than it can have heads anywhere in it. */
void trust_group(unsigned long index)
{
	struct page *page = &mm.memmap[index & ~(GROUP_PAGES - 1)];
	int8_t *trust = &mm.trust[index >> GROUP_SHIFT];

	if (*trust == TRUST_NONE)
		page->word = PAGE_NONE;
	UNROLL(31)
	for (unsigned int i = 1; i < GROUP_PAGES; i++)
		page[i].word = PAGE_NONE;
	*trust = TRUST_ALL;
}

/* Neighbours of a span, each way, that are noted with it: a bound on the call. */
#define OPEN_RANGE_SPANS 2

/*
 * Is a section open? Then this CPU notes that the open sections around it are trustworthy: the next
 * frees there need a compare or two. A range that starts where a known one does takes its place, else the smallest
 * gives way; the largest comes first.
 */
bool open_range_note(unsigned long section)
{
	const struct span *first = span_of(section), *last = first, *here = first;
	struct mm_open_range *open = port_pcpu()->open, range;
	unsigned int i = 0;
	unsigned long flags;

	if (!first || section >= opened(first))
		return false;
	/* A CPU that is not attached to the allocator yet takes the slow path. */
	if (!port_pcpu()->trust)
		return true;
	while (first > mm.spans && here - first < OPEN_RANGE_SPANS &&
	       opened(&first[-1]) == first[-1].end && first[-1].end == first->first)
		first--;
	while (opened(last) == last->end && last - here < OPEN_RANGE_SPANS &&
	       last + 1 < mm.spans + mm.nr_spans && last[1].first == last->end)
		last++;
	range.start = (uintptr_t)&mm.memmap[(size_t)first->first << SECTION_SHIFT];
	range.bytes =
		((size_t)(opened(last) - first->first) << SECTION_SHIFT) * sizeof(struct page);

	flags = port_irq_save(); /* an interrupt sees whole ranges only */
	while (i < MM_OPEN_RANGES - 1 && open[i].start != range.start)
		i++;
	for (; i && open[i - 1].bytes < range.bytes; i--)
		open[i] = open[i - 1];
	open[i] = range;
	port_irq_restore(flags);
	return true;
}

unsigned long section_take(struct zone *zone)
{
	struct span *span;
	unsigned long section, index;

	if (!zone->nr_untouched || FAULT_POINT())
		return NIL32;
	span = &mm.spans[zone->span];
	if (span->opened == span->end) { /* of the next one nothing was taken yet */
		zone->span = span->next;
		span = &mm.spans[zone->span];
	}
	section = span->opened;
	index = section << SECTION_SHIFT;
	section_clear(section);
	mm.trust[index >> GROUP_SHIFT] = TRUST_HEAD;
	mm.memmap[index].word = PAGE_FREE_WORD(MAX_PAGE_ORDER);
	if (HOOKS)
		hook_section_opened(index);
	/*
	 * Release: who sees the section open sees its one free block. Only holders of the lock
	 * write it.
	 */
	__atomic_store_n(&span->opened, (uint32_t)section + 1, __ATOMIC_RELEASE);
	zone->nr_untouched -= SECTION_PAGES;
	return section;
}

/* Blocks are aligned to their size, so the head is the nearest trusted one at an aligned index. */
unsigned long block_head(unsigned long index)
{
	for (unsigned int order = 0; order < MAX_PAGE_ORDER; order++) {
		unsigned long head = index & ~((1UL << order) - 1);

		if (trusted(head) && page_state(&mm.memmap[head]) != PAGE_NONE)
			return head;
	}
	return index & ~(MAX_ORDER_NR_PAGES - 1);
}

bool pfn_valid(pfn_t pfn)
{
	return pfn_to_index(pfn) != NIL32;
}

struct page *pfn_to_page(pfn_t pfn)
{
	unsigned long index = pfn_to_index(pfn);

	return index == NIL32 ? NULL : &mm.memmap[index];
}

pfn_t page_to_pfn(const struct page *page)
{
	return index_to_pfn((unsigned long)(page - mm.memmap));
}

struct page *phys_to_page(phys_addr_t addr)
{
	return pfn_to_page(PFN_DOWN(addr));
}

phys_addr_t page_to_phys(const struct page *page)
{
	return PFN_PHYS(page_to_pfn(page));
}

struct page *virt_to_page(const void *addr)
{
	return phys_to_page(virt_to_phys(addr));
}

void *page_address(const struct page *page)
{
	return phys_to_virt(page_to_phys(page));
}

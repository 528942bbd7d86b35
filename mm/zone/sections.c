/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sections.c: which descriptors exist, and which of them may be believed.
 *
 * Metadata is as random as RAM is at power-on until it is written, and it is written only where a
 * block is cut. Three answers keep that safe: banks say which frames have descriptors, spans
 * which sections are open, and the trust map which descriptors of an open section were ever
 * written.
 */
#include "zone_internal.h"

DEFINE_STATE(mm);

/*@
  predicate banks_are_valid = \valid_read(mm.banks + (0 .. mm.nr_banks - 1));
  logic integer key_of(integer i, integer by_index) =
    by_index != 0 ? mm.banks[i].first : mm.banks[i].start;
*/

/*@
  requires banks_are_valid && 0 < mm.nr_banks;
  requires \forall integer i, j; 0 <= i < j < mm.nr_banks ==>
             mm.banks[i].first < mm.banks[j].first && mm.banks[i].start < mm.banks[j].start;
  assigns  \nothing;
  ensures  \exists integer n; 0 <= n < mm.nr_banks && \result == mm.banks + n &&
             (n > 0 ==> key_of(n, by_index) <= x) &&
             (\forall integer i; n < i < mm.nr_banks ==> key_of(i, by_index) > x);
*/
const struct bank *bank_of(uint64_t x, bool by_index)
{
	const struct bank *bank = mm.banks;
	uint32_t n = mm.nr_banks, half;

	/*@ ghost unsigned long at = 0; */
	/*@
	  loop invariant bank == mm.banks + at && at + n <= mm.nr_banks && n > 0;
	  loop invariant at > 0 ==> key_of(at, by_index) <= x;
	  loop invariant \forall integer i; at + n <= i < mm.nr_banks ==> key_of(i, by_index) > x;
	  loop assigns bank, n, half, at;
	  loop variant n;
	*/
	for (; n > 1; n -= half) {
		half = n / 2;
		/*@ assert 1 <= half < n && at + half < mm.nr_banks; */
		/*@ ghost if ((by_index ? mm.banks[at + half].first : mm.banks[at + half].start) <= x) at += half; */
		if ((by_index ? bank[half].first : bank[half].start) <= x)
			bank += half;
	}
	return bank;
}

unsigned long pfn_to_index(pfn_t pfn)
{
	const struct bank *bank = bank_of(pfn, false);

	return bank && pfn - bank->start < bank->pages
		       ? bank->first + (unsigned long)(pfn - bank->start)
		       : NIL32;
}

pfn_t index_to_pfn(unsigned long index)
{
	const struct bank *bank = bank_of(index, true);

	VM_BUG_ON(!bank || index < bank->first || index - bank->first >= bank->pages);
	return bank->start + (index - bank->first);
}

#if FOR_SPEED
const struct bank no_bank;

const struct bank *bank_of_pfn(pfn_t pfn)
{
	return bank_of(pfn, false);
}

void bank_note(const struct bank *bank)
{
	unsigned long flags = port_irq_save();

	port_pcpu()->bank = bank;
	port_irq_restore(flags);
}
#endif

/*@
  predicate spans_are_valid = \valid_read(mm.spans + (0 .. mm.nr_spans - 1)) &&
    \forall integer i, j; 0 <= i < j < mm.nr_spans ==> mm.spans[i].end <= mm.spans[j].first;
  predicate holds(struct span *s, integer section) = s->first <= section < s->end;
*/

/* The span that holds a section, or NULL. Bound 20 + 10 log2(spans). */
/*@
  requires spans_are_valid;
  requires \forall integer i; 0 <= i < mm.nr_spans ==> mm.spans[i].first <= mm.spans[i].end;
  assigns  \nothing;
  ensures  \result == \null ==>
             \forall integer i; 0 <= i < mm.nr_spans ==> !holds(mm.spans + i, section);
  ensures  \result != \null ==> holds(\result, section) &&
             \exists integer i; 0 <= i < mm.nr_spans && \result == mm.spans + i;
*/
static const struct span *span_of(unsigned long section)
{
	const struct span *span = mm.spans;
	uint32_t n = mm.nr_spans, half;

	/*@ ghost unsigned long at = 0; */
	/*@
	  loop invariant span == mm.spans + at && at + n <= mm.nr_spans;
	  loop invariant n == 0 ==> mm.nr_spans == 0;
	  loop invariant at > 0 ==> mm.spans[at].first <= section;
	  loop invariant \forall integer i; at + n <= i < mm.nr_spans ==> mm.spans[i].first > section;
	  loop assigns span, n, half, at;
	  loop variant n;
	*/
	for (; n > 1; n -= half) {
		half = n / 2;
		/*@ assert 1 <= half < n && at + half < mm.nr_spans; */
		/*@ ghost if (mm.spans[at + half].first <= section) at += half; */
		if (span[half].first <= section)
			span += half;
	}
	return n && section >= span->first && section < span->end ? span : NULL;
}

/*
 * Acquire, paired with the release in section_take(): a section that is open has been cleared. No
 * lock is held.
 */
static uint32_t opened(const struct span *span)
{
	return __atomic_load_n(&span->opened, __ATOMIC_ACQUIRE);
}

enum section_state section_state(unsigned long section)
{
	const struct span *span = span_of(section);

	VM_BUG_ON(section >= mm.nr_pages >> SECTION_SHIFT);
	if (!span)
		return SECTION_RESERVED;
	VM_BUG_ON(span->first > opened(span) || opened(span) > span->end);
	return section < opened(span) ? SECTION_OPEN : SECTION_UNTOUCHED;
}

/* Write a whole group, so that blocks smaller than it can have heads anywhere in it. */
void trust_group(unsigned long index)
{
	struct page *page = &mm.memmap[index & ~(GROUP_PAGES - 1)];
	int8_t *trust = &mm.trust[index >> GROUP_SHIFT];

	VM_BUG_ON(index >= mm.nr_pages);
	VM_BUG_ON(*trust == TRUST_ALL); /* it would forget its heads */
	if (*trust == TRUST_NONE)
		page->word = PAGE_NONE;
	UNROLL(31)
	for (unsigned int i = 1; i < GROUP_PAGES; i++)
		page[i].word = PAGE_NONE;
	*trust = TRUST_ALL;
}

/* Neighbours of a span, each way, that are noted with it: a bound on the call. */
#define OPEN_RANGE_SPANS 2

/* The last span, up (step 1) or down (-1), that open sections without a gap lead to. */
MM_OUTLINE const struct span *last_joined(const struct span *span, int step)
{
	const struct span *edge = step < 0 ? mm.spans : &mm.spans[mm.nr_spans - 1];

	for (int i = 0; i < OPEN_RANGE_SPANS && span != edge; i++) {
		const struct span *lower = step < 0 ? span - 1 : span;

		if (opened(lower) != lower->end || lower->end != lower[1].first)
			break;
		span += step;
	}
	return span;
}

/*
 * This CPU notes that the open sections around one that is open are trustworthy: the next frees
 * there need a compare or two. A range that starts where a known one does takes its place, else the
 * smallest gives way; the largest comes first. Its caches took a block, so it is attached to the
 * allocator and has the trust map that goes with the ranges.
 */
void open_range_note(unsigned long section)
{
	const struct span *here = span_of(section), *first = last_joined(here, -1);
	struct mm_open_range *open, *at, range;
	unsigned long flags;

	VM_BUG_ON(!here || section >= opened(here));
	range.start = (uintptr_t)&mm.memmap[(size_t)first->first << SECTION_SHIFT];
	range.bytes = (uintptr_t)&mm.memmap[(size_t)opened(last_joined(here, 1)) << SECTION_SHIFT] -
		      range.start;

	VM_BUG_ON(!range.bytes || range.bytes % (SECTION_PAGES * sizeof(struct page)));
	flags = port_irq_save(); /* an interrupt sees whole ranges only */
	open = at = port_pcpu()->open;
	while (at < &open[MM_OPEN_RANGES - 1] && at->start != range.start)
		at++;
	for (; at > open && at[-1].bytes < range.bytes; at--)
		*at = at[-1];
	*at = range;
	VM_BUG_ON(at < open || at >= open + MM_OPEN_RANGES || !port_pcpu()->trust);
	port_irq_restore(flags);
}

/*
 * Blocks are aligned to their size, so the head is the nearest trusted one at an aligned index. One
 * whose block ends before the page says that the page is free: all others have heads.
 */
RACY unsigned long block_head(unsigned long index)
{
	VM_BUG_ON(!section_is_open(index >> SECTION_SHIFT));
	for (unsigned int order = 0; order <= MAX_PAGE_ORDER; order++) {
		unsigned long head = index & ~0UL << order;
		unsigned int info;

		if (!trusted(head))
			continue;
		info = READ_ONCE(mm.memmap[head].info);
		if (info >> PAGE_STATE_SHIFT != PAGE_NONE)
			return index - head < 1UL << ((info & PAGE_ORDER_MASK) >> PAGE_ORDER_SHIFT)
				       ? head
				       : NIL32;
	}
	return NIL32;
}

bool pfn_valid(pfn_t pfn)
{
	return pfn_to_page(pfn);
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

#if FOR_SPEED
static inline void *bank_address(const struct bank *bank, unsigned long bytes)
{
	return phys_to_virt(PFN_PHYS(bank->start + bytes / sizeof(struct page)));
}

/* Apart, so that its caller has nothing to save. */
static __attribute__((noinline)) void *address_elsewhere(const struct page *page)
{
	const struct bank *bank = bank_of((unsigned long)(page - mm.memmap), true);

	bank_note(bank);
	return bank_address(bank, (uintptr_t)page - (uintptr_t)bank->page);
}

void *__page_address(const struct page *page)
{
	const struct bank *bank = READ_ONCE(port_pcpu()->bank);
	unsigned long bytes = (uintptr_t)page - (uintptr_t)bank->page;

	if (!mm_likely(bytes < bank->pages * sizeof(*page)))
		return address_elsewhere(page);
	return bank_address(bank, bytes);
}
#else
void *__page_address(const struct page *page)
{
	return page_address(page);
}
#endif

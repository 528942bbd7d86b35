/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_ref.c: reference counts of allocated blocks.
 *
 * The count lies in the upper half of a descriptor's first word and is changed together with the
 * rest of it by one 32-bit compare and swap, so that state, order and count are always seen as
 * they were at one moment. The holders of a compound block are counted in its head, whichever of
 * its pages they name.
 */
#include <quarry/errno.h>
#include "alloc_internal.h"

extern uint32_t page_ref_change(struct page *head, unsigned int least, int add, uint32_t clear);

struct page *page_head(const struct page *page)
{
	uintptr_t offset = (uintptr_t)page - (uintptr_t)mm.memmap;
	unsigned long index = offset / sizeof(struct page);

	if (index >= mm.nr_pages || offset % sizeof(struct page) ||
	    !section_is_open(index >> SECTION_SHIFT))
		return NULL;
	index = block_head(index);
	return index == NIL32 ? NULL : &mm.memmap[index];
}

/*
 * The descriptor that counts the holders of page, if there are any: the head of a compound block,
 * or page itself. NULL: neither is a head.
 */
static struct page *counted(const struct page *page)
{
	struct page *head = page_head(page);

	return head && (head == page || page_state(head) == PAGE_COMPOUND) ? head : NULL;
}

struct page *compound_head(struct page *page)
{
	struct page *head = counted(page);

	return head ? head : page;
}

unsigned int page_count(const struct page *page)
{
	const struct page *head = counted(page);

	return head ? __atomic_load_n(&head->word, __ATOMIC_RELAXED) >> 16 : 0;
}

bool get_page_unless_zero(struct page *page)
{
	struct page *head = counted(page);

	return head && page_ref_change(head, 1, 1, 0);
}

void get_page(struct page *page)
{
	if (!get_page_unless_zero(page))
		report_no_reference(page);
}

int put_page(struct page *page)
{
	struct page *head = counted(page);

	if (head && (page_ref_change(head, 2, -1, 0) || free_block(head, page_order(head))))
		return 0;
	return free_pages_slow(page, 0); /* refused there: nobody holds it */
}

bool put_page_testzero(struct page *page)
{
	struct page *head = counted(page);
	uint32_t word = head ? page_ref_change(head, 1, -1, 0) : 0;

	if (!word)
		free_pages_slow(page, 0); /* counts and reports the misuse */
	return word >> 16 == 1;
}

int free_frozen_pages(struct page *page, unsigned int order)
{
	struct page *head = page_head(page);
	enum mm_misuse kind = MISUSE_IN_USE;

	if (!head || (!head->_refcount && page_state(head) != PAGE_FROZEN))
		return free_pages_slow(page, order); /* refused there: nobody holds it */
	if (!head->_refcount) {
		kind = head == page ? MISUSE_WRONG_ORDER : MISUSE_TAIL;
		if (head == page && page_order(head) == order) {
			head->word = PAGE_INFO(PAGE_ALLOC, order) | (head->info & PAGE_CLASS_MASK) |
				     PAGE_ONE_REF;
			return free_block(head, order) ? 0 : -EALREADY;
		}
	}
	return refuse(kind, page_to_phys(page), (long)order, __builtin_return_address(0));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_ref.c: reference counts of allocated blocks.
 *
 * The count lies in the upper half of a descriptor's first word and is changed together with the
 * rest of it by one 32-bit compare and swap, so that state, order and count are always seen as
 * they were at one moment. The holders of a compound block are counted in its head, whichever of
 * its pages they name.
 */
#include <errno.h>
#include "internal.h"

/*
 * The head of the block that page belongs to, or NULL if page is no descriptor of an open
 * section.
 */
static struct page *block_head_of(const struct page *page)
{
	uintptr_t offset = (uintptr_t)page - (uintptr_t)mm.memmap;
	unsigned long index = offset / sizeof(struct page);

	if (offset >= (uintptr_t)mm.nr_pages * sizeof(struct page) ||
	    offset % sizeof(struct page) || !section_is_open(index >> SECTION_SHIFT))
		return NULL;
	return &mm.memmap[block_head(index)];
}

/* The same if the block is allocated, else NULL. */
static struct page *allocated_head(const struct page *page)
{
	struct page *head = block_head_of(page);

	return head && page_allocated(head) ? head : NULL;
}

struct page *compound_head(struct page *page)
{
	struct page *head = allocated_head(page);

	return head && page_state(head) == PAGE_COMPOUND ? head : page;
}

/* The descriptor that counts the holders of page: the head of a compound block, or page itself. */
static struct page *counted(const struct page *page)
{
	struct page *head = allocated_head(page);

	return head && (head == page || page_state(head) == PAGE_COMPOUND) ? head : NULL;
}

unsigned int page_count(const struct page *page)
{
	const struct page *head = counted(page);

	return head ? __atomic_load_n(&head->word, __ATOMIC_RELAXED) >> 16 : 0;
}

bool get_page_unless_zero(struct page *page)
{
	struct page *head = counted(page);
	uint32_t word;

	if (!head)
		return false;
	word = __atomic_load_n(&head->word, __ATOMIC_RELAXED);
	do {
		if (word >> 16 == 0 || word >> 16 == UINT16_MAX)
			return false;
		/* Relaxed: who takes a reference has one already, or keeps the last holder from
		 * letting go meanwhile by other means. */
	} while (!__atomic_compare_exchange_n(&head->word, &word, word + PAGE_ONE_REF, false,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

void get_page(struct page *page)
{
	if (!get_page_unless_zero(page))
		port_panic("get_page: 0x%llx is not held by anyone, or by 65535",
			   (unsigned long long)(allocated_head(page) ? page_to_phys(page)
								     : (uintptr_t)page));
}

/* Drop a reference, but not the last. Returns false if it is the last, and has changed nothing. */
static bool drop_unless_last(struct page *head)
{
	uint32_t word = __atomic_load_n(&head->word, __ATOMIC_RELAXED);

	do {
		if (word >> 16 <= 1)
			return false;
		/* Release: this holder's accesses come before the free; see drop_shared(). */
	} while (!__atomic_compare_exchange_n(&head->word, &word, word - PAGE_ONE_REF, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return true;
}

int put_page(struct page *page)
{
	struct page *head = counted(page);

	if (!head)
		return free_pages_slow(page, 0);
	if (drop_unless_last(head) || free_block(head, page_order(head)))
		return 0;
	return free_pages_slow(head, page_order(head)); /* refused there: nobody holds it */
}

bool put_page_testzero(struct page *page)
{
	struct page *head = counted(page);
	uint32_t word, next;

	word = head ? __atomic_load_n(&head->word, __ATOMIC_RELAXED) : 0;
	if (!(word >> 16)) {
		free_pages_slow(page, 0); /* counts and reports the misuse */
		return false;
	}
	do {
		next = word - PAGE_ONE_REF;
		if (next >> 16 == 0)
			next = (next & PAGE_ORDER_MASK) | (next & PAGE_CLASS_MASK) |
			       PAGE_INFO(PAGE_FROZEN, 0);
		/* Acquire and release: see drop_shared(). */
	} while (word >> 16 && !__atomic_compare_exchange_n(&head->word, &word, next, false,
							    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return word >> 16 == 1;
}

int free_frozen_pages(struct page *page, unsigned int order)
{
	struct page *head = block_head_of(page);

	if (!head || head != page || page_state(head) != PAGE_FROZEN || page_order(head) != order) {
		if (head && page_allocated(head) && head->_refcount)
			return refuse(MISUSE_IN_USE, page_to_phys(page), order, 0,
				      __builtin_return_address(0));
		return free_pages_slow(page, order); /* refused there: nobody holds it */
	}
	head->word = PAGE_INFO(PAGE_ALLOC, order) | (head->info & PAGE_CLASS_MASK) | PAGE_ONE_REF;
	return free_block(head, order) ? 0 : -EALREADY;
}

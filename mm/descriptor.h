/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * descriptor.h: the first word of a page descriptor (quarry/page.h), made and read.
 */
#ifndef QUARRY_MM_DESCRIPTOR_H
#define QUARRY_MM_DESCRIPTOR_H

#include <quarry/page.h>
#include "compiler.h"

#define NIL32 ((uint32_t)0xffffffff)

#define PAGE_INFO(state, order)                               \
	((uint32_t)(((uint32_t)(state) << PAGE_STATE_SHIFT) | \
		    ((uint32_t)(order) << PAGE_ORDER_SHIFT)))
#define PAGE_FREE_WORD(order)	  PAGE_INFO(PAGE_FREE, order) /* the whole word: no class, no holders */
#define PAGE_RESERVED_WORD(order) PAGE_INFO(PAGE_RESERVED, order)
#define PAGE_BAD_WORD		  (PAGE_RESERVED_WORD(0) | 1U) /* reserved, and no boot memory */
#define PAGE_ONE_REF		  ((uint32_t)1 << 16)

static inline enum page_state page_state(const struct page *page)
{
	return (enum page_state)((page->info & PAGE_STATE_MASK) >> PAGE_STATE_SHIFT);
}

static inline unsigned int page_order(const struct page *page)
{
	return (page->info & PAGE_ORDER_MASK) >> PAGE_ORDER_SHIFT;
}

static inline bool page_allocated(const struct page *page)
{
	return page_state(page) == PAGE_ALLOC || page_state(page) == PAGE_COMPOUND ||
	       page_state(page) == PAGE_SLAB;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_ref.h: holders of an allocated block (Linux: linux/page_ref.h).
 *
 * A reference may be taken by a caller that has one, or that keeps the last holder from letting go
 * meanwhile by other means (interrupts masked on the holder's CPU, a lock): the hot free path does
 * not look for another CPU's get_page_unless_zero() in the same instant, nor for its free of the
 * same page.
 */
#ifndef QUARRY_PAGE_REF_H
#define QUARRY_PAGE_REF_H

#include <quarry/cdefs.h>
#include <quarry/page.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

/*
 * compound_head(), page_count() - the head of an allocated compound block, else page itself; its
 * holders.
 *
 * Context: any; the answer is of a moment.
 * Bound:   300 and a bisection of the spans.
 * Return:  a descriptor; a number, 0 where nobody holds it.
 * Source:  Linux include/linux/page-flags.h, page_ref.h.
 */
struct page *compound_head(struct page *page);
unsigned int page_count(const struct page *page);

/*
 * get_page(), get_page_unless_zero() - one holder more, of a compound block whichever page is
 * named.
 *
 * Context: any.
 * Bound:   300 and a bisection of the spans.
 * Return:  get_page(): panics if nobody holds it, or 65535 do; get_page_unless_zero(): false then.
 * Source:  Linux include/linux/mm.h.
 */
void get_page(struct page *page);
bool get_page_unless_zero(struct page *page);

/*
 * put_page() - one holder less, of a compound block whichever page is named; the last one frees the
 * block.
 *
 * Context: any.
 * Bound:   1000.
 * Return:  0; if nobody holds it, refused as __free_pages() (page_alloc.h).
 * Source:  Linux include/linux/mm.h.
 */
int put_page(struct page *page);

/*
 * put_page_testzero(), free_frozen_pages() - in two steps: the last reference freezes the block,
 * which has no holder then and is not free either, and free_frozen_pages() frees it.
 *
 * Context: any.
 * Bound:   1000.
 * Return:  true: it was the last. 0; refused: -EBUSY it has holders; else as __free_pages().
 * Source:  Linux include/linux/mm.h, mm/page_alloc.c.
 */
bool put_page_testzero(struct page *page);
int free_frozen_pages(struct page *page, unsigned int order);

MM_END_DECLS

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_ref.h: holders of an allocated block (Linux: linux/page_ref.h).
 *
 * A reference may be taken by who has one, or by who keeps the last holder from letting go meanwhile by
 * other means (interrupts masked on the holder's CPU, a lock): the hot free path does not look for
 * another CPU's get_page_unless_zero() in the same instant, nor for its free of the same page.
 */
#ifndef QUARRY_PAGE_REF_H
#define QUARRY_PAGE_REF_H

#include <quarry/page.h>
#include <quarry/types.h>

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

#endif

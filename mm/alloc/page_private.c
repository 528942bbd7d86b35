/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_private.c: a word of the owner's for each page, where CONFIG_PAGE_PRIVATE has it.
 */
#include "../state.h"

#if CONFIG_PAGE_PRIVATE

uintptr_t page_private(const struct page *page)
{
	return READ_ONCE(mm.page_private[page - mm.memmap]);
}

void set_page_private(struct page *page, uintptr_t word)
{
	WRITE_ONCE(mm.page_private[page - mm.memmap], word);
}

#endif

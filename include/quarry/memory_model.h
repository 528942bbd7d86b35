/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_model.h: a page's descriptor, frame number and addresses, each from the others (Linux:
 * asm-generic/memory_model.h).
 */
#ifndef QUARRY_MEMORY_MODEL_H
#define QUARRY_MEMORY_MODEL_H

#include <quarry/cdefs.h>
#include <quarry/page.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

/*
 * pfn_to_page(), phys_to_page(), virt_to_page(), pfn_valid() - the descriptor of a frame, a
 * physical address, a virtual one; is there one? Any address within the page will do.
 *
 * Context: any.
 * Bound:   60 + 10 log2(banks).
 * Return:  the descriptor, true; NULL, false: there is none.
 * Source:  Linux include/asm-generic/memory_model.h.
 */
struct page *pfn_to_page(pfn_t pfn);
struct page *phys_to_page(phys_addr_t addr);
struct page *virt_to_page(const void *addr);
bool pfn_valid(pfn_t pfn);

/*
 * page_to_pfn(), page_to_phys(), page_address() - the frame number and the addresses of a
 * descriptor.
 *
 * Context: any; page is a descriptor.
 * Bound:   60 + 10 log2(banks).
 * Return:  the frame number; bytes; a virtual address.
 * Source:  Linux include/asm-generic/memory_model.h.
 */
pfn_t page_to_pfn(const struct page *page);
phys_addr_t page_to_phys(const struct page *page);
void *page_address(const struct page *page);

#if CONFIG_PAGE_PRIVATE
/*
 * page_private(), set_page_private() - the word of the page's owner, of each page of a block. The
 * allocator neither reads nor writes it, at boot neither: it is what was written to it last, or
 * anything.
 *
 * Context: any; page is a descriptor.
 * Bound:   10.
 * Return:  the word.
 * Source:  Linux include/linux/mm.h.
 */
uintptr_t page_private(const struct page *page);
void set_page_private(struct page *page, uintptr_t word);
#endif

MM_END_DECLS

#endif

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

MM_END_DECLS

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_model.h: a page's descriptor, frame number and addresses, each from the others (Linux:
 * asm-generic/memory_model.h).
 */
#ifndef QUARRY_MEMORY_MODEL_H
#define QUARRY_MEMORY_MODEL_H

#include <quarry/page.h>
#include <quarry/types.h>

struct page *
pfn_to_page(pfn_t pfn); /* NULL if there is no descriptor for pfn; bound 60 + 8 log2(banks) */
pfn_t page_to_pfn(const struct page *page);
struct page *phys_to_page(phys_addr_t addr);
phys_addr_t page_to_phys(const struct page *page);
struct page *virt_to_page(const void *addr);
void *page_address(const struct page *page);
bool pfn_valid(pfn_t pfn);

#endif

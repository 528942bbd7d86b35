/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu_early.h: the identity map from the first C line until the map that the policy wants.
 *
 * ARM64 needs the MMU before anything else: without it memory is not cached, exclusives need not
 * work, and unaligned accesses fault. Nothing is known of memory then but that the image and the
 * device tree lie in it, so these two are mapped first, the console's UART when the tree has named
 * it, and all memory once the tree can be read.
 *
 * A CPU may read ahead from whatever is mapped as memory, and from what may be executed it may
 * fetch; where that is another's, as TrustZone's is, it may end in an SError. So every edge is cut
 * at a page: of the image, the tree, the banks and the no-map regions; and the image's text alone
 * may be executed. Entries only ever become valid, and none is changed.
 */
#ifndef BOOT_ARM64_MMU_EARLY_H
#define BOOT_ARM64_MMU_EARLY_H

#include <stdbool.h>

#include <quarry/types.h>

#include "boot/mmu/pgtable.h"

/*
 * mmu_early_init() - map the image and the tree at boot_info.fdt_phys, and switch MMU and caches
 * on.
 * Context: boot, first, with the MMU off. Uses no stack beyond the image's and nothing of the C
 * library.
 */
void mmu_early_init(void);

/*
 * mmu_early_map_device() - the page of addr as device memory; false if memory is mapped there or no
 * table left. Context: boot.
 */
bool mmu_early_map_device(phys_addr_t addr);

/*
 * mmu_early_map_memory() - the memory of the tree, but its no-map regions. Of a tree that is
 * refused nothing, and a line of log if there is no table left; says nothing else, because
 * boot_main() will. Context: boot.
 */
void mmu_early_map_memory(const void *fdt);

/* ---- for mmu_early.c: mmu_early_map.c -------------------------------------------------------- */

/*
 * mmu_early_map_image() - the image, and of the tree what says how large it is. The tables.
 * Context: that of mmu_early_init().
 */
const struct pgtable *mmu_early_map_image(void);

/* mmu_early_map_tree() - the rest of the tree, if it is one. Context: boot, MMU on. */
void mmu_early_map_tree(void);

#endif

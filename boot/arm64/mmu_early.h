/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu_early.h: the identity map from the first C line until the map that the policy wants.
 *
 * ARM64 needs the MMU before anything else: without it memory is not cached, exclusives need not
 * work, and unaligned accesses fault. Nothing is known of memory then but that the image and the
 * device tree lie in it, so these two are mapped first, the console's UART when the tree has named
 * it, and all memory once the tree's memory nodes can be read. Everything is 2 MiB blocks, or 1 GiB
 * where they fit; entries only ever become valid, and none is changed.
 */
#ifndef BOOT_ARM64_MMU_EARLY_H
#define BOOT_ARM64_MMU_EARLY_H

#include <stdbool.h>

#include <quarry/types.h>

/*
 * mmu_early_init() - map the image and the tree at boot_info.fdt_phys as memory, and switch MMU and
 * caches on.
 * Context: boot, first, with the MMU off. Uses no stack beyond the image's and nothing of the C
 * library.
 */
void mmu_early_init(void);

/*
 * mmu_early_map_device() - 2 MiB around addr as device memory; false if memory is mapped there or
 * no table left.
 */
bool mmu_early_map_device(phys_addr_t addr);

/*
 * mmu_early_map_memory() - all banks of the tree as memory, rounded outward to 2 MiB. Of a broken
 * tree whatever can be read; says nothing, because boot_main() will. Context: boot.
 */
void mmu_early_map_memory(const void *fdt);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_oracle.h: the memory map of a device tree by another reader: the distribution's libfdt, loaded beside the one that the
 * code under test is linked with, and walks over the tree that collect without sorting, clipping or limits.
 */
#ifndef QUARRY_FUZZ_FDT_ORACLE_H
#define QUARRY_FUZZ_FDT_ORACLE_H

#include <stddef.h>

/*
 * What of the map in memblock contradicts the tree, which was accepted; NULL: nothing does. Memory must be what a memory
 * node's ranges cover; memory that /memreserve/ or a child of /reserved-memory names must be reserved, or no-map.
 */
const char *fdt_oracle(const void *fdt, size_t size);

#endif

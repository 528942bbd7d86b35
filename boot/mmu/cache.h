/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache.h: making memory the same for the CPUs and for a device that does not look into their
 * caches.
 *
 * arm64 has instructions for it, by virtual address to the point of coherency (Arm ARM, D7.5.9).
 * RISC-V has them if the CPUs implement Zicbom and the firmware lets S-mode use them. Each call
 * ends with a barrier, so a write to a device's register that follows it comes after it.
 *
 * Context: any, after cache_line() has been called once in a thread. Cost: one instruction a
 * line, and a barrier.
 */
#ifndef BOOT_CACHE_H
#define BOOT_CACHE_H

#include <quarry/types.h>

/*
 * cache_line() - memory that a device writes must begin and end at multiples of this many bytes,
 * or the CPU's writes to what lies next to it are mixed with the device's. 0: there is no way to
 * maintain the caches; why says so in words then.
 */
unsigned int cache_line(const char **why);

/* cache_clean() - what the CPUs wrote is in memory: before a device reads it. */
void cache_clean(const void *start, size_t size);

/*
 * cache_flush() - the same, and no cache has a copy any more: before a device writes it, or
 * another mapping is used.
 */
void cache_flush(const void *start, size_t size);

/*
 * cache_invalidate() - copies are thrown away: after a device wrote it. Whole lines of
 * cache_line().
 */
void cache_invalidate(const void *start, size_t size);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crc32.h: the check sum that goes with whatever crosses the serial line, in either direction.
 */
#ifndef QUARRY_TEST_CRC32_H
#define QUARRY_TEST_CRC32_H

#include <stddef.h>
#include <stdint.h>

/*
 * crc32_update() - CRC-32 as zlib computes it, of what crc is the sum of followed by data; crc is 0
 * at the start.
 * Bound: 40 instructions a byte. Context: any.
 */
uint32_t crc32_update(uint32_t crc, const void *data, size_t size);

#endif

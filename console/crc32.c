// SPDX-License-Identifier: BSD-2-Clause
/*
 * crc32.c: polynomial 0xedb88320 (reflected), initial and final value ~0. Bit by bit: a table would
 * be larger than what it saves here.
 */
#include "console/crc32.h"

uint32_t crc32_update(uint32_t crc, const void *data, size_t size)
{
	const unsigned char *byte = data;

	crc = ~crc;
	while (size--) {
		crc ^= *byte++;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0xedb88320U & -(crc & 1));
	}
	return ~crc;
}

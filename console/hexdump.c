/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hexdump.c: what flash, disks and others hold.
 */
#include "console/hexdump.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#define BYTES_A_LINE 16

void hexdump(uint64_t offset, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size > 0) {
		size_t count = size < BYTES_A_LINE ? size : BYTES_A_LINE;

		printf("%08" PRIx64, offset);
		for (size_t i = 0; i < BYTES_A_LINE; i++)
			if (i < count)
				printf(" %02x", at[i]);
			else
				printf("   ");
		printf("  ");
		for (size_t i = 0; i < count; i++)
			putchar(isprint(at[i]) ? at[i] : '.');
		printf("\n");
		at += count;
		offset += count;
		size -= count;
	}
}

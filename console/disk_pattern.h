/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_pattern.h: what `disk fill` writes and `disk verify` expects: random-looking sectors, each
 * different from every other, that the host computes as well.
 *
 * With mix() the output function of SplitMix64, word j (64 bits, little endian) of sector s is
 * mix(mix(seed) + s) ^ mix(j). No sector needs another one.
 */
#ifndef CONSOLE_DISK_PATTERN_H
#define CONSOLE_DISK_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Where it was otherwise; start with zeros. */
struct disk_pattern_wrong {
	uint64_t sectors; /* how many */
	uint64_t sector;  /* the first of them */
	size_t byte;	  /* and the first byte in it */
};

/* data: whole sectors from `sector` on, size bytes. Any context. */
void disk_pattern_fill(uint64_t seed, uint64_t sector, void *data, size_t size);
void disk_pattern_check(uint64_t seed, uint64_t sector, const void *data, size_t size,
			struct disk_pattern_wrong *wrong);

#endif

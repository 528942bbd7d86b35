/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_pattern.c: see disk_pattern.h.
 */
#include "console/disk_pattern.h"

#include <string.h>

#include "drivers/virtio/virtio_blk.h"

#define WORDS (SECTOR_SIZE / sizeof(uint64_t))

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

void disk_pattern_fill(uint64_t seed, uint64_t sector, void *data, size_t size)
{
	uint64_t *word = data, column[WORDS];

	for (uint64_t j = 0; j < WORDS; j++)
		column[j] = mix(j);
	for (; size >= SECTOR_SIZE; size -= SECTOR_SIZE, sector++) {
		uint64_t row = mix(mix(seed) + sector);

		for (uint64_t j = 0; j < WORDS; j++)
			*word++ = row ^ column[j];
	}
}

void disk_pattern_check(uint64_t seed, uint64_t sector, const void *data, size_t size,
			struct disk_pattern_wrong *wrong)
{
	const unsigned char *got = data;
	uint64_t column[WORDS], expected[WORDS];

	for (uint64_t j = 0; j < WORDS; j++)
		column[j] = mix(j);
	for (; size >= SECTOR_SIZE; size -= SECTOR_SIZE, sector++, got += SECTOR_SIZE) {
		uint64_t row = mix(mix(seed) + sector);

		for (uint64_t j = 0; j < WORDS; j++)
			expected[j] = row ^ column[j];
		if (memcmp(got, expected, SECTOR_SIZE) == 0 || wrong->sectors++ > 0)
			continue;
		wrong->sector = sector;
		while (got[wrong->byte] == ((const unsigned char *)expected)[wrong->byte])
			wrong->byte++;
	}
}

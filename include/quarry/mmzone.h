/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmzone.h: which zones there are, and a zone's watermarks (Linux: linux/mmzone.h).
 */
#ifndef QUARRY_MMZONE_H
#define QUARRY_MMZONE_H

#include <quarry/types.h>

enum zone_type {
	ZONE_DMA32,
	ZONE_NORMAL,
	MAX_NR_ZONES,
};

struct mm_watermarks {
	uint64_t min, low, high; /* pages */
};

#endif

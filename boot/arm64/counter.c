/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counter.c: see counter.h. Each erratum has its own sign of a read that may be wrong; such a read
 * is repeated.
 */
#include "boot/arm64/counter.h"

#include <libfdt.h>

/*
 * A64: while lower bits carry into higher ones a read may have both from before and after, and be
 * off by any power of two. Nobody has published more; 9 bits of ones or of zeroes are near enough
 * to a carry, and last 1 in 256 ticks.
 */
#define A64_LOW	  0x1ffULL
#define A64_READS 150

/* A-008585: a read may be off for a moment; two that agree are right. */
#define A008585_READS 200

/* 858921: the upper half may be that of after a carry when the lower is that of before. */
#define A73_HALF (1ULL << 32)

enum counter_erratum counter_erratum(const void *fdt, const char **name)
{
	static const struct {
		const char *name;
		enum counter_erratum erratum;
	} known[] = {
		{"allwinner,erratum-unknown1", COUNTER_SUN50I_A64},
		{"fsl,erratum-a008585", COUNTER_FSL_A008585},
		{"arm,erratum-858921", COUNTER_ARM_858921},
	};
	static const char *const timers[] = {"arm,armv8-timer", "arm,armv7-timer"};

	for (unsigned int t = 0; t < 2; t++) {
		int node = fdt_node_offset_by_compatible(fdt, -1, timers[t]);

		for (unsigned int i = 0; node >= 0 && i < sizeof(known) / sizeof(known[0]); i++) {
			if (!fdt_getprop(fdt, node, known[i].name, NULL))
				continue;
			*name = known[i].name;
			return known[i].erratum;
		}
	}
	*name = NULL;
	return COUNTER_SOUND;
}

static uint64_t read_a64(uint64_t (*read)(void))
{
	uint64_t value = read();

	for (unsigned int reads = 1; ((value + 1) & A64_LOW) <= 1 && reads < A64_READS; reads++)
		value = read();
	return value;
}

static uint64_t read_a008585(uint64_t (*read)(void))
{
	uint64_t before = read(), value = read();

	for (unsigned int reads = 2; value != before && reads < A008585_READS; reads++) {
		before = value;
		value = read();
	}
	return value;
}

static uint64_t read_858921(uint64_t (*read)(void))
{
	uint64_t before = read(), value = read();

	return (before ^ value) & A73_HALF ? before : value;
}

uint64_t counter_read(enum counter_erratum erratum, uint64_t (*read)(void))
{
	switch (erratum) {
	case COUNTER_SUN50I_A64:
		return read_a64(read);
	case COUNTER_FSL_A008585:
		return read_a008585(read);
	case COUNTER_ARM_858921:
		return read_858921(read);
	default:
		return read();
	}
}

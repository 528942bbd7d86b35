/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counter.h: the generic timer's counter of SoCs whose reads are wrong at times, as the binding
 * timer/arm,arch_timer names them.
 */
#ifndef BOOT_ARM64_COUNTER_H
#define BOOT_ARM64_COUNTER_H

#include <quarry/types.h>

enum counter_erratum {
	COUNTER_SOUND,
	COUNTER_SUN50I_A64,  /* allwinner,erratum-unknown1 */
	COUNTER_FSL_A008585, /* fsl,erratum-a008585 */
	COUNTER_ARM_858921,  /* arm,erratum-858921: Cortex-A73 */
};

/*
 * counter_erratum() - what the tree's timer node says; *name is the property, NULL for none.
 * Context: any, with a tree that has been checked. Bound: linear in the tree.
 */
enum counter_erratum counter_erratum(const void *fdt, const char **name);

/* counter_read() - a value that is right, of a counter with the erratum. Bound: 200 reads. */
uint64_t counter_read(enum counter_erratum erratum, uint64_t (*read)(void));

#endif

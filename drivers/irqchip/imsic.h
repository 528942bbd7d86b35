/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * imsic.h: what an interrupt controller that sends messages to the harts' IMSICs asks.
 */
#ifndef DRIVERS_IMSIC_H
#define DRIVERS_IMSIC_H

#include <quarry/types.h>

/*
 * imsic_hart() - *index: how an APLIC's target names the boot hart (RISC-V AIA 1.0, 4.5.16, 4.9.1):
 * the group's number, then the hart's within the group. 0, or -ENXIO: no driver serves the node.
 */
int imsic_hart(int node, uint32_t *index);

#endif

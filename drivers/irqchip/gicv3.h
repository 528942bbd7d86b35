/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gicv3.h: what a GICv3's distributor and the rest of its driver know of each other.
 */
#ifndef DRIVERS_GICV3_H
#define DRIVERS_GICV3_H

#include "drivers/irqchip/gic.h"

#define GICD_IGRPMODR 0xd00   /* 1 bit an interrupt: 0 leaves the group to IGROUPR */
#define GICV3_POLLS   1000000 /* looks at a register that should be ready within microseconds */

/* gicv3_wait_clear() - until the bits of a register are clear. 0 or -ETIMEDOUT. Context: any. */
int gicv3_wait_clear(const char *reg, uint32_t bits);

/*
 * gicv3_dist_init() - the distributor routes by affinity and forwards group 1, which all shared interrupts are in, none
 * of them on. gic->dist is set. 0 or a negative errno: it forwards nothing. Context: thread.
 */
int gicv3_dist_init(struct device *dev, struct gic *gic);

/* gicv3_dist_quiet() - it forwards nothing from now on. 0, or -ETIMEDOUT: it has not said so. Context: thread. */
int gicv3_dist_quiet(const struct gic *gic);

#endif

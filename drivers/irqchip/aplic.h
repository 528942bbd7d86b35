/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aplic.h: what the two ways in which an APLIC's domain delivers its interrupts share.
 */
#ifndef DRIVERS_APLIC_H
#define DRIVERS_APLIC_H

#include "drivers/irqchip/irq.h"
#include "drivers/irqchip/riscv_ext.h"

#define APLIC_MAX_SOURCES	1023
#define APLIC_SM_LEVEL1		6  /* source modes from here on are level-sensitive (4.5.2) */
#define APLIC_TARGET_HART_SHIFT 18 /* 4.5.16 */

struct aplic;

struct aplic_source {
	irq_fn fn; /* NULL: nobody asked for it */
	void *arg;
	struct aplic *aplic;
	int msi;      /* delivered by messages: the IMSIC's number for it */
	uint8_t mode; /* source mode (4.5.2) */
};

/* device_priv() of a domain. */
struct aplic {
	struct riscv_ext ext;
	char *base;
	uint32_t nr_sources; /* the highest source */
	uint32_t nr_harts;   /* that it delivers to directly */
	uint32_t hart;	     /* the boot hart's index, as a target has it */
	bool polled;	     /* the hart is not the one that boots */
	bool msi;	     /* it delivers by messages */
	int imsic;	     /* to the IMSIC of this node */
	uint64_t spurious;   /* interrupts of a source that no driver had asked for */
	struct aplic_source *source;
};

/* aplic_level() - a source's wire is at the level that its mode waits for (4.5.7). Any context. */
bool aplic_level(const struct aplic *aplic, uint32_t source);

/*
 * aplic_msi_find() - the IMSIC that `msi-parent` names. -ENOENT: there is none, so the domain
 * delivers directly; -ENODEV: it is another mode's, or, after one line, has no driver.
 */
int aplic_msi_find(struct device *dev);

/*
 * aplic_msi_request() - source, whose handler is set, goes to the IMSIC's interrupt *target tells
 * of. 0 or the IMSIC's refusal. aplic_msi_free(): give that back.
 */
int aplic_msi_request(struct aplic *aplic, unsigned int source, uint32_t *target);
void aplic_msi_free(struct aplic *aplic, unsigned int source);

#endif

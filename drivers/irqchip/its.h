/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * its.h: what the parts of the ITS's driver share: its.c (commands, interrupts of devices) and
 * its_tables.c (the memory that the ITS and the redistributor are given). Sections are those of
 * the GIC architecture specification, IHI0069.
 */
#ifndef DRIVERS_ITS_H
#define DRIVERS_ITS_H

#include <assert.h>

#include "drivers/irqchip/gic.h"

/* Registers (12.19); the redistributor's (12.11). */
#define GITS_CTLR	  0x0000
#define GITS_TYPER	  0x0008
#define GITS_CBASER	  0x0080
#define GITS_CWRITER	  0x0088
#define GITS_CREADR	  0x0090
#define GITS_BASER(n)	  (0x0100 + 8UL * (n))
#define GITS_TRANSLATER	  0x10040
#define GITS_SIZE	  0x20000
#define GITS_CTLR_ENABLED 0x1
#define GITS_CTLR_QUIET	  0x80000000U
#define GITS_CREADR_STALL 1
#define GICR_CTLR	  0x0000
#define GICR_CTLR_LPIS	  0x1
#define GICR_CTLR_RWP	  0x8
#define GICR_TYPER	  0x0008
#define GICR_TYPER_PLPIS  0x1
#define GICR_PROPBASER	  0x0070
#define GICR_PENDBASER	  0x0078

#define ITS_DEVICES	  32 /* that may interrupt at once */
#define ITS_EVENTS	  4  /* of each */
#define ITS_EVENT_BITS	  2
#define ITS_LPIS	  (ITS_DEVICES * ITS_EVENTS)
#define ITS_ITT_SIZE	  256 /* the alignment, and room for entries of 32 bytes */
#define ITS_ID_BITS	  14  /* the least there may be: LPIs are 8192 to 16383 */
#define ITS_POLLS	  1000000

static_assert(ITS_EVENTS == 1 << ITS_EVENT_BITS, "of an event's number");
static_assert(GIC_FIRST_LPI + ITS_LPIS <= 1 << ITS_ID_BITS, "all have a byte in the table");

/*
 * One block of 64 KiB, and so aligned, as the queue must be (12.19.2). The ITS reads the queue and
 * has the tables of devices' events to itself; the redistributor reads the properties.
 */
struct its_shared {
	uint64_t command[128][4];
	uint8_t property[(1 << ITS_ID_BITS) - GIC_FIRST_LPI]; /* of LPI 8192 and so on (5.1.1) */
	uint8_t itt[ITS_DEVICES][ITS_ITT_SIZE];
};
#define ITS_BLOCK 0x10000
static_assert(sizeof(struct its_shared) <= ITS_BLOCK, "one block");
static_assert(offsetof(struct its_shared, property) % 4096 == 0 &&
		      offsetof(struct its_shared, itt) % ITS_ITT_SIZE == 0,
	      "GICR_PROPBASER and MAPD name addresses by these bits");

struct its_device {
	uint32_t id;
	uint32_t events; /* bit n: event n is in use; 0: the slot is free */
};

struct its_handler {
	irq_fn fn; /* NULL: nobody asked for it */
	void *arg;
};

/* device_priv() of an ITS. */
struct its {
	char *base;
	char *redist;	     /* of the boot CPU */
	uint64_t target;     /* the same, as commands name it */
	uint32_t nr_devices; /* ids below have an entry in the device table */
	uint32_t write;	     /* the next command's place in the queue */
	bool coherent;	     /* it looks into the CPUs' caches */
	bool low;	     /* it has 32 address lines */
	bool broken;	     /* a command was not executed: it is not asked again */
	uint64_t spurious;   /* interrupts that no driver had asked for */
	struct its_shared *shared;
	struct its_device device[ITS_DEVICES];
	struct its_handler handler[ITS_LPIS];
};

/*
 * its_start() - give the ITS and the boot CPU's redistributor their memory, and switch them on. 0;
 * -EOPNOTSUPP: they have no LPIs; -EBUSY after one line: LPIs are on and cannot be switched off;
 * -ENOMEM; -EINVAL: its tables cannot be where the memory is; -ETIMEDOUT. After an error both are
 * off.
 */
int its_start(struct device *dev);

/*
 * its_stop() - switch both off. What cannot be switched off keeps its memory: dma_device_lost().
 */
void its_stop(struct device *dev);

/* its_publish() - what was written to memory that the ITS reads is there. Any context. */
void its_publish(const struct its *its, const void *start, size_t size);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edu.h: QEMU's educational PCI device (docs/specs/edu): it inverts a number, computes factorials,
 * raises interrupts when told to, and copies between memory and a buffer of its own. It drives 28
 * address bits, or as many as QEMU is told (`-device edu,dma_mask=`), which it cannot say: the user
 * does, edu_set_mask().
 *
 * Context: thread, one caller at a time.
 */
#ifndef DRIVERS_EDU_H
#define DRIVERS_EDU_H

#include "drivers/base/driver.h"

/*
 * Bytes of the device's buffer; the last one is not used: QEMU 7.2 ends itself if a transfer
 * reaches it.
 */
#define EDU_BUFFER_SIZE	 4095
#define EDU_DEFAULT_BITS 28

struct edu_state {
	unsigned int mask_bits;
	bool reaches;	     /* memory that is within its mask exists: edu_set_mask() succeeded */
	bool stuck;	     /* a transfer has not ended: off the bus until it does */
	bool has_irq;	     /* else its registers are polled */
	uint64_t interrupts; /* since the device was bound */
	uint64_t transfers, timeouts;
	uint64_t timeout;     /* nanoseconds a transfer may take; 2 s at first */
	dma_addr_t last_addr; /* of memory, that the device was given last; 0: none yet */
};

/* The n-th edu device, NULL past the last. */
struct device *edu_device(unsigned int n);

const struct edu_state *edu_state(const struct device *dev);

/* edu_alive() - its id and its inverter are right. 0, or -ENXIO: nothing of the kind answers. */
int edu_alive(const struct device *dev);

/* edu_factorial() - n! modulo 2^32. 0; -EBUSY: the last one still runs; -ETIMEDOUT. Bound 2 s. */
int edu_factorial(struct device *dev, uint32_t n, uint32_t *result);

/*
 * edu_interrupt() - have it raise an interrupt with this cause, and wait for it. 0, -ENXIO,
 * -ETIMEDOUT.
 */
int edu_interrupt(struct device *dev, uint32_t cause);

/*
 * edu_set_mask() - the device drives `bits` address bits, 1 to 64. 0; -EINVAL; -EBUSY: it is stuck;
 * -EIO: no memory of this machine is within its reach; -ENOMEM. After -EIO and -ENOMEM every
 * transfer is refused.
 */
int edu_set_mask(struct device *dev, unsigned int bits);

void edu_set_timeout(struct device *dev, uint64_t ns);

/*
 * edu_transfer() - copy len bytes between buffer and the device's buffer from offset on:
 * DMA_TO_DEVICE or DMA_FROM_DEVICE. 0; -EINVAL: they are not within EDU_BUFFER_SIZE, or the
 * direction is neither; -EIO: the buffer is out of the device's reach, and nothing was started;
 * -EBUSY: an earlier transfer still runs; -ETIMEDOUT: this one does: the device has been cut off
 * from memory, so the buffer is the caller's again, its content undefined. 100 ms; bound: the
 * timeout.
 */
int edu_transfer(struct device *dev, void *buffer, size_t offset, size_t len,
		 enum dma_data_direction dir);

/* The device's DMA registers as they read: source, destination, count, command. */
void edu_dma_registers(const struct device *dev, uint64_t registers[4]);

#endif

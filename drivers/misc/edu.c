/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edu.c: QEMU's educational PCI device: see edu.h. Registers are those of QEMU's docs/specs/edu.
 *
 * A transfer that does not end in time is not waited for any longer, and cannot be stopped. So the
 * device is taken off the bus before the buffer goes back to its owner, and stays off until the
 * transfer ends.
 */
#include "drivers/misc/edu.h"

#include <errno.h>
#include <inttypes.h>
#include <quarry/port.h>
#include <string.h>

#include "drivers/base/io.h"
#include "drivers/pci/pci.h"
#include "drivers/timer/timer.h"

#define EDU_ID		    0x00
#define EDU_LIVENESS	    0x04
#define EDU_FACTORIAL	    0x08
#define EDU_STATUS	    0x20
#define EDU_IRQ_STATUS	    0x24
#define EDU_IRQ_RAISE	    0x60
#define EDU_IRQ_ACK	    0x64
#define EDU_DMA_SOURCE	    0x80 /* 64 bits each */
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT	    0x90
#define EDU_DMA_COMMAND	    0x98
#define EDU_REGISTERS_SIZE  0xa0

#define ID_MASK		    0xff0000ff /* major version, "edu" */
#define ID_VALUE	    0x010000ed
#define STATUS_COMPUTING    0x01
#define STATUS_IRQ	    0x80 /* raise an interrupt when a factorial is done */
#define COMMAND_RUN	    0x01
#define COMMAND_TO_MEMORY   0x02
#define COMMAND_IRQ	    0x04
#define IRQ_FACTORIAL	    0x001
#define IRQ_DMA		    0x100
#define BUFFER_ADDRESS	    0x40000    /* of the device's buffer, for the device */
#define GONE		    UINT32_MAX /* what a bus reads where no device answers */

#define TIMEOUT		    (2 * NSEC_PER_SEC)
#define POLLS		    100000000 /* instead, on a machine without a timer */

struct edu {
	struct edu_state state;
	char *regs;
	volatile uint32_t causes; /* of the interrupts since it was last set to 0 */
};

static struct edu *to_edu(const struct device *dev)
{
	return device_priv((struct device *)(uintptr_t)dev);
}

const struct edu_state *edu_state(const struct device *dev)
{
	return &to_edu(dev)->state;
}

static void on_interrupt(void *arg)
{
	struct edu *edu = arg;
	uint32_t causes = readl(edu->regs + EDU_IRQ_STATUS);

	if (causes == 0 || causes == GONE)
		return; /* another device's on the same line */
	writel(causes, edu->regs + EDU_IRQ_ACK);
	edu->causes |= causes;
	edu->state.interrupts++;
}

static bool computing(const struct edu *edu)
{
	return readl(edu->regs + EDU_STATUS) & STATUS_COMPUTING;
}

static bool transferring(const struct edu *edu)
{
	return readq(edu->regs + EDU_DMA_COMMAND) & COMMAND_RUN;
}

/* What wait_for() waits for; the argument of done(). */
struct wait {
	const struct edu *edu;
	uint32_t cause;
	bool (*busy)(const struct edu *edu);
};

/*
 * The interrupt of an earlier transfer that was given up may come late: the device has the last
 * word.
 */
static bool done(void *arg)
{
	const struct wait *wait = arg;

	return wait->edu->causes & wait->cause && !wait->busy(wait->edu);
}

/*
 * Wait for the interrupt with this cause, or without interrupts for the device to be idle. 0 or
 * -ETIMEDOUT.
 */
static int wait_for(const struct edu *edu, uint32_t cause, bool (*busy)(const struct edu *edu),
		    uint64_t timeout)
{
	struct wait wait = {.edu = edu, .cause = cause, .busy = busy};
	uint64_t deadline = timer_now() + timeout;

	if (edu->state.has_irq)
		timer_wait(timeout, done, &wait);
	else
		for (uint32_t polls = 0; busy(edu) && polls < POLLS; polls++)
			if (timer_hz() && timer_now() >= deadline)
				break;
	return busy(edu) ? -ETIMEDOUT : 0;
}

int edu_alive(const struct device *dev)
{
	char *regs = to_edu(dev)->regs;

	if ((readl(regs + EDU_ID) & ID_MASK) != ID_VALUE)
		return -ENXIO;
	for (uint32_t value = 0x12345678; value; value <<= 4) {
		writel(value, regs + EDU_LIVENESS);
		if (readl(regs + EDU_LIVENESS) != ~value)
			return -ENXIO;
	}
	return 0;
}

int edu_factorial(struct device *dev, uint32_t n, uint32_t *result)
{
	struct edu *edu = to_edu(dev);
	int error;

	if (computing(edu))
		return -EBUSY;
	edu->causes = 0;
	writel(edu->state.has_irq ? STATUS_IRQ : 0, edu->regs + EDU_STATUS);
	writel(n, edu->regs + EDU_FACTORIAL);
	error = wait_for(edu, IRQ_FACTORIAL, computing, TIMEOUT);
	if (!error)
		*result = readl(edu->regs + EDU_FACTORIAL);
	return error;
}

static bool pending(const struct edu *edu)
{
	return readl(edu->regs + EDU_IRQ_STATUS) != 0;
}

int edu_interrupt(struct device *dev, uint32_t cause)
{
	struct edu *edu = to_edu(dev);
	int error;

	if (!edu->state.has_irq)
		return -ENXIO;
	edu->causes = 0;
	writel(cause, edu->regs + EDU_IRQ_RAISE);
	error = wait_for(edu, cause, pending, TIMEOUT);
	return error || edu->causes != cause ? -ETIMEDOUT : 0;
}

/* A transfer that was given up has ended, so the device may be let onto the bus again. */
static bool unstick(const struct device *dev)
{
	struct edu *edu = to_edu(dev);

	if (edu->state.stuck && !transferring(edu)) {
		edu->state.stuck = false;
		if (edu->state.reaches)
			pci_set_master(to_pci_dev(dev));
	}
	return !edu->state.stuck;
}

int edu_set_mask(struct device *dev, unsigned int bits)
{
	struct edu *edu = to_edu(dev);
	dma_addr_t handle;
	void *page;
	int error;

	if (bits < 1 || bits > 64)
		return -EINVAL;
	if (!unstick(dev))
		return -EBUSY;
	pci_clear_master(to_pci_dev(dev));
	edu->state.reaches = false;
	edu->state.mask_bits = bits;
	error = dma_set_mask(dev, DMA_BIT_MASK(bits));
	if (error) {
		dev->dma.mask = DMA_BIT_MASK(bits); /* it drives no others: nothing can be mapped */
		return error;
	}
	/*
	 * there is memory to be had within reach, and room for the record of a mapping from now on
	 */
	page = dma_alloc_coherent(dev, PAGE_SIZE, &handle, GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	dma_free_coherent(dev, PAGE_SIZE, page, handle);
	edu->state.reaches = true;
	pci_set_master(to_pci_dev(dev));
	return 0;
}

void edu_set_timeout(struct device *dev, uint64_t ns)
{
	to_edu(dev)->state.timeout = ns;
}

static void start(struct edu *edu, uint64_t from, uint64_t to, size_t len, uint64_t command)
{
	edu->causes = 0;
	writeq(from, edu->regs + EDU_DMA_SOURCE);
	writeq(to, edu->regs + EDU_DMA_DESTINATION);
	writeq(len, edu->regs + EDU_DMA_COUNT);
	writeq(command | COMMAND_RUN | (edu->state.has_irq ? COMMAND_IRQ : 0),
	       edu->regs + EDU_DMA_COMMAND);
}

int edu_transfer(struct device *dev, void *buffer, size_t offset, size_t len,
		 enum dma_data_direction dir)
{
	struct edu *edu = to_edu(dev);
	dma_addr_t handle;
	int error;

	if (len == 0 || len > EDU_BUFFER_SIZE || offset > EDU_BUFFER_SIZE - len ||
	    (dir != DMA_TO_DEVICE && dir != DMA_FROM_DEVICE))
		return -EINVAL;
	if (!unstick(dev))
		return -EBUSY;
	if (!edu->state.reaches)
		return -EIO;
	handle = dma_map_single(dev, buffer, len, dir);
	if (dma_mapping_error(dev, handle))
		return -EIO;
	edu->state.last_addr = handle;
	edu->state.transfers++;
	if (dir == DMA_TO_DEVICE)
		start(edu, handle, BUFFER_ADDRESS + offset, len, 0);
	else
		start(edu, BUFFER_ADDRESS + offset, handle, len, COMMAND_TO_MEMORY);
	error = wait_for(edu, IRQ_DMA, transferring, edu->state.timeout);
	if (error) {
		pci_clear_master(to_pci_dev(dev));
		edu->state.stuck = true;
		edu->state.timeouts++;
		device_log(dev, "a transfer does not end: cut off from memory until it does");
	}
	dma_unmap_single(dev, handle, len, dir);
	return error;
}

void edu_dma_registers(const struct device *dev, uint64_t registers[4])
{
	for (unsigned int i = 0; i < 4; i++)
		registers[i] = readq(to_edu(dev)->regs + EDU_DMA_SOURCE + 8UL * i);
}

static int edu_probe(struct device *dev)
{
	struct edu *edu = device_priv(dev);
	struct pci_dev *pdev = to_pci_dev(dev);
	int error = pci_enable_device(pdev);

	if (error)
		return error;
	edu->regs = pci_iomap(dev, 0, EDU_REGISTERS_SIZE);
	if (!edu->regs)
		return -ENXIO;
	error = edu_alive(dev);
	if (error) {
		device_log(dev, "the id register reads %#" PRIx32, readl(edu->regs + EDU_ID));
		return error;
	}
	/* what an earlier user may have left */
	edu->state.stuck = transferring(edu);
	edu->state.timeout = TIMEOUT;
	writel(0, edu->regs + EDU_STATUS);
	writel(UINT32_MAX, edu->regs + EDU_IRQ_ACK);
	error = pci_request_irq(pdev, on_interrupt, edu);
	edu->state.has_irq = error >= 0;
	if (error >= 0) {
		dev->irq = (uint32_t)error;
	} else {
		device_log(dev, "no interrupt (%s): polling", strerror(-error));
		dev->irq_note = irq_reason(error);
	}
	edu->state.mask_bits = EDU_DEFAULT_BITS;
	/* it is of use even if it reaches no memory, and the user may know that it reaches more */
	edu_set_mask(dev, EDU_DEFAULT_BITS);
	return 0;
}

static void edu_remove(struct device *dev)
{
	struct edu *edu = device_priv(dev);

	/* the PCI layer stops bus mastering and the interrupt */
	writel(0, edu->regs + EDU_STATUS);
}

struct device *edu_device(unsigned int n)
{
	struct device *dev = device_first();

	while (dev && (dev->driver->probe != edu_probe || n-- > 0))
		dev = dev->next;
	return dev;
}

static const char *const edu_compatible[] = {"pci1234,11e8", NULL};

DRIVER(edu, "edu", DRIVER_ON_BUS, edu_compatible, edu_probe, edu_remove, sizeof(struct edu));

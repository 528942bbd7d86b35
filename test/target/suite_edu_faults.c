// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_edu_faults.c: a device that misbehaves: a transfer that does not end, a device that does not answer, one that is
 * removed in the middle, and an interrupt that does not go away. None costs memory, or more than the time it was given.
 */
#include "edu_test.h"

#include <errno.h>

#include "drivers/base/io.h"
#include "drivers/timer/timer.h"
#include "ktap.h"

/*
 * Wait until the transfer that was given up has ended in the device, which takes it 100 ms. Looks are counted, not
 * seconds: a machine that its host does not run gets no nearer to the end.
 */
static void wait_idle(const struct device *dev)
{
	uint64_t registers[4];
	unsigned int looks = 0;

	do {
		timer_sleep(10 * NSEC_PER_MSEC);
		edu_dma_registers(dev, registers);
	} while (registers[3] & 1 && ++looks < 2000);
	EXPECT_EQ(0, registers[3] & 1);
}

/*
 * Start a transfer into block that is given up long before it ends. A machine that stands still for 100 ms may see
 * it end in time: then once more.
 */
static bool give_up(struct device *dev, unsigned char *block)
{
	uint64_t timeout = edu_state(dev)->timeout;
	int error = 0;

	edu_set_timeout(dev, NSEC_PER_MSEC);
	for (int i = 0; error == 0 && i < 20; i++) {
		edu_test_fill(block, 99);
		error = edu_transfer(dev, block, 0, 1000, DMA_FROM_DEVICE);
	}
	edu_set_timeout(dev, timeout);
	return EXPECT_EQ(-ETIMEDOUT, error);
}

static void timeout(void)
{
	struct device *dev = edu_test_find_dma();
	unsigned char *block, *other;
	int error;

	if (!dev)
		return;
	block = edu_test_get_near();
	other = edu_test_get_near();
	edu_test_fill(other, 1);
	EXPECT_EQ(0, edu_transfer(dev, other, 0, 1000, DMA_TO_DEVICE));
	if (give_up(dev, block)) {
		EXPECT_EQ(0, edu_test_command(to_pci_dev(dev)) & PCI_COMMAND_MASTER);
		EXPECT(edu_state(dev)->stuck);
		EXPECT_EQ(0, dev->dma.mapped_bytes);
		error = edu_transfer(dev, other, 0, 1000, DMA_TO_DEVICE);
		EXPECT(error == -EBUSY || error == 0); /* 0: it has ended in the meantime */
		wait_idle(dev);
		/* the block was ours again, and the device did not write into it */
		EXPECT_EQ(0, edu_test_wrong(block, 99, 0, BLOCK_SIZE));
		edu_test_there_and_back(dev, block, other, 500);
		EXPECT(!edu_state(dev)->stuck);
	}
	edu_test_put(block);
	edu_test_put(other);
}

/* The device stops decoding its addresses, as if it had been pulled out: all reads give ones. */
static void gone(void)
{
	struct device *dev = edu_test_find_dma();
	uint64_t timeout_before, timeouts;
	struct pci_dev *pdev;
	unsigned char *block;
	uint16_t command;
	uint32_t result;

	if (!dev)
		return;
	pdev = to_pci_dev(dev);
	timeout_before = edu_state(dev)->timeout;
	block = edu_test_get_near();
	edu_test_fill(block, 5);
	command = edu_test_command(pdev);
	writew(command & (uint16_t)~PCI_COMMAND_MEMORY, pdev->config + PCI_COMMAND);
	edu_set_timeout(dev, 20 * NSEC_PER_MSEC);
	timeouts = edu_state(dev)->timeouts;
	EXPECT_EQ(-ENXIO, edu_alive(dev));
	EXPECT_EQ(-EBUSY, edu_factorial(dev, 3, &result));
	EXPECT_EQ(-ETIMEDOUT, edu_transfer(dev, block, 0, 100, DMA_FROM_DEVICE));
	EXPECT_EQ(-EBUSY, edu_transfer(dev, block, 0, 100, DMA_FROM_DEVICE));
	EXPECT_EQ(-EBUSY, edu_set_mask(dev, 32));
	/* one call waited, and as long as it may */
	EXPECT_EQ(timeouts + 1, edu_state(dev)->timeouts);
	EXPECT_EQ(0, edu_test_wrong(block, 5, 0, BLOCK_SIZE));
	EXPECT_EQ(0, dev->dma.mapped_bytes);
	edu_set_timeout(dev, timeout_before);
	writew(command, pdev->config + PCI_COMMAND);
	EXPECT_EQ(0, edu_alive(dev));
	EXPECT_EQ(0, edu_transfer(dev, block, 0, 100, DMA_TO_DEVICE));
	edu_test_put(block);
}

/* Bind it again, with the mask it had. */
static void rebind(struct pci_dev *pdev, unsigned int bits, bool reached)
{
	test_blocks_move();
	EXPECT_EQ(0, pci_bind(pdev));
	EXPECT_EQ(-EBUSY, pci_bind(pdev));
	if (!EXPECT(pdev->dev != NULL))
		return;
	wait_idle(pdev->dev);
	EXPECT_EQ(reached, edu_set_mask(pdev->dev, bits) == 0);
}

static void expect_off(const struct pci_dev *pdev)
{
	EXPECT(pdev->dev == NULL);
	EXPECT_EQ(PCI_COMMAND_INTX_DISABLE,
		  edu_test_command(pdev) &
			  (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE));
	for (const struct pci_dev *bridge = pdev->bridge; bridge; bridge = bridge->bridge)
		if (bridge->users == 0)
			EXPECT_EQ(0, edu_test_command(bridge) &
					     (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
}

/* Removed while a transfer runs: it reaches memory no more, and can be bound again. */
static void removed(void)
{
	struct device *dev = edu_test_find_dma();
	struct pci_dev *pdev;
	unsigned char *block;
	unsigned int bits;

	if (!dev)
		return;
	pdev = to_pci_dev(dev);
	bits = edu_state(dev)->mask_bits;
	block = edu_test_get_near();
	if (give_up(dev, block)) {
		device_remove(dev);
		expect_off(pdev);
		rebind(pdev, bits, true);
		EXPECT_EQ(0, edu_test_wrong(block, 99, 0, BLOCK_SIZE));
		if (pdev->dev)
			EXPECT_EQ(0, edu_transfer(pdev->dev, block, 0, 100, DMA_TO_DEVICE));
	}
	edu_test_put(block);
}

static volatile unsigned long calls;

static void ignore(void *arg)
{
	(void)arg;
	calls++;
}

#define EDU_IRQ_RAISE 0x60
#define EDU_IRQ_ACK   0x64

/* A driver that cannot make its device stop asking for an interrupt does not stop the machine. */
static void interrupt_for_ever(void)
{
	struct device *dev = edu_test_find();
	uint64_t deadline = timer_now() + 20 * NSEC_PER_SEC;
	struct pci_dev *pdev;
	unsigned int bits;
	bool reached;
	char *regs;

	if (!dev)
		return;
	if (!edu_state(dev)->has_irq) {
		test_skip(dev->irq_note ? dev->irq_note : "the edu device has no interrupt");
		return;
	}
	pdev = to_pci_dev(dev);
	bits = edu_state(dev)->mask_bits;
	reached = edu_state(dev)->reaches;
	device_remove(dev);
	expect_off(pdev);
	regs = phys_to_virt(pdev->bar[0].cpu);
	calls = 0;
	EXPECT_EQ(0, pci_enable_device(pdev));
	EXPECT(pci_request_irq(pdev, ignore, NULL) >= 0);
	EXPECT_EQ(-EBUSY, pci_request_irq(pdev, ignore, NULL));
	writel(1, regs + EDU_IRQ_RAISE);
	while (!(edu_test_command(pdev) & PCI_COMMAND_INTX_DISABLE) && timer_now() < deadline)
		port_relax();
	timer_sleep(NSEC_PER_MSEC);
	EXPECT_EQ(PCI_IRQ_STUCK, calls);
	writel(1, regs + EDU_IRQ_ACK);
	pci_free_irq(pdev);
	pci_disable_device(pdev);
	expect_off(pdev);
	rebind(pdev, bits, reached);
	if (pdev->dev)
		EXPECT_EQ(0, edu_interrupt(pdev->dev, 2));
}

TEST_CASE(edu, timeout, timeout);
TEST_CASE(edu, gone, gone);
TEST_CASE(edu, removed, removed);
TEST_CASE(edu, interrupt_for_ever, interrupt_for_ever);

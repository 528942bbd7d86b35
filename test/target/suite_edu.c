// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_edu.c: a device that reads and writes memory itself, QEMU's edu: what it copies arrives and nothing else
 * changes, whether it reaches the buffer or not; and what it may not reach it is never told.
 *
 * The mask is the one that the user has set (`edu mask`), as the device cannot say what it drives.
 */
#include "edu_test.h"

#include <errno.h>
#include <string.h>

#include "drivers/base/io.h"
#include "ktap.h"

static void there_and_back_all(struct device *dev, unsigned char *from, unsigned char *to)
{
	static const size_t sizes[] = {1, 8, 1000, EDU_BUFFER_SIZE};
	uint64_t interrupts = edu_state(dev)->interrupts;
	unsigned int count = sizeof(sizes) / sizeof(sizes[0]);

	for (unsigned int i = 0; i < count; i++)
		edu_test_there_and_back(dev, from, to, sizes[i]);
	if (edu_state(dev)->has_irq)
		EXPECT_EQ(interrupts + 2UL * count, edu_state(dev)->interrupts);
}

static void answers(void)
{
	struct device *dev = edu_test_find();
	uint32_t result = 0;

	if (!dev)
		return;
	EXPECT_EQ(0, edu_alive(dev));
	EXPECT_EQ(0, edu_factorial(dev, 10, &result));
	EXPECT_EQ(3628800, result);
	EXPECT_EQ(0, edu_factorial(dev, 0, &result));
	EXPECT_EQ(1, result);
	EXPECT_EQ(0, edu_factorial(dev, 13, &result));
	EXPECT_EQ((uint32_t)6227020800U, result);
}

/* Each device's interrupts reach its own driver, whoever shares the wire. */
static void interrupts(void)
{
	struct device *dev = edu_test_find(), *other;
	unsigned int devices = 0;

	for (; dev && edu_state(dev)->has_irq; dev = edu_device(++devices)) {
		uint64_t all = 0, own = edu_state(dev)->interrupts;

		for (unsigned int i = 0; (other = edu_device(i)); i++)
			all += edu_state(other)->interrupts;
		for (uint32_t cause = 1; cause; cause <<= 1)
			EXPECT_EQ(0, edu_interrupt(dev, cause));
		EXPECT_EQ(own + 32, edu_state(dev)->interrupts);
		for (unsigned int i = 0; (other = edu_device(i)); i++)
			all -= edu_state(other)->interrupts;
		EXPECT_EQ(0, all + 32);
	}
	if (dev)
		test_skip(dev->irq_note ? dev->irq_note : "the edu device has no interrupt");
}

/* The device does not drive all of the block's addresses, which on a bus without windows are the CPU's. */
static bool is_far(const struct device *dev, const unsigned char *block)
{
	phys_addr_t last = virt_to_phys(block) + BLOCK_SIZE - 1;

	return dev->dma.nr_windows ? !dma_capable(dev, virt_to_phys(block), BLOCK_SIZE, NULL)
				   : last > DMA_BIT_MASK(edu_state(dev)->mask_bits);
}

static void dma32(void)
{
	struct device *dev = edu_test_find_dma();
	unsigned char *from, *to;
	uint64_t bounced;

	if (!dev)
		return;
	from = edu_test_get_near();
	to = edu_test_get_near();
	bounced = dev->dma.bounced;
	there_and_back_all(dev, from, to);
	/* in place, if the device sees what the CPU has in its caches */
	if (dev->dma.coherent && !is_far(dev, from) && !is_far(dev, to))
		EXPECT_EQ(bounced, dev->dma.bounced);
	edu_test_put(from);
	edu_test_put(to);
}

/* A block out of the device's reach; NULL if there is none, and the case is skipped. */
static unsigned char *get_far_block(struct device *dev)
{
	unsigned char *block = edu_test_get(GFP_KERNEL);

	if (block && is_far(dev, block))
		return block;
	if (block)
		edu_test_put(block);
	test_skip("this machine has no memory out of the edu device's reach");
	return NULL;
}

static void bounced(void)
{
	struct device *dev = edu_test_find_dma();
	unsigned char *from = dev ? get_far_block(dev) : NULL, *to;
	uint64_t before;

	if (!from)
		return;
	to = get_far_block(dev);
	if (!EXPECT(to != NULL)) {
		edu_test_put(from);
		return;
	}
	before = dev->dma.bounced;
	there_and_back_all(dev, from, to);
	EXPECT_EQ(before + 8, dev->dma.bounced);
	edu_test_put(from);
	edu_test_put(to);
}

/* Neither direction is started, nothing is mapped, the device has not been told a thing. */
static void expect_refused(struct device *dev, unsigned char *block)
{
	uint64_t before[4], after[4], transfers = edu_state(dev)->transfers;

	edu_test_fill(block, 4711);
	edu_dma_registers(dev, before);
	EXPECT_EQ(-EIO, edu_transfer(dev, block + 100, 0, 1000, DMA_TO_DEVICE));
	EXPECT_EQ(-EIO, edu_transfer(dev, block + 100, 0, 1000, DMA_FROM_DEVICE));
	edu_dma_registers(dev, after);
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
	EXPECT_EQ(transfers, edu_state(dev)->transfers);
	EXPECT_EQ(0, edu_test_wrong(block, 4711, 0, BLOCK_SIZE));
	EXPECT_EQ(0, dev->dma.mapped_bytes);
	EXPECT_EQ(0, dev->dma.bounce_bytes);
}

static void refused(void)
{
	struct device *dev = edu_test_find_dma();
	unsigned char *block = dev ? get_far_block(dev) : NULL;
	bool bounce = dma_bounce;

	if (!block)
		return;
	dma_bounce = false;
	expect_refused(dev, block);
	dma_bounce = bounce;
	edu_test_put(block);
}

/* The 28 bits that the hardware drives unless told otherwise: on the virt boards no memory is below 256 MiB. */
static void out_of_reach(void)
{
	struct device *dev = edu_test_find();
	unsigned int bits;
	bool reached;
	unsigned char *near_block, *far_block;

	if (!dev)
		return;
	bits = edu_state(dev)->mask_bits;
	reached = edu_state(dev)->reaches;
	if (edu_set_mask(dev, EDU_DEFAULT_BITS) == 0) {
		EXPECT_EQ(DMA_BIT_MASK(EDU_DEFAULT_BITS), dev->dma.mask);
		EXPECT_EQ(0, edu_set_mask(dev, bits));
		test_skip("this machine has memory that 28 address bits reach");
		return;
	}
	EXPECT(!edu_state(dev)->reaches);
	EXPECT_EQ(DMA_BIT_MASK(EDU_DEFAULT_BITS), dev->dma.mask);
	EXPECT_EQ(0, edu_test_command(to_pci_dev(dev)) & PCI_COMMAND_MASTER);
	near_block = edu_test_get_near();
	far_block = edu_test_get(GFP_KERNEL);
	expect_refused(dev, near_block);
	expect_refused(dev, far_block);
	edu_test_put(near_block);
	edu_test_put(far_block);
	EXPECT_EQ(reached, edu_set_mask(dev, bits) == 0);
}

static void limits(void)
{
	static const struct {
		size_t offset, len;
	} wrong[] = {
		{0, 0},
		{0, EDU_BUFFER_SIZE + 1},
		{1, EDU_BUFFER_SIZE},
		{EDU_BUFFER_SIZE, 1},
		{SIZE_MAX, 2},
		{2, SIZE_MAX},
	};
	struct device *dev = edu_test_find();
	uint64_t before[4], after[4];
	static unsigned char byte;

	if (!dev)
		return;
	edu_dma_registers(dev, before);
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		EXPECT_EQ(-EINVAL,
			  edu_transfer(dev, &byte, wrong[i].offset, wrong[i].len, DMA_TO_DEVICE));
	EXPECT_EQ(-EINVAL, edu_transfer(dev, &byte, 0, 1, DMA_BIDIRECTIONAL));
	EXPECT_EQ(-EINVAL, edu_set_mask(dev, 0));
	EXPECT_EQ(-EINVAL, edu_set_mask(dev, 65));
	edu_dma_registers(dev, after);
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
}

TEST_CASE(edu, answers, answers);
TEST_CASE(edu, interrupts, interrupts);
TEST_CASE(edu, dma32, dma32);
TEST_CASE(edu, bounced, bounced);
TEST_CASE(edu, refused, refused);
TEST_CASE(edu, out_of_reach, out_of_reach);
TEST_CASE(edu, limits, limits);

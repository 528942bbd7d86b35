// SPDX-License-Identifier: BSD-2-Clause
/*
 * edu_test.c: what the cases of suite edu share: see edu_test.h.
 */
#include "edu_test.h"

#include <string.h>

#include "drivers/base/io.h"
#include "ktap.h"
#include "pool.h"

#define NORMAL_BITS 33 /* address bits of the lowest page of Normal, on a board without DMA32 */

struct device *edu_test_find(void)
{
	struct device *dev = edu_device(0);

	if (!dev)
		test_skip("no edu device");
	return dev;
}

/* The device, if it reaches any memory. */
struct device *edu_test_find_dma(void)
{
	struct device *dev = edu_test_find();

	if (dev && !edu_state(dev)->reaches) {
		test_skip("the edu device reaches no memory; see `edu mask`");
		return NULL;
	}
	/* a device of 32 bits on a board whose memory below 4 GiB is all reserved */
	if (dev && !managed_pages_of(ZONE_DMA32) && edu_state(dev)->mask_bits < NORMAL_BITS) {
		test_skip("the edu device reaches no memory that can be allocated");
		return NULL;
	}
	return dev;
}

uint16_t edu_test_command(const struct pci_dev *pdev)
{
	return readw(pdev->config + PCI_COMMAND);
}

unsigned char *edu_test_get(gfp_t gfp)
{
	unsigned char *block = (unsigned char *)__get_free_pages(gfp, BLOCK_ORDER);

	EXPECT(block != NULL);
	return block;
}

unsigned char *edu_test_get_near(void)
{
	return edu_test_get(managed_pages_of(ZONE_DMA32) ? GFP_DMA32 : GFP_KERNEL);
}

void edu_test_put(unsigned char *block)
{
	EXPECT_EQ(0, free_pages((unsigned long)block, BLOCK_ORDER));
}

/* A block whose content depends on seed only; edu_test_wrong() counts bytes of [from, to) that differ. */
void edu_test_fill(unsigned char *block, uint64_t seed)
{
	struct prng prng = {PRNG_SEED + seed};

	for (size_t i = 0; i < BLOCK_SIZE; i++)
		block[i] = (unsigned char)(prng_next(&prng) >> 24);
}

unsigned long edu_test_wrong(const unsigned char *block, uint64_t seed, size_t from, size_t to)
{
	struct prng prng = {PRNG_SEED + seed};
	unsigned long wrong = 0;

	for (size_t i = 0; i < BLOCK_SIZE; i++) {
		unsigned char byte = (unsigned char)(prng_next(&prng) >> 24);

		wrong += i >= from && i < to && block[i] != byte;
	}
	return wrong;
}

/* The device was given addresses that it drives. */
static void expect_in_reach(const struct device *dev, size_t len)
{
	const struct edu_state *state = edu_state(dev);

	EXPECT_LE(DMA_BIT_MASK(state->mask_bits), state->last_addr + len - 1);
	EXPECT_EQ(0, dev->dma.mapped_bytes);
	EXPECT_EQ(0, dev->dma.bounce_bytes);
}

/* len bytes from one block to the device and into another block, at odd places. */
void edu_test_there_and_back(struct device *dev, unsigned char *from, unsigned char *to, size_t len)
{
	size_t at_from = len % 61 + 3, at_to = BLOCK_SIZE - len - 5, at_edu = EDU_BUFFER_SIZE - len;

	edu_test_fill(from, len);
	edu_test_fill(to, ~len);
	EXPECT_EQ(0, edu_transfer(dev, from + at_from, at_edu, len, DMA_TO_DEVICE));
	expect_in_reach(dev, len);
	EXPECT_EQ(0, edu_transfer(dev, to + at_to, at_edu, len, DMA_FROM_DEVICE));
	expect_in_reach(dev, len);
	EXPECT_EQ(0, memcmp(from + at_from, to + at_to, len));
	EXPECT_EQ(0, edu_test_wrong(from, len, 0, BLOCK_SIZE));
	EXPECT_EQ(0, edu_test_wrong(to, ~len, 0, at_to));
	EXPECT_EQ(0, edu_test_wrong(to, ~len, at_to + len, BLOCK_SIZE));
}

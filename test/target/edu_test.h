/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edu_test.h: what the cases of suite edu share: the device, blocks of known content, one copy there and back.
 */
#ifndef QUARRY_TEST_EDU_TEST_H
#define QUARRY_TEST_EDU_TEST_H

#include <quarry/mm.h>

#include "drivers/misc/edu.h"
#include "drivers/pci/pci.h"

#define BLOCK_ORDER 1
#define BLOCK_SIZE  (PAGE_SIZE << BLOCK_ORDER)

/* The first edu device, and the same if it reaches any memory; NULL: the case is skipped. */
struct device *edu_test_find(void);
struct device *edu_test_find_dma(void);

/* The function's command register. */
uint16_t edu_test_command(const struct pci_dev *pdev);

/* A block of BLOCK_SIZE bytes; NULL has been asserted. */
unsigned char *edu_test_get(gfp_t gfp);
unsigned char *edu_test_get_near(void); /* from the lowest zone that has memory */
void edu_test_put(unsigned char *block);

/* Give a block content that depends on seed only; the number of bytes of [from, to) that differ from that. */
void edu_test_fill(unsigned char *block, uint64_t seed);
unsigned long edu_test_wrong(const unsigned char *block, uint64_t seed, size_t from, size_t to);

/* len bytes from one block to the device and into another block, at odd places; nothing else changes. */
void edu_test_there_and_back(struct device *dev, unsigned char *from, unsigned char *to,
			     size_t len);

#endif

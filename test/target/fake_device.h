/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_device.h: a device for tests of the DMA layer: no hardware and no driver, but a mask and
 * windows that a case sets as it likes.
 */
#ifndef QUARRY_TEST_FAKE_DEVICE_H
#define QUARRY_TEST_FAKE_DEVICE_H

#include "drivers/base/driver.h"

/*
 * A coherent device that reaches everything, bounce pages on, its log lines kept off the console.
 */
struct device *fake_begin(void);

/* The case ends: the device must hold nothing any more. */
void fake_end(void);

/* The device reaches all but [start, end): nothing is translated. */
void fake_hide(phys_addr_t start, phys_addr_t end);

/* Lines with both parts that were logged since fake_begin(), of those that the ring still has. */
unsigned int fake_logged(const char *part, const char *other);

/*
 * What the layer and the allocator hold, refusals not counted. fake_same(): both as before, as after
 * what was refused before anything was allocated; fake_same_dma(): the layer alone.
 */
struct fake_state {
	struct device_dma dma;
	uint64_t hash;
};
struct fake_state fake_state(void);
bool fake_same(const struct fake_state *before);
bool fake_same_dma(const struct fake_state *before);

#endif

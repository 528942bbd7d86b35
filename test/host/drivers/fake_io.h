/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_io.h: accesses to registers come to two functions of the test instead of to memory, with
 * their width in bytes. Included before the sources under test, in the place of
 * drivers/base/io.h.
 */
#ifndef TEST_HOST_FAKE_IO_H
#define TEST_HOST_FAKE_IO_H

#include <stdint.h>

#define DRIVERS_IO_H

static uint32_t io_read(const volatile void *reg, unsigned int width);
static void io_write(uint32_t value, volatile void *reg, unsigned int width);

static inline uint32_t readl(const volatile void *reg)
{
	return io_read(reg, 4);
}

static inline uint16_t readw(const volatile void *reg)
{
	return (uint16_t)io_read(reg, 2);
}

static inline uint8_t readb(const volatile void *reg)
{
	return (uint8_t)io_read(reg, 1);
}

static inline void writel(uint32_t value, volatile void *reg)
{
	io_write(value, reg, 4);
}

static inline void writew(uint16_t value, volatile void *reg)
{
	io_write(value, reg, 2);
}

static inline void writeb(uint8_t value, volatile void *reg)
{
	io_write(value, reg, 1);
}

#endif

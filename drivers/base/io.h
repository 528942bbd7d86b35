/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io.h: device registers, little endian, in program order.
 *
 * An access is ordered against all accesses to devices and to memory before and after it: drivers
 * here are small, and a missing barrier costs more than a fence. MMIO lies in a strongly ordered
 * region (RISC-V: I/O PMA; arm64: Device-nGnRE), so a single fence on each side is enough.
 */
#ifndef DRIVERS_IO_H
#define DRIVERS_IO_H

#include <quarry/types.h>

static inline void io_barrier(void)
{
#if defined(__riscv)
	__asm__ volatile("fence iorw, iorw" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("dsb sy" ::: "memory");
#else
#error "io_barrier() for this machine"
#endif
}

/* Stop until an interrupt is pending, even a masked one; may return earlier. */
static inline void cpu_wait_for_interrupt(void)
{
	__asm__ volatile("wfi" ::: "memory");
}

#define IO_ACCESSORS(bits, read, write)                                    \
	static inline uint##bits##_t read(const volatile void *reg)        \
	{                                                                  \
		uint##bits##_t value;                                      \
                                                                           \
		io_barrier();                                              \
		value = *(const volatile uint##bits##_t *)reg;             \
		io_barrier();                                              \
		return value;                                              \
	}                                                                  \
	static inline void write(uint##bits##_t value, volatile void *reg) \
	{                                                                  \
		io_barrier();                                              \
		*(volatile uint##bits##_t *)reg = value;                   \
		io_barrier();                                              \
	}

IO_ACCESSORS(8, readb, writeb)
IO_ACCESSORS(16, readw, writew)
IO_ACCESSORS(32, readl, writel)
IO_ACCESSORS(64, readq, writeq)

#endif

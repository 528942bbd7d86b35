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

/*
 * arm64's accesses are written out, with a plain address: a hypervisor emulates a device by what the
 * abort tells it, and of one that writes its base register back it tells nothing (Arm ARM,
 * ESR_EL2.ISS.ISV). Compilers make those of loops.
 */
#if defined(__aarch64__)
#define IO_READ(bits, load, value, reg) \
	__asm__ volatile(load ", [%1]" : "=r"(value) : "r"(reg) : "memory")
#define IO_WRITE(bits, store, value, reg) \
	__asm__ volatile(store ", [%1]" ::"rZ"(value), "r"(reg) : "memory")
#else
#define IO_READ(bits, load, value, reg)	  ((value) = *(const volatile uint##bits##_t *)(reg))
#define IO_WRITE(bits, store, value, reg) (*(volatile uint##bits##_t *)(reg) = (value))
#endif

#define IO_ACCESSORS(bits, read, load, write, store)                       \
	static inline uint##bits##_t read(const volatile void *reg)        \
	{                                                                  \
		uint##bits##_t value;                                      \
                                                                           \
		io_barrier();                                              \
		IO_READ(bits, load, value, reg);                           \
		io_barrier();                                              \
		return value;                                              \
	}                                                                  \
	static inline void write(uint##bits##_t value, volatile void *reg) \
	{                                                                  \
		io_barrier();                                              \
		IO_WRITE(bits, store, value, reg);                         \
		io_barrier();                                              \
	}

IO_ACCESSORS(8, readb, "ldrb %w0", writeb, "strb %w0")
IO_ACCESSORS(16, readw, "ldrh %w0", writew, "strh %w0")
IO_ACCESSORS(32, readl, "ldr %w0", writel, "str %w0")
IO_ACCESSORS(64, readq, "ldr %x0", writeq, "str %x0")

#endif

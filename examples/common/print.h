/* SPDX-License-Identifier: BSD-2-Clause */
/* print.h: text and numbers on the UART of QEMU's virt machines, and leaving them. */
#ifndef PRINT_H
#define PRINT_H

#include <stdint.h>

#ifdef __riscv
static inline void put_char(char c)
{
	*(volatile uint8_t *)0x10000000 = (uint8_t)c; /* a 16550, which QEMU's is always ready */
}

static inline void leave(unsigned int code)
{
	*(volatile uint32_t *)0x100000 = code ? code << 16 | 0x3333 : 0x5555; /* sifive,test1 */
	for (;;)
		;
}
#else
static inline void put_char(char c)
{
	*(volatile uint32_t *)0x09000000 = (uint8_t)c; /* a PL011, the same */
}

static inline void leave(unsigned int code)
{
	register uint64_t function __asm__("x0") = 0x84000008; /* PSCI SYSTEM_OFF has no code */

	__asm__ volatile("hvc #0" ::"r"(function), "r"(code) : "memory");
	for (;;)
		;
}
#endif

static inline void put_text(const char *text)
{
	while (*text)
		put_char(*text++);
}

static inline void put_number(uint64_t value)
{
	if (value >= 10)
		put_number(value / 10);
	put_char((char)('0' + value % 10));
}

static inline void put_hex(uint64_t value)
{
	put_text("0x");
	for (int shift = 60; shift >= 0; shift -= 4)
		put_char("0123456789abcdef"[value >> shift & 15]);
}

#endif

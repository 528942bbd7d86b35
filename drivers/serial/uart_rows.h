/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart_rows.h: words that rows of uart_kinds.c are written in, and what several of them share. The
 * manuals are named there and here.
 */
#ifndef DRIVERS_UART_ROWS_H
#define DRIVERS_UART_ROWS_H

#include "drivers/serial/uart_kind.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define STEPS(...) ((const struct uart_step[]){__VA_ARGS__, {UART_END, 0, 0}})

#define BIT(n)	   (1U << (n))
/* Flags: these bits are set, are clear, are not all clear. */
#define IS_SET(at, bits)   {.offset = (at), .mask = (bits), .value = (bits)}
#define IS_CLEAR(at, bits) {.offset = (at), .mask = (bits), .value = 0}
#define IS_SOME(at, bits)  {.offset = (at), .mask = (bits), .value = 0, .differs = true}
#define BITS(at, bits)	   {.offset = (at), .mask = (bits)}

/*
 * The 8250 family (National's PC16550D data sheet, chapter 8): offsets count registers. Reading
 * LSR, register 5, clears its errors. They are those of the byte at the FIFO's head; but an
 * emulator (QEMU) tells of a break alone, at once, and only once if there are several.
 */
#define REGISTERS_8250                                                                             \
	.driver = UART_DRIVER_8250, .of_layout = true, .span = 6, .tx = 0, .rx = 0,                \
	.can_send = IS_SET(5, BIT(5)), .idle = IS_SET(5, BIT(6)), .has_byte = IS_SET(5, BIT(0)),   \
	.bad = BITS(5, BIT(4) | BIT(3) | BIT(2)), .overrun = BITS(5, BIT(1)), .bad_early = BIT(4), \
	.read_clears = true

/* One whose register 1, IER, has interrupts alone. */
#define KIND_8250(name_, alias_, shift_, width_, fifo_, ier_, ...) \
	{                                                          \
		.name = (name_),                                   \
		.alias = (alias_),                                 \
		.compatible = NAMES(__VA_ARGS__),                  \
		REGISTERS_8250,                                    \
		.width = (width_),                                 \
		.shift = (shift_),                                 \
		.fifo = (fifo_),                                   \
		.listen = STEPS({UART_WRITE, 1, ier_}),            \
		.silence = STEPS({UART_WRITE, 1, 0}),              \
	}

/* PL011 (Arm DDI0183), and what the generic UART of the Base System Architecture has of it. */
#define REGISTERS_PL011                                                                  \
	.width = 4, .tx = 0x00, .rx = 0x00, .can_send = IS_CLEAR(0x18, BIT(5)),          \
	.idle = IS_CLEAR(0x18, BIT(3)), .has_byte = IS_CLEAR(0x18, BIT(4)),              \
	.data_bad = BIT(10) | BIT(9) | BIT(8), .data_overrun = BIT(11),                  \
	.listen = STEPS({UART_WRITE, 0x44, 0x7ff}, {UART_WRITE, 0x38, BIT(6) | BIT(4)}), \
	.silence = STEPS({UART_WRITE, 0x38, 0}), .acknowledge = STEPS({UART_WRITE, 0x44, 0x7ff})

/* LPUART with 32-bit registers, which begin at `at`. */
#define REGISTERS_LPUART32(at)                                                             \
	.width = 4, .span = (at) + 0x10, .tx = (at) + 0xc, .rx = (at) + 0xc,               \
	.can_send = IS_SET((at) + 4, BIT(23)), .idle = IS_SET((at) + 4, BIT(22)),          \
	.has_byte = IS_SET((at) + 4, BIT(21)), .data_bad = BIT(14) | BIT(13),              \
	.overrun = BITS((at) + 4, BIT(19)), .clear = STEPS({UART_SET, (at) + 4, BIT(19)}), \
	.start = STEPS({UART_SET, (at) + 8, BIT(19) | BIT(18)})

/*
 * Renesas' SCIF with FIFOs: FTDR, FRDR 8 bits wide, the others 16. Flags are cleared by a 0 that is
 * written after a 1 was read. FDR's lower half is the number of bytes received.
 */
#define REGISTERS_SCIF(ftdr, fsr, frdr, fdr, lsr)                                              \
	.width = 2, .data_width = 1, .span = (lsr) + 2, .tx = (ftdr), .rx = (frdr),            \
	.can_send = IS_SET(fsr, BIT(5)), .idle = IS_SET(fsr, BIT(6)),                          \
	.after_tx = STEPS({UART_CLEAR, fsr, BIT(6) | BIT(5)}), .has_byte = IS_SOME(fdr, 0xff), \
	.bad = BITS(fsr, BIT(3) | BIT(2)), .overrun = BITS(lsr, BIT(0)),                       \
	.clear = STEPS({UART_CLEAR, fsr, BIT(7) | BIT(4) | BIT(3) | BIT(2)},                   \
		       {UART_CLEAR, lsr, BIT(0)}),                                             \
	.after_rx = STEPS({UART_CLEAR, fsr, BIT(1) | BIT(0)})

/* Samsung's UART (Exynos 4412 user's manual, chapter 28): which bits of UFSTAT are the FIFOs'. */
#define REGISTERS_S3C(tx_full, rx_some)                                                        \
	.width = 4, .span = 0x28, .tx = 0x20, .rx = 0x24, .can_send = IS_CLEAR(0x18, tx_full), \
	.idle = IS_SET(0x10, BIT(2)), .has_byte = IS_SOME(0x18, rx_some),                      \
	.bad = BITS(0x14, BIT(3) | BIT(2) | BIT(1)), .overrun = BITS(0x14, BIT(0)),            \
	.read_clears = true, .start = STEPS({UART_SET, 0x08, BIT(0)})

#endif

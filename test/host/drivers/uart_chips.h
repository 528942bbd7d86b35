/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart_chips.h: UARTs as their manuals describe them, for test_uart_kinds.c: a line of facts a
 * chip, in bytes from its first register. They are written down apart from
 * drivers/serial/uart_kinds.c, so that each checks the other; which manual it is, is said there.
 */
#ifndef TEST_HOST_UART_CHIPS_H
#define TEST_HOST_UART_CHIPS_H

#include <stdbool.h>
#include <stdint.h>

#define NOWHERE 0xffff

/* What a status bit is like while it says yes. */
enum sense {
	HIGH,
	LOW,
};

struct pin {
	uint16_t at;
	uint32_t mask;
	enum sense yes;
};

/* How the chip tells that a byte is broken. */
enum telling {
	IN_DATA,   /* bits beside the byte */
	WITH_HEAD, /* bits of a register, of the byte that is read next; gone with it */
	ON_READ,   /* the same, and gone when the register is read */
	LATCHED,   /* the same, but they stay until they are cleared */
	AT_ONCE,   /* when it arrives, whatever is ahead; they stay until they are cleared */
};

enum clearing {
	BY_ITSELF,
	BY_ONES,  /* a 1 written clears the bit */
	BY_ZEROS, /* a 0 */
	BY_ORDER, /* the mask's bits written, whatever was set */
};

struct chip {
	const char *name;
	uint8_t width, data_width; /* bytes of an access */
	bool big_endian;
	uint16_t tx, rx;
	struct pin room, gone, some; /* to send; all has left; one has come */
	uint32_t none;		     /* in the data: nothing has come */
	enum telling telling;
	struct pin broken, lost; /* the byte is; one before it was */
	enum clearing clearing;
	struct pin clear, clear_lost; /* where; mask 0: as broken, lost */
	struct pin on[3];	      /* what must be so before it sends and receives */
	uint32_t at_reset;	      /* on[0]'s register */
	struct pin wants;	      /* interrupts when one has come; mask 0: we poll */
	uint16_t wants_not;	      /* where it is written that it shall not; NOWHERE: there */
};

#define HI(at, mask) {at, mask, HIGH}
#define LO(at, mask) {at, mask, LOW}
#define NO_PIN	     {0, 0, HIGH}
#define ON(...)	     {__VA_ARGS__}
#define ALWAYS	     {NO_PIN}
#define CHIP(...)    {__VA_ARGS__}

static const struct chip chips[] = {
	CHIP("pl011", 4, 4, false, 0, 0, LO(0x18, 0x20), LO(0x18, 0x08), LO(0x18, 0x10), 0, IN_DATA,
	     HI(0, 0x700), HI(0, 0x800), BY_ITSELF, NO_PIN, NO_PIN, ALWAYS, 0, HI(0x38, 0x50),
	     NOWHERE),
	CHIP("sbsa", 4, 4, false, 0, 0, LO(0x18, 0x20), LO(0x18, 0x08), LO(0x18, 0x10), 0, IN_DATA,
	     HI(0, 0x700), HI(0, 0x800), BY_ITSELF, NO_PIN, NO_PIN, ALWAYS, 0, HI(0x38, 0x50),
	     NOWHERE),
	CHIP("ns16550a", 1, 1, false, 0, 0, HI(5, 0x20), HI(5, 0x40), HI(5, 0x01), 0, ON_READ,
	     HI(5, 0x1c), HI(5, 0x02), BY_ITSELF, NO_PIN, NO_PIN, ALWAYS, 0, HI(1, 0x01), NOWHERE),
	CHIP("dw-apb-uart", 1, 1, false, 0, 0, HI(5, 0x20), HI(5, 0x40), HI(5, 0x01), 0, ON_READ,
	     HI(5, 0x1c), HI(5, 0x02), BY_ITSELF, NO_PIN, NO_PIN, ALWAYS, 0, HI(1, 0x01), NOWHERE),
	CHIP("mtk8250", 4, 4, false, 0, 0, HI(0x14, 0x20), HI(0x14, 0x40), HI(0x14, 0x01), 0,
	     ON_READ, HI(0x14, 0x1c), HI(0x14, 0x02), BY_ITSELF, NO_PIN, NO_PIN, ALWAYS, 0,
	     HI(4, 0x01), NOWHERE),
	CHIP("tegra", 4, 4, false, 0, 0, HI(0x14, 0x20), HI(0x14, 0x40), HI(0x14, 0x01), 0, ON_READ,
	     HI(0x14, 0x1c), HI(0x14, 0x02), BY_ITSELF, NO_PIN, NO_PIN, ALWAYS, 0, HI(4, 0x01),
	     NOWHERE),
	CHIP("omap8250", 4, 4, false, 0, 0, HI(0x14, 0x20), HI(0x14, 0x40), HI(0x14, 0x01), 0,
	     ON_READ, HI(0x14, 0x1c), HI(0x14, 0x02), BY_ITSELF, NO_PIN, NO_PIN, ALWAYS, 0,
	     HI(4, 0x01), NOWHERE),
	CHIP("bcm2835aux", 4, 4, false, 0, 0, HI(0x14, 0x20), HI(0x14, 0x40), HI(0x14, 0x01), 0,
	     ON_READ, HI(0x14, 0x1c), HI(0x14, 0x02), BY_ITSELF, NO_PIN, NO_PIN, ALWAYS, 0,
	     HI(4, 0x05), NOWHERE),
	/* IER 4: UUE 6, RTOIE 4, RAVIE 0 */
	CHIP("pxa", 4, 4, false, 0, 0, HI(0x14, 0x20), HI(0x14, 0x40), HI(0x14, 0x01), 0, ON_READ,
	     HI(0x14, 0x1c), HI(0x14, 0x02), BY_ITSELF, NO_PIN, NO_PIN, ON(HI(4, 0x40)), 0,
	     HI(4, 0x11), NOWHERE),
	CHIP("uniphier", 4, 4, false, 0, 0, HI(0x14, 0x20), HI(0x14, 0x40), HI(0x14, 0x01), 0,
	     ON_READ, HI(0x14, 0x1c), HI(0x14, 0x02), BY_ITSELF, NO_PIN, NO_PIN, ALWAYS, 0, NO_PIN,
	     NOWHERE),
	CHIP("em-uart", 4, 1, false, 0, 0, HI(0x18, 0x20), HI(0x18, 0x40), HI(0x18, 0x01), 0,
	     ON_READ, HI(0x18, 0x1c), HI(0x18, 0x02), BY_ITSELF, NO_PIN, NO_PIN, ALWAYS, 0, NO_PIN,
	     NOWHERE),
	/* SR 0x2c: TFUL 4, REMPTY 1, TEMPTY 3; ISR 0x14: RBRK 13, PARE 7, FRAME 6, ROVR 5 */
	CHIP("cdns", 4, 4, false, 0x30, 0x30, LO(0x2c, 0x10), HI(0x2c, 0x08), LO(0x2c, 0x02), 0,
	     AT_ONCE, HI(0x14, 0x20c0), HI(0x14, 0x20), BY_ONES, NO_PIN, NO_PIN,
	     ON(HI(0, 0x14), LO(0, 0x28), HI(0x20, 0x01)), 0x128, HI(0x08, 0x101), 0x0c),
	/*
	 * UTS 0xb4: TXFULL 4; USR2 0x98: TXDC 3, RDR 0; URXD: OVRRUN 13, FRMERR 12, BRK 11, PRERR
	 * 10
	 */
	CHIP("imx", 4, 4, false, 0x40, 0, LO(0xb4, 0x10), HI(0x98, 0x08), HI(0x98, 0x01), 0,
	     IN_DATA, HI(0, 0x1c00), HI(0, 0x2000), BY_ITSELF, NO_PIN, NO_PIN,
	     ON(HI(0x80, 0x01), HI(0x84, 0x07)), 0, HI(0x8c, 0x01), NOWHERE),
	/* STAT: TDRE 23, TC 22, RDRF 21, OR 19; DATA: PARITYE 14, FRETSC 13; CTRL: TE 19, RE 18 */
	CHIP("lpuart32", 4, 4, false, 0x1c, 0x1c, HI(0x14, 1 << 23), HI(0x14, 1 << 22),
	     HI(0x14, 1 << 21), 0, IN_DATA, HI(0x1c, 0x6000), HI(0x14, 1 << 19), BY_ONES, NO_PIN,
	     NO_PIN, ON(HI(0x18, 0xc0000)), 0, NO_PIN, NOWHERE),
	CHIP("lpuart-ls1028a", 4, 4, false, 0x0c, 0x0c, HI(0x04, 1 << 23), HI(0x04, 1 << 22),
	     HI(0x04, 1 << 21), 0, IN_DATA, HI(0x0c, 0x6000), HI(0x04, 1 << 19), BY_ONES, NO_PIN,
	     NO_PIN, ON(HI(0x08, 0xc0000)), 0, NO_PIN, NOWHERE),
	CHIP("lpuart-ls1021a", 4, 4, true, 0x0c, 0x0c, HI(0x04, 1 << 23), HI(0x04, 1 << 22),
	     HI(0x04, 1 << 21), 0, IN_DATA, HI(0x0c, 0x6000), HI(0x04, 1 << 19), BY_ONES, NO_PIN,
	     NO_PIN, ON(HI(0x08, 0xc0000)), 0, NO_PIN, NOWHERE),
	/* S1 4: TDRE 7, TC 6, RDRF 5, OR 3, NF 2, FE 1, PF 0; C2 3: TE 3, RE 2; D 7 */
	CHIP("lpuart", 1, 1, false, 7, 7, HI(4, 0x80), HI(4, 0x40), HI(4, 0x20), 0, WITH_HEAD,
	     HI(4, 0x07), HI(4, 0x08), BY_ITSELF, NO_PIN, NO_PIN, ON(HI(3, 0x0c)), 0, NO_PIN,
	     NOWHERE),
	/*
	 * a command is under way: 0x40 bit 0; words received: 0x804 bits 24:0; S_IRQ_STATUS 0x640
	 */
	CHIP("qcom_geni", 4, 4, false, 0x700, 0x780, LO(0x40, 0x01), LO(0x40, 0x01),
	     HI(0x804, 0x1ffffff), 0, AT_ONCE, HI(0x640, 0xe00), NO_PIN, BY_ONES, HI(0x648, 0xe00),
	     NO_PIN, ON(HI(0x284, 0x0f), HI(0x630, 1 << 27)), 0, NO_PIN, NOWHERE),
	/*
	 * SR 0xa4: RXRDY 0, TXRDY 2, TXEMT 3, OVERRUN 4, PAR_FRAME_ERR 5, RX_BREAK 6; CR 0xa8; DMEN
	 * 0x3c
	 */
	CHIP("msm_serial_dm", 4, 4, false, 0x100, 0x140, HI(0xa4, 0x04), HI(0xa4, 0x08),
	     HI(0xa4, 0x01), 0, AT_ONCE, HI(0xa4, 0x60), HI(0xa4, 0x10), BY_ORDER, HI(0xa8, 0x30),
	     HI(0xa8, 0x30), ON(HI(0x3c, 0x30), HI(0xa8, 0x05)), 0, NO_PIN, NOWHERE),
	/*
	 * STATUS 0x0c: TX empty 22, full 21, RX empty 20, frame 17, parity 16; CONTROL 8: clear
	 * errors 24
	 */
	CHIP("meson", 4, 4, false, 0, 4, LO(0x0c, 1 << 21), HI(0x0c, 1 << 22), LO(0x0c, 1 << 20), 0,
	     AT_ONCE, HI(0x0c, 0x30000), NO_PIN, BY_ORDER, HI(0x08, 1 << 24), NO_PIN,
	     ON(HI(0x08, 0x3000), LO(0x08, 1 << 24)), 0, NO_PIN, NOWHERE),
	/*
	 * FSR 0x10: ER 7, TEND 6, TDFE 5, BRK 4, FER 3, PER 2; FDR 0x1c: received 7:0; LSR 0x24:
	 * ORER 0
	 */
	CHIP("scif", 2, 1, false, 0x0c, 0x14, HI(0x10, 0x20), HI(0x10, 0x40), HI(0x1c, 0xff), 0,
	     LATCHED, HI(0x10, 0x0c), HI(0x24, 0x01), BY_ZEROS, NO_PIN, NO_PIN, ALWAYS, 0, NO_PIN,
	     NOWHERE),
	CHIP("rzscifa", 2, 1, false, 0x06, 0x0a, HI(0x08, 0x20), HI(0x08, 0x40), HI(0x0e, 0xff), 0,
	     LATCHED, HI(0x08, 0x0c), HI(0x12, 0x01), BY_ZEROS, NO_PIN, NO_PIN, ALWAYS, 0, NO_PIN,
	     NOWHERE),
	/*
	 * UFSTAT 0x18: TX full 24, RX full and count 8:0; UTRSTAT 0x10: sent 2; UERSTAT 0x14; UFCON
	 * 8
	 */
	CHIP("exynos4210", 4, 4, false, 0x20, 0x24, LO(0x18, 1 << 24), HI(0x10, 0x04),
	     HI(0x18, 0x1ff), 0, ON_READ, HI(0x14, 0x0e), HI(0x14, 0x01), BY_ITSELF, NO_PIN, NO_PIN,
	     ON(HI(0x08, 0x01)), 0, NO_PIN, NOWHERE),
	CHIP("s5l", 4, 4, false, 0x20, 0x24, LO(0x18, 1 << 9), HI(0x10, 0x04), HI(0x18, 0x10f), 0,
	     ON_READ, HI(0x14, 0x0e), HI(0x14, 0x01), BY_ITSELF, NO_PIN, NO_PIN, ON(HI(0x08, 0x01)),
	     0, NO_PIN, NOWHERE),
	/* txdata 0: full 31; rxdata 4: empty 31; txctrl 8, rxctrl 0x0c; ie 0x10; ip 0x14: txwm 0 */
	CHIP("sifive", 4, 4, false, 0, 4, LO(0x00, 1U << 31), HI(0x14, 0x01), NO_PIN, 1U << 31,
	     IN_DATA, NO_PIN, NO_PIN, BY_ITSELF, NO_PIN, NO_PIN,
	     ON(HI(0x08, 0x10001), HI(0x0c, 0x01), LO(0x0c, 0x70000)), 0, HI(0x10, 0x02), NOWHERE),
	/* STATUS 0x0c: empty 0, full 1, received 2, parity 4, overrun 5, framing 6, break 7 */
	CHIP("shakti", 2, 1, false, 4, 8, LO(0x0c, 0x02), HI(0x0c, 0x01), HI(0x0c, 0x04), 0,
	     WITH_HEAD, HI(0x0c, 0xd0), HI(0x0c, 0x20), BY_ITSELF, NO_PIN, NO_PIN, ALWAYS, 0,
	     HI(0x18, 0x04), NOWHERE),
	/*
	 * STS1 0x0c: bytes to send 15:8, received 7:0; STS0 8: parity 2, framing 3, overrun 4,
	 * break 7
	 */
	CHIP("sprd_serial", 4, 4, false, 0, 4, LO(0x0c, 0xff00), LO(0x0c, 0xff00), HI(0x0c, 0xff),
	     0, AT_ONCE, HI(0x08, 0x8c), HI(0x08, 0x10), BY_ONES, HI(0x14, 0x8c), HI(0x14, 0x10),
	     ALWAYS, 0, NO_PIN, NOWHERE),
	/*
	 * ISR 0x1c: TXE 7, TC 6, RXNE 5, ORE 3, NE 2, FE 1, PE 0; ICR 0x20; CR1 0: TE 3, RE 2, UE 0
	 */
	CHIP("stm32", 4, 4, false, 0x28, 0x24, HI(0x1c, 0x80), HI(0x1c, 0x40), HI(0x1c, 0x20), 0,
	     LATCHED, HI(0x1c, 0x07), HI(0x1c, 0x08), BY_ONES, HI(0x20, 0x07), HI(0x20, 0x08),
	     ON(HI(0x00, 0x0d)), 0, NO_PIN, NOWHERE),
	/* STA 0x14: RBF 0, TE 1, OE 5, TF 9; RXBUF: FE 9, PE 8 */
	CHIP("st-asc", 4, 4, false, 4, 8, LO(0x14, 0x200), HI(0x14, 0x02), HI(0x14, 0x01), 0,
	     IN_DATA, HI(8, 0x300), HI(0x14, 0x20), BY_ITSELF, NO_PIN, NO_PIN, ALWAYS, 0, NO_PIN,
	     NOWHERE),
	/* SSR 3: TBI 0, TDRE 1, RDRF 2, ORE 3, FRE 4, PE 5, REC 7; SCR 1: TXE 0, RXE 1 */
	CHIP("milbeaut-usio", 1, 1, false, 4, 4, HI(3, 0x02), HI(3, 0x01), HI(3, 0x04), 0, LATCHED,
	     HI(3, 0x30), HI(3, 0x08), BY_ORDER, HI(3, 0x80), HI(3, 0x80), ON(HI(1, 0x03)), 0,
	     NO_PIN, NOWHERE),
	/* STATUS 0x0c: full 11, empty 6, ready 4, break 3, framing 2, parity 1, overrun 0 */
	CHIP("ar3700_uart", 4, 4, false, 4, 0, LO(0x0c, 0x800), HI(0x0c, 0x40), HI(0x0c, 0x10), 0,
	     AT_ONCE, HI(0x0c, 0x0e), HI(0x0c, 0x01), BY_ONES, NO_PIN, NO_PIN, ALWAYS, 0, NO_PIN,
	     NOWHERE),
	/*
	 * IR 0x10: TX empty 5, RX over 7, not empty 11; FIFO: break 10, parity 9, framing 8; CTL 0
	 */
	CHIP("bcm63xx_uart", 4, 4, false, 0x14, 0x14, HI(0x10, 0x20), HI(0x10, 0x20),
	     HI(0x10, 0x800), 0, IN_DATA, HI(0x14, 0x700), HI(0x10, 0x80), BY_ORDER, NO_PIN,
	     HI(0x00, 0x40), ALWAYS, 0, NO_PIN, NOWHERE),
	/* STAT 0x0c: error 2, RX empty 5, TX full 6, busy 17 */
	CHIP("owl", 4, 4, false, 8, 4, LO(0x0c, 0x40), LO(0x0c, 1 << 17), LO(0x0c, 0x20), 0,
	     AT_ONCE, HI(0x0c, 0x04), NO_PIN, BY_ONES, NO_PIN, NO_PIN, ALWAYS, 0, NO_PIN, NOWHERE),
	/*
	 * FIFOSTS 0x18: over 0, parity 4, framing 5, break 6, RX empty 14, TX full 23, all sent 28
	 */
	CHIP("ma35d1", 4, 4, false, 0, 0, LO(0x18, 1 << 23), HI(0x18, 1 << 28), LO(0x18, 1 << 14),
	     0, LATCHED, HI(0x18, 0x70), HI(0x18, 0x01), BY_ONES, NO_PIN, NO_PIN, ALWAYS, 0, NO_PIN,
	     NOWHERE),
};

#endif

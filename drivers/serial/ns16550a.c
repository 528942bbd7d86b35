/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ns16550a.c: the 16550 UART and Synopsys' version of it (devicetree binding serial/8250).
 *
 * Its registers' part is the rows of uart_kinds.c that begin with KIND_8250; what is here is the
 * line's speed, and the chip's own interrupts.
 */
#include <assert.h>
#include <errno.h>
#include <libfdt.h>
#include <quarry/port.h>
#include <string.h>

#include "drivers/base/driver.h"
#include "boot/dt/of.h"
#include "drivers/serial/uart.h"

/* Registers, by index; the address is index << reg-shift. */
enum {
	UART_RBR = 0, /* read: received byte */
	UART_DLL = 0, /* divisor, while LCR.DLAB is set */
	UART_IER = 1,
	UART_DLM = 1,
	UART_IIR = 2, /* read */
	UART_FCR = 2, /* write */
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
	UART_USR = 31, /* dw-apb only: reading it ends a busy-detect interrupt */
};

#define IIR_ID		 0x0f
#define IIR_BUSY_DETECT	 0x07 /* dw-apb: LCR was written while the UART was busy */
#define IIR_TIMEOUT	 0x0c /* bytes wait in the FIFO */
#define IIR_FIFO_ENABLED 0xc0
#define FCR_ENABLE	 0x01
#define FCR_CLEAR	 0x06 /* what has come and what is to go */
#define LCR_8N1		 0x03
#define LCR_DLAB	 0x80
#define MCR_DTR_RTS_OUT2 0x0b /* OUT2 gates the interrupt line on PC-style wiring */
#define LSR_DATA_READY	 0x01
#define DEFAULT_SPEED	 115200 /* of a UART that was never programmed */
#define LCR_TRIES	 1000

struct ns16550a {
	struct uart common;
	bool dw_apb;
};
static_assert(offsetof(struct ns16550a, common) == 0, "uart.c finds it there");

static uint32_t uart_read(struct ns16550a *uart, unsigned int reg)
{
	return uart_port_read(&uart->common.port, reg);
}

static void uart_write(struct ns16550a *uart, unsigned int reg, uint32_t value)
{
	uart_port_write(&uart->common.port, reg, value);
}

static void ns16550a_interrupt(void *arg)
{
	struct ns16550a *uart = device_priv(arg);
	uint32_t id = uart_read(uart, UART_IIR) & IIR_ID;

	if (uart->dw_apb && id == IIR_BUSY_DETECT)
		uart_read(uart, UART_USR);
	uart_receive(arg);
	/* dw-apb can report a timeout with an empty FIFO; only reading a byte ends it */
	if (uart->dw_apb && id == IIR_TIMEOUT && !uart->common.throttled &&
	    !(uart_read(uart, UART_LSR) & LSR_DATA_READY))
		uart_read(uart, UART_RBR);
}

static const struct uart_ops ns16550a_ops = {
	.interrupt = ns16550a_interrupt,
};

/*
 * dw-apb ignores what is written while a byte comes or goes: written until it is there. False: it
 * was never.
 */
static bool set_lcr(struct ns16550a *uart, uint32_t value)
{
	for (unsigned int i = 0; i < LCR_TRIES; i++) {
		uart_write(uart, UART_LCR, value);
		if (!uart->dw_apb || (uart_read(uart, UART_LCR) & 0xff) == value)
			return true;
		uart_read(uart, UART_USR); /* ends the interrupt that tells of it */
		port_relax();
	}
	return false;
}

/* The divisor of the clock for the speed; 0 if none meets it within 3 %. */
static uint32_t divisor(uint32_t clock, uint32_t speed)
{
	uint32_t value, actual;

	if (speed == 0 || clock < 16 * speed)
		return 0;
	value = (clock / 16 + speed / 2) / speed;
	actual = clock / 16 / value;
	if (value > 0xffff || actual > speed + speed / 33 || actual < speed - speed / 33)
		return 0;
	return value;
}

/*
 * Program the line: 8 bits, no parity, and the speed that is asked for, if the clock is known.
 * Otherwise the firmware's divisor stays: it printed before us. A divisor of 0 was never set.
 */
static void set_line(struct device *dev, struct ns16550a *uart)
{
	uint32_t clock = of_u32(dev->fdt, dev->node, "clock-frequency", 0);
	uint32_t value = divisor(clock, uart_speed(dev));

	/* without DLAB the divisor's registers are those of data and interrupts */
	if (!set_lcr(uart, LCR_8N1 | LCR_DLAB)) {
		device_log(dev, "always busy: the line stays as the loader left it");
		return;
	}
	if (!value && !(uart_read(uart, UART_DLL) & 0xff) && !(uart_read(uart, UART_DLM) & 0xff))
		value = divisor(clock, DEFAULT_SPEED);
	if (value) {
		uart_write(uart, UART_DLL, value & 0xff);
		uart_write(uart, UART_DLM, value >> 8);
	}
	if (set_lcr(uart, LCR_8N1))
		return;
	/* with DLAB on no byte comes or goes any more: what keeps it busy is given up */
	uart_write(uart, UART_FCR, FCR_ENABLE | FCR_CLEAR);
	if (!set_lcr(uart, LCR_8N1))
		device_log(dev, "always busy: its data cannot be reached");
}

static const struct uart_step drain[] = {{UART_DRAIN, 0, 0}, {UART_END, 0, 0}};

static bool ns16550a_knows(const char *compatible)
{
	const struct uart_kind *kind = uart_kind_of(compatible);

	return kind && kind->driver == UART_DRIVER_8250;
}

static int ns16550a_probe(struct device *dev)
{
	struct ns16550a *uart = device_priv(dev);
	struct uart_port *port = &uart->common.port;
	int error = uart_map(dev, uart_kind_of(dev->compatible));

	uart->dw_apb = strcmp(dev->compatible, "snps,dw-apb-uart") == 0;
	if (!error && !uart_is_console(dev))
		return -ENODEV;
	if (!error)
		error = uart_init(dev, &ns16550a_ops);
	if (error)
		return error;
	uart_port_run(port, drain); /* what the firmware printed, before the line changes */
	uart_port_run(port, port->kind->silence);
	set_line(dev, uart);
	uart_write(uart, UART_FCR, FCR_ENABLE); /* bytes typed ahead stay */
	if ((uart_read(uart, UART_IIR) & IIR_FIFO_ENABLED) == IIR_FIFO_ENABLED)
		port->fifo = port->kind->fifo;
	uart_write(uart, UART_MCR, MCR_DTR_RTS_OUT2);
	uart_start(dev);
	return 0;
}

DRIVER_ASKED(ns16550a, "ns16550a", DRIVER_UART, ns16550a_knows, ns16550a_probe, uart_stop,
	     sizeof(struct ns16550a));

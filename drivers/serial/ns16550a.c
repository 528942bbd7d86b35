/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ns16550a.c: the 16550 UART and Synopsys' version of it (devicetree binding serial/8250).
 *
 * Receiving is in uart.c. Sending polls, because panics and interrupt handlers print; a UART that
 * does not become ready is waited for once, for at most a second, and after that loses bytes
 * instead of time.
 */
#include <assert.h>
#include <errno.h>
#include <libfdt.h>
#include <quarry/port.h>
#include <string.h>

#include "drivers/base/driver.h"
#include "drivers/base/io.h"
#include "boot/dt/of.h"
#include "drivers/timer/timer.h"
#include "drivers/serial/uart.h"

/* Registers, by index; the address is index << reg-shift. */
enum {
	UART_RBR = 0, /* read: received byte */
	UART_THR = 0, /* write: byte to send */
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

#define IER_RECEIVE	 0x01
#define IIR_ID		 0x0f
#define IIR_NONE	 0x01
#define IIR_BUSY_DETECT	 0x07 /* dw-apb: LCR was written while the UART was busy */
#define IIR_TIMEOUT	 0x0c /* bytes wait in the FIFO */
#define IIR_FIFO_ENABLED 0xc0
#define FCR_ENABLE	 0x01
#define FCR_TRIGGER_8 \
	0x80 /* interrupt when half of the FIFO is filled, or what is there has waited */
#define LCR_8N1		 0x03
#define LCR_DLAB	 0x80
#define MCR_DTR_RTS_OUT2 0x0b /* OUT2 gates the interrupt line on PC-style wiring */
#define LSR_DATA_READY	 0x01
#define LSR_OVERRUN	 0x02
#define LSR_BREAK	 0x10
#define LSR_BAD_BYTE	 0x1c /* parity, framing, break: the byte at the FIFO's head is no data */
#define LSR_THR_EMPTY	 0x20
#define LSR_IDLE	 0x40

#define FIFO_SIZE	 16
#define TX_WAIT_NS	 NSEC_PER_SEC
#define TX_WAIT_POLLS	 1000000 /* without a timer */
#define DEFAULT_SPEED	 115200	 /* of a UART that was never programmed */

struct ns16550a {
	struct uart common;
	char *base;
	uint32_t shift, width;
	bool dw_apb, stuck;
	bool in_break;	  /* until the FIFO is empty, a zero byte is a break's */
	uint32_t errors;  /* LSR_BAD_BYTE, read and not yet given to the receiver */
	uint32_t fifo;	  /* bytes the transmitter takes when it is empty */
	uint32_t room;	  /* of these, left since it was last seen empty */
	uint64_t tx_lost; /* bytes not sent: the transmitter never became ready */
};
static_assert(offsetof(struct ns16550a, common) == 0, "uart.c finds it there");
static_assert(sizeof(struct ns16550a) <= 1024, "fits the device's page");

static uint32_t uart_read(const struct ns16550a *uart, unsigned int reg)
{
	const char *addr = uart->base + ((size_t)reg << uart->shift);

	if (uart->width == 4)
		return readl(addr);
	return uart->width == 2 ? readw(addr) : readb(addr);
}

static void uart_write(const struct ns16550a *uart, unsigned int reg, uint32_t value)
{
	char *addr = uart->base + ((size_t)reg << uart->shift);

	if (uart->width == 4)
		writel(value, addr);
	else if (uart->width == 2)
		writew((uint16_t)value, addr);
	else
		writeb((uint8_t)value, addr);
}

/* Reading LSR clears what it says of errors, so each read keeps that for the receiver. */
static uint32_t read_status(struct ns16550a *uart)
{
	unsigned long flags = port_irq_save();
	uint32_t status = uart_read(uart, UART_LSR);

	uart->errors |= status & LSR_BAD_BYTE;
	if (status & LSR_OVERRUN)
		uart->common.overruns++;
	port_irq_restore(flags);
	return status;
}

/* Wait for a bit of LSR. False after TX_WAIT_NS. */
static bool wait_status(struct ns16550a *uart, uint32_t bit)
{
	uint64_t start = timer_now();

	for (uint32_t polls = 0; !(read_status(uart) & bit); polls++) {
		if (timer_hz() ? timer_now() - start > TX_WAIT_NS : polls > TX_WAIT_POLLS)
			return false;
		port_relax();
	}
	return true;
}

static void ns16550a_putc(struct device *dev, char c)
{
	struct ns16550a *uart = device_priv(dev);
	unsigned long flags = port_irq_save();

	if (uart->room == 0) {
		bool ready = uart->stuck ? (read_status(uart) & LSR_THR_EMPTY) != 0
					 : wait_status(uart, LSR_THR_EMPTY);

		uart->stuck = !ready;
		uart->room = ready ? uart->fifo : 0;
	}
	if (uart->room > 0) {
		uart->room--;
		uart_write(uart, UART_THR, (unsigned char)c);
	} else {
		uart->tx_lost++;
	}
	port_irq_restore(flags);
}

static void ns16550a_flush(struct device *dev)
{
	struct ns16550a *uart = device_priv(dev);

	if (!uart->stuck)
		wait_status(uart, LSR_IDLE);
}

/*
 * LSR's errors are those of the byte at the FIFO's head; a break is a zero byte, mostly with a
 * framing error. An emulator (QEMU) tells of a break alone, at once, whatever is ahead of it and
 * only once if there are several: then a byte that is not zero is data, and the zeros behind it are
 * the breaks.
 */
static int ns16550a_take(struct device *dev)
{
	struct ns16550a *uart = device_priv(dev);
	uint32_t status = read_status(uart), errors = uart->errors, byte;

	uart->errors = 0;
	if (!(status & LSR_DATA_READY)) {
		uart->in_break = false;
		return UART_EMPTY;
	}
	byte = uart_read(uart, UART_RBR) & 0xff;
	if (errors == LSR_BREAK) {
		uart->in_break = true;
		errors = 0;
	}
	return errors || (uart->in_break && !byte) ? UART_BAD : (int)byte;
}

static void ns16550a_listen(struct device *dev, bool on)
{
	uart_write(device_priv(dev), UART_IER, on ? IER_RECEIVE : 0);
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
	.putc = ns16550a_putc,
	.flush = ns16550a_flush,
	.take = ns16550a_take,
	.listen = ns16550a_listen,
	.interrupt = ns16550a_interrupt,
};

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

	uart_write(uart, UART_LCR, LCR_8N1 | LCR_DLAB);
	if (!value && !(uart_read(uart, UART_DLL) & 0xff) && !(uart_read(uart, UART_DLM) & 0xff))
		value = divisor(clock, DEFAULT_SPEED);
	if (value) {
		uart_write(uart, UART_DLL, value & 0xff);
		uart_write(uart, UART_DLM, value >> 8);
	}
	uart_write(uart, UART_LCR, LCR_8N1);
}

/* Find registers and their layout. */
static int map(struct device *dev, struct ns16550a *uart)
{
	const void *fdt = dev->fdt;
	uint32_t offset = of_u32(fdt, dev->node, "reg-offset", 0);

	uart->dw_apb = fdt_stringlist_contains(dev->compatible, (int)strlen(dev->compatible) + 1,
					       "snps,dw-apb-uart");
	uart->shift = of_u32(fdt, dev->node, "reg-shift", 0);
	uart->width = of_u32(fdt, dev->node, "reg-io-width", 1);
	uart->base = device_map_reg(dev, 0);
	if (!uart->base)
		return -ENXIO;
	if ((uart->width != 1 && uart->width != 2 && uart->width != 4) || uart->shift > 4 ||
	    uart->width > 1U << uart->shift || offset >= dev->size ||
	    (phys_addr_t)(UART_LSR + 1) << uart->shift > dev->size - offset)
		return -EINVAL;
	if (((dev->reg + offset) & (uart->width - 1)) != 0)
		return -EINVAL;
	uart->base += offset;
	return 0;
}

static int ns16550a_probe(struct device *dev)
{
	struct ns16550a *uart = device_priv(dev);
	int error = map(dev, uart);

	if (!error)
		error = uart_init(dev, &ns16550a_ops);
	if (error)
		return error;
	wait_status(uart, LSR_IDLE); /* what the firmware printed, before the line changes */
	uart_write(uart, UART_IER, 0);
	set_line(dev, uart);
	uart_write(uart, UART_FCR, FCR_ENABLE); /* bytes typed ahead stay */
	uart->fifo =
		(uart_read(uart, UART_IIR) & IIR_FIFO_ENABLED) == IIR_FIFO_ENABLED ? FIFO_SIZE : 1;
	uart_write(uart, UART_MCR, MCR_DTR_RTS_OUT2);
	uart_start(dev);
	return 0;
}

static const char *const ns16550a_compatible[] = {"ns16550a", "ns16550", "snps,dw-apb-uart", NULL};

DRIVER(ns16550a, "ns16550a", DRIVER_UART, ns16550a_compatible, ns16550a_probe, uart_stop);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shakti_uart.c: the UART of SHAKTI's SoCs (SHAKTI user manual, "UART"; `compatible` as in
 * OpenSBI's driver). The firmware has set its speed, which stays.
 *
 * Receiving is in uart.c. Sending polls, because panics and interrupt handlers print; a UART that
 * does not become ready is waited for once, for at most a second, and after that loses bytes
 * instead of time.
 */
#include <assert.h>
#include <errno.h>
#include <quarry/port.h>

#include "drivers/base/driver.h"
#include "drivers/base/io.h"
#include "drivers/timer/timer.h"
#include "drivers/serial/uart.h"

#define UART_TX		0x04
#define UART_RX		0x08
#define UART_STATUS	0x0c
#define UART_INT_EN	0x18
#define REGS_SIZE	0x24

#define STATUS_TX_EMPTY 0x01U
#define STATUS_TX_FULL	0x02U
#define STATUS_RX_DATA	0x04U
#define STATUS_BAD_BYTE 0xd0U /* parity, framing, break */
#define STATUS_OVERRUN	0x20U
#define INT_RX_DATA	0x04U /* the bits of STATUS */

#define TX_WAIT_NS	NSEC_PER_SEC
#define TX_WAIT_POLLS	1000000 /* without a timer */
#define FLUSH_NS \
	(20 * NSEC_PER_MSEC) /* 16 bytes at 9600 bits a second; QEMU never says it is empty */

struct shakti_uart {
	struct uart common;
	char *base;
	bool stuck;
};
static_assert(offsetof(struct shakti_uart, common) == 0, "uart.c finds it there");

/* Wait until a bit of STATUS has this value, ns at most. */
static bool wait_status(const struct shakti_uart *uart, uint32_t bit, bool value, uint64_t ns)
{
	uint64_t start = timer_now();

	for (uint32_t polls = 0; !(readw(uart->base + UART_STATUS) & bit) == value; polls++) {
		if (timer_hz() ? timer_now() - start > ns : polls > TX_WAIT_POLLS)
			return false;
		port_relax();
	}
	return true;
}

static void shakti_uart_putc(struct device *dev, char c)
{
	struct shakti_uart *uart = device_priv(dev);
	unsigned long flags = port_irq_save();

	uart->stuck = uart->stuck ? (readw(uart->base + UART_STATUS) & STATUS_TX_FULL) != 0
				  : !wait_status(uart, STATUS_TX_FULL, false, TX_WAIT_NS);
	if (!uart->stuck)
		writeb((uint8_t)c, uart->base + UART_TX);
	port_irq_restore(flags);
}

static void shakti_uart_flush(struct device *dev)
{
	struct shakti_uart *uart = device_priv(dev);

	if (!uart->stuck)
		wait_status(uart, STATUS_TX_EMPTY, true, FLUSH_NS);
}

static int shakti_uart_take(struct device *dev)
{
	struct shakti_uart *uart = device_priv(dev);
	uint32_t status = readw(uart->base + UART_STATUS), byte;

	if (status & STATUS_OVERRUN)
		uart->common.overruns++;
	if (!(status & STATUS_RX_DATA))
		return UART_EMPTY;
	byte = readb(uart->base + UART_RX);
	return status & STATUS_BAD_BYTE ? UART_BAD : (int)byte;
}

static void shakti_uart_listen(struct device *dev, bool on)
{
	const struct shakti_uart *uart = device_priv(dev);

	writew(on ? INT_RX_DATA : 0, uart->base + UART_INT_EN);
}

static void shakti_uart_interrupt(void *arg)
{
	uart_receive(arg);
}

static const struct uart_ops shakti_uart_ops = {
	.putc = shakti_uart_putc,
	.flush = shakti_uart_flush,
	.take = shakti_uart_take,
	.listen = shakti_uart_listen,
	.interrupt = shakti_uart_interrupt,
};

static int shakti_uart_probe(struct device *dev)
{
	struct shakti_uart *uart = device_priv(dev);
	int error;

	uart->base = device_map_reg(dev, 0);
	if (!uart->base)
		return -ENXIO;
	if (dev->size < REGS_SIZE || (dev->reg & 3) != 0)
		return -EINVAL;
	error = uart_init(dev, &shakti_uart_ops);
	if (error)
		return error;
	writew(0, uart->base + UART_INT_EN);
	uart_start(dev);
	return 0;
}

static const char *const shakti_uart_compatible[] = {"shakti,uart0", NULL};

DRIVER(shakti_uart, "shakti-uart", DRIVER_UART, shakti_uart_compatible, shakti_uart_probe,
       uart_stop);

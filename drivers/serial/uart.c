/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart.c: the ring of received bytes, and which UART is the console.
 *
 * The interrupt handler only writes head, the thread only tail, so the ring needs no lock; whatever else they share is
 * touched with interrupts masked.
 */
#include "drivers/serial/uart.h"

#include <errno.h>
#include <libfdt.h>
#include <quarry/port.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot.h"

/*
 * The ring holds what a line of 115200 bits a second brings in a second, 11520 bytes, because no wait in a driver is
 * longer: nobody who reads is away for more. That is more than a page and less than four.
 */
#define RING_ORDER     2
#define BYTES_A_SECOND 11520
#define FASTEST	       4000000 /* bits a second; more is a mistake in the tree */
static_assert(PAGE_SIZE << RING_ORDER >= BYTES_A_SECOND, "a second of input");
static_assert(PAGE_SIZE << (RING_ORDER - 1) < BYTES_A_SECOND, "and no more than that takes");

static struct device *console;

static const struct uart_ops *ops_of(struct device *dev)
{
	return ((struct uart *)device_priv(dev))->ops;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static uint32_t used(const struct uart *uart)
{
	return uart->head - uart->tail;
}

void uart_receive(struct device *dev)
{
	struct uart *uart = device_priv(dev);
	uint32_t bad =
		0; /* in a row of takes that has no end if the registers are not there any more */

	while (used(uart) < uart->size && bad < uart->size) {
		int byte = uart->ops->take(dev);

		if (byte == UART_EMPTY)
			return;
		if (byte == UART_BAD) {
			uart->bad++;
			bad++;
			continue;
		}
		uart->data[uart->head & (uart->size - 1)] = (unsigned char)byte;
		uart->head = uart->head + 1;
		uart->received++;
	}
	uart->throttled = true;
	uart->throttles++;
	uart->ops->listen(dev, false);
}

/* Take bytes again, and what waits in the FIFO first. */
static void unthrottle(struct device *dev)
{
	struct uart *uart = device_priv(dev);
	unsigned long flags = port_irq_save();

	uart->throttled = false;
	if (uart->irq.nr_cells)
		uart->ops->listen(dev, true);
	uart_receive(dev);
	port_irq_restore(flags);
}

/* The oldest byte in the ring, -1 if there is none. */
static int oldest(struct uart *uart)
{
	int byte;

	if (used(uart) == 0)
		return -1;
	byte = uart->data[uart->tail & (uart->size - 1)];
	uart->tail = uart->tail + 1;
	return byte;
}

int uart_getc(void)
{
	struct uart *uart;

	if (!console)
		return console_early_getc();
	uart = device_priv(console);
	if (!uart->irq.nr_cells || (uart->throttled && used(uart) <= uart->size / 2))
		unthrottle(console);
	return oldest(uart);
}

bool uart_wakes(void)
{
	return console && ((struct uart *)device_priv(console))->irq.nr_cells;
}

/* ---- the driver's side ----------------------------------------------------------------------- */

int uart_init(struct device *dev, const struct uart_ops *ops)
{
	struct uart *uart = device_priv(dev);
	unsigned int order = RING_ORDER;

	uart->ops = ops;
	while (!(uart->data = device_alloc(dev, order)) && order > 0)
		order--;
	uart->size = (uint32_t)PAGE_SIZE << order;
	return uart->data ? 0 : -ENOMEM;
}

static void console_putc(char c)
{
	ops_of(console)->putc(console, c);
}

/* stdout-path names this device; or it names nothing that exists, and no UART is the console yet. */
static bool is_console(const struct device *dev)
{
	int node = of_stdout(dev->fdt, NULL);

	return node >= 0 ? node == dev->node : console == NULL;
}

void uart_start(struct device *dev)
{
	struct uart *uart = device_priv(dev);
	int irq = of_irq(dev->fdt, dev->node, 0, &uart->irq);

	if (!irq)
		irq = irq_request(&uart->irq, uart->ops->interrupt, dev);
	if (irq < 0) {
		uart->irq.nr_cells = 0;
		device_log(dev, "no interrupt (%s): polling", strerror(-irq));
	} else {
		dev->irq = (uint32_t)irq;
	}
	if (is_console(dev)) {
		console = dev;
		console_set_output(console_putc);
	}
	unthrottle(dev);
}

void uart_stop(struct device *dev)
{
	struct uart *uart = device_priv(dev);
	unsigned long flags;

	if (console == dev) {
		uart->ops->flush(dev);
		console_set_output(NULL);
		console = NULL;
	}
	flags = port_irq_save();
	uart->ops->listen(dev, false);
	port_irq_restore(flags);
	if (uart->irq.nr_cells)
		irq_free(&uart->irq);
}

uint32_t uart_speed(const struct device *dev, uint32_t def)
{
	const char *options = NULL;
	unsigned long asked = of_u32(dev->fdt, dev->node, "current-speed", def);

	if (of_stdout(dev->fdt, &options) == dev->node && options) {
		unsigned long text = strtoul(options, NULL, 10);

		if (text > 0 && text <= FASTEST)
			asked = text;
	}
	return asked <= FASTEST ? (uint32_t)asked : 0;
}

/* ---- the console ----------------------------------------------------------------------------- */

struct device *uart_console(void)
{
	return console;
}

void uart_flush(void)
{
	if (console)
		ops_of(console)->flush(console);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart.c: the ring of received bytes, and which UART is the console.
 *
 * The interrupt handler only writes head, the thread only tail, so the ring needs no lock; whatever
 * else they share is touched with interrupts masked.
 */
#include "drivers/serial/uart.h"

#include <assert.h>
#include <errno.h>
#include <libfdt.h>
#include <quarry/port.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/console_early.h"
#include "drivers/timer/timer.h"

/*
 * The ring holds what a line of 115200 bits a second brings in a second, 11520 bytes, because no
 * wait in a driver is longer: the reader is away for no more. That is more than a page and less
 * than four.
 */
#define RING_ORDER     2
#define BYTES_A_SECOND 11520
#define FLUSH_NS \
	(150 * NSEC_PER_MSEC) /* 128 bytes at 9600 bits a second; QEMU's shakti never is idle */
#define FLUSH_LOOKS 1000000   /* without a timer */
#define FASTEST	    4000000   /* bits a second; more is a mistake in the tree */
#define MISSED_MAX  8	      /* looks that found bytes, and no interrupt since the first of them */
static_assert(PAGE_SIZE << RING_ORDER >= BYTES_A_SECOND, "a second of input");
static_assert(PAGE_SIZE << (RING_ORDER - 1) < BYTES_A_SECOND, "and no more than that takes");

/*
 * Input through the firmware: bytes that come closer than TYPED_NS are a burst; so many looks that
 * find nothing end it.
 */
#define BURST_MAX   1024
#define TYPED_NS    (40 * NSEC_PER_MSEC)
#define TYPED_LOOKS 4
#define BURST_LOOKS 40

static struct device *console;
static struct device *uarts; /* all there are, in the order of their probes */

static struct uart_port *port_of(struct device *dev)
{
	return &((struct uart *)device_priv(dev))->port;
}

/* Interrupt when bytes wait, or not. Interrupts masked. */
static void listen(struct device *dev, bool on)
{
	struct uart_port *port = port_of(dev);

	uart_port_run(port, on ? port->kind->listen : port->kind->silence);
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
		int byte = uart_port_take(&uart->port);

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
	listen(dev, false);
}

/* Take bytes again, and what waits in the FIFO first. */
static void unthrottle(struct device *dev)
{
	struct uart *uart = device_priv(dev);
	unsigned long flags = port_irq_save();

	uart->throttled = false;
	if (uart->irq.nr_cells)
		listen(dev, true);
	uart_receive(dev);
	port_irq_restore(flags);
}

/* What every UART's interrupt does first: there is one. */
static void uart_interrupt(void *arg)
{
	struct uart *uart = device_priv(arg);

	uart->missed = 0;
	if (uart->ops && uart->ops->interrupt) {
		uart->ops->interrupt(arg);
		return;
	}
	/* acknowledged before the FIFO is emptied: a byte that comes in between interrupts again */
	uart_port_run(&uart->port, uart->port.kind->acknowledge);
	uart_receive(arg);
}

void uart_look(void)
{
	struct uart *uart = console ? device_priv(console) : NULL;
	bool changed = false;
	unsigned long flags;
	uint64_t before;

	if (!uart || !uart->irq.nr_cells || uart->throttled)
		return;
	flags = port_irq_save();
	before = uart->received;
	if (uart->ops && uart->ops->check)
		changed = uart->ops->check(console);
	uart_receive(console);
	uart->missed += uart->received != before;
	port_irq_restore(flags);
	if (changed)
		device_log(console, "its registers were changed: set anew");
	if (uart->missed < MISSED_MAX)
		return;
	flags = port_irq_save();
	listen(console, false);
	port_irq_restore(flags);
	irq_free(&uart->irq);
	uart->irq.nr_cells = 0;
	device_log(console, "bytes come and its interrupt does not: polling");
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

/*
 * Printing may cost the firmware's console a byte (boot/console_early.c). So when bytes follow each
 * other faster than a user types, all are taken before the first is answered.
 */
static int firmware_getc(void)
{
	static unsigned char burst[BURST_MAX];
	static unsigned int head, tail;
	static uint64_t last; /* when a byte came */
	int byte = head == tail ? console_early_getc() : -1;

	if (byte >= 0)
		head = tail = 0;
	while (byte >= 0 && head < BURST_MAX) {
		bool typed = head == 0 && timer_since(last) > TYPED_NS;
		unsigned int looks = typed ? TYPED_LOOKS : BURST_LOOKS;

		burst[head++] = (unsigned char)byte;
		last = timer_now();
		while ((byte = console_early_getc()) < 0 && looks-- > 0)
			timer_sleep(UART_POLL_NS);
	}
	return head > tail ? burst[tail++] : -1;
}

int uart_getc(void)
{
	struct uart *uart;
	int typed;

	if (!console)
		return firmware_getc();
	typed = console_early_getc();
	if (typed >= 0)
		return typed;
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

/* Is this the UART that earlycon= asked for? */
static bool is_forced(const struct uart_port *port)
{
	const struct uart_port *forced = console_forced();

	return forced && forced->base == port->base;
}

int uart_map(struct device *dev, const struct uart_kind *kind)
{
	const struct uart_port *forced = console_forced();
	struct uart_port *port = port_of(dev);
	void *base = device_map_reg(dev, 0);
	int error;

	if (!base)
		return -ENXIO;
	error = uart_port_init(port, kind, dev->fdt, dev->node, base, dev->reg, dev->size);
	if (error || !is_forced(port))
		return error;
	/* what the command line says of the registers goes before the tree: so it was asked */
	if (kind->driver != forced->kind->driver ||
	    (kind->driver == UART_DRIVER_TABLE && kind != forced->kind))
		return -ENODEV;
	port->width = forced->width;
	port->shift = forced->shift;
	return 0;
}

bool uart_is_console(const struct device *dev)
{
	phys_addr_t base = 0;

	console_firmware(&base);
	return (base && dev->reg == base) ||
	       (!console_forced() && uart_choose(dev->fdt).node == dev->node);
}

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
	uart_port_putc(port_of(console), c);
}

/* Only the console takes bytes: those of another UART may be for the firmware, which polls. */
static void become_console(struct device *dev)
{
	console = dev;
	console_set_output(console_putc);
	unthrottle(dev);
}

static struct device **link_of(struct device *dev)
{
	return &((struct uart *)device_priv(dev))->next;
}

void uart_settle(void)
{
	phys_addr_t base = 0;
	bool firmware = console_firmware(&base), named;
	struct device *dev, *choice = NULL;

	if (console || !uarts || console_forced())
		return;
	named = of_stdout(uarts->fdt, NULL) >= 0;
	for (dev = uarts; dev && !choice; dev = *link_of(dev))
		if (base && dev->reg == base)
			choice = dev;
	if (!choice && (!firmware || !named))
		choice = uarts;
	if (!choice)
		return;
	if (named)
		device_log(choice, "is the console: no driver runs what stdout-path names");
	become_console(choice);
}

void uart_start(struct device *dev)
{
	struct uart *uart = device_priv(dev);
	int irq = uart->port.kind->listen ? of_irq(dev->fdt, dev->node, 0, &uart->irq) : -ENOSYS;
	struct device **link = &uarts;

	while (*link)
		link = link_of(*link);
	*link = dev;

	if (!irq)
		irq = irq_request(&uart->irq, uart_interrupt, dev);
	if (irq < 0) {
		uart->irq.nr_cells = 0;
		device_log(dev, "no interrupt (%s): polling", strerror(-irq));
		dev->irq_note = irq_reason(irq);
	} else {
		dev->irq = (uint32_t)irq;
	}
	if (console_forced() ? is_forced(&uart->port) : of_stdout(dev->fdt, NULL) == dev->node)
		become_console(dev);
}

void uart_stop(struct device *dev)
{
	struct uart *uart = device_priv(dev);
	struct device **link = &uarts;
	unsigned long flags;

	while (*link != dev)
		link = link_of(*link);
	*link = uart->next;
	if (console == dev) {
		uart_flush();
		console_set_output(NULL);
		console = NULL;
	}
	flags = port_irq_save();
	listen(dev, false);
	port_irq_restore(flags);
	if (uart->irq.nr_cells)
		irq_free(&uart->irq);
}

uint32_t uart_speed(const struct device *dev)
{
	const char *options = NULL;
	unsigned long asked = of_u32(dev->fdt, dev->node, "current-speed", 0);

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
	struct uart_port *port = console ? port_of(console) : NULL;
	uint64_t start = timer_now();

	if (!port)
		console_firmware_flush();
	if (!port || port->stuck)
		return;
	for (uint32_t looks = 0; !uart_port_idle(port); looks++) {
		if (timer_hz() ? timer_since(start) > FLUSH_NS : looks > FLUSH_LOOKS)
			return;
		port_relax();
	}
}

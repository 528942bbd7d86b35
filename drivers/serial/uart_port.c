/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart_port.c: polled sending and receiving, by the rows of uart_kinds.c: see uart_kind.h.
 *
 * Without a timer, which comes later: waits are bounded by looks at a register. An access to a
 * device takes 50 ns or more, so that TX_LOOKS are longer than the sixteen bytes of a FIFO take at
 * 4800 bits a second.
 */
#include "drivers/serial/uart_kind.h"

#include <quarry/port.h>

#include "drivers/base/io.h"

#ifndef TX_LOOKS
#define TX_LOOKS 0x100000
#endif

/* ---- registers ------------------------------------------------------------------------------- */

static uint32_t access_read(const struct uart_port *port, unsigned int offset, unsigned int width)
{
	const char *addr = port->base + ((size_t)offset << port->shift);
	uint32_t value;

	if (width == 1)
		return readb(addr);
	value = width == 2 ? readw(addr) : readl(addr);
	return port->big_endian ? __builtin_bswap32(value) >> (32 - 8 * width) : value;
}

static void access_write(const struct uart_port *port, unsigned int offset, unsigned int width,
			 uint32_t value)
{
	char *addr = port->base + ((size_t)offset << port->shift);

	if (port->big_endian && width > 1)
		value = __builtin_bswap32(value) >> (32 - 8 * width);
	if (width == 1)
		writeb((uint8_t)value, addr);
	else if (width == 2)
		writew((uint16_t)value, addr);
	else
		writel(value, addr);
}

/*
 * Where reading clears what a register says of errors, each read keeps that for the receiver, which
 * may be the interrupt: none comes in between.
 */
uint32_t uart_port_read(struct uart_port *port, unsigned int offset)
{
	const struct uart_kind *kind = port->kind;
	unsigned long flags = port_irq_save();
	uint32_t value = access_read(port, offset, port->width);

	if (kind->read_clears && offset == kind->bad.offset) {
		port->errors |= value & kind->bad.mask;
		if (value & kind->overrun.mask)
			port->overruns++;
	}
	port_irq_restore(flags);
	return value;
}

void uart_port_write(struct uart_port *port, unsigned int offset, uint32_t value)
{
	access_write(port, offset, port->width, value);
}

static bool holds(struct uart_port *port, const struct uart_flag *flag)
{
	if (!flag->mask)
		return true;
	return ((uart_port_read(port, flag->offset) & flag->mask) == flag->value) != flag->differs;
}

static bool wait_for(struct uart_port *port, const struct uart_flag *flag, unsigned int looks)
{
	while (!holds(port, flag)) {
		if (looks-- == 0)
			return false;
		port_relax();
	}
	return true;
}

void uart_port_run(struct uart_port *port, const struct uart_step *step)
{
	for (; step && step->op != UART_END; step++) {
		if (step->op == UART_DRAIN) {
			wait_for(port, &port->kind->idle, TX_LOOKS);
		} else if (step->op == UART_WRITE) {
			uart_port_write(port, step->offset, step->value);
		} else {
			uint32_t value = uart_port_read(port, step->offset);

			if (step->op == UART_UNLESS && (value & step->value) == step->value)
				return;
			if (step->op == UART_SET)
				uart_port_write(port, step->offset, value | step->value);
			if (step->op == UART_CLEAR)
				uart_port_write(port, step->offset, value & ~step->value);
		}
	}
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static unsigned int data_width(const struct uart_port *port)
{
	return port->kind->data_width ? port->kind->data_width : port->width;
}

bool uart_port_putc(struct uart_port *port, char c)
{
	const struct uart_kind *kind = port->kind;
	unsigned long flags = port_irq_save();
	bool sent;

	if (port->room == 0) {
		port->stuck = !wait_for(port, &kind->can_send, port->stuck ? 0 : TX_LOOKS);
		port->room = port->stuck ? 0 : port->fifo;
	}
	sent = port->room > 0;
	if (sent) {
		port->room--;
		uart_port_run(port, kind->before_tx);
		access_write(port, kind->tx, data_width(port), (unsigned char)c);
		uart_port_run(port, kind->after_tx);
	} else {
		port->tx_lost++;
	}
	port_irq_restore(flags);
	return sent;
}

bool uart_port_ready(struct uart_port *port)
{
	return wait_for(port, &port->kind->can_send, TX_LOOKS);
}

bool uart_port_idle(struct uart_port *port)
{
	return holds(port, &port->kind->idle);
}

/* What is known of errors, and cleared with that; the overruns are counted. */
static uint32_t take_errors(struct uart_port *port)
{
	const struct uart_kind *kind = port->kind;
	uint32_t errors, overrun = 0;

	if (kind->read_clears) {
		if (kind->has_byte.offset != kind->bad.offset || !kind->has_byte.mask)
			uart_port_read(port, kind->bad.offset);
		errors = port->errors;
		port->errors = 0;
		return errors;
	}
	errors = kind->bad.mask ? uart_port_read(port, kind->bad.offset) & kind->bad.mask : 0;
	if (kind->overrun.mask)
		overrun = uart_port_read(port, kind->overrun.offset) & kind->overrun.mask;
	if (overrun)
		port->overruns++;
	if (errors || overrun)
		uart_port_run(port, kind->clear);
	return errors;
}

/* Nothing is left that could be broken. */
static int empty(struct uart_port *port)
{
	port->in_break = false;
	port->errors = 0;
	return UART_EMPTY;
}

static int take(struct uart_port *port)
{
	const struct uart_kind *kind = port->kind;
	uint32_t errors, data;

	if (!holds(port, &kind->has_byte))
		return empty(port);
	errors = take_errors(port);
	data = access_read(port, kind->rx, data_width(port));
	if (data & kind->data_empty)
		return empty(port);
	uart_port_run(port, kind->after_rx);
	if (data & kind->data_overrun)
		port->overruns++;
	if (errors && !(errors & ~kind->bad_early)) {
		port->in_break = true;
		errors = 0;
	}
	data &= 0xff | kind->data_bad;
	if (errors || data & kind->data_bad || (port->in_break && !data))
		return UART_BAD;
	return (int)(data & 0xff);
}

int uart_port_take(struct uart_port *port)
{
	unsigned long flags = port_irq_save();
	int byte = take(port);

	port_irq_restore(flags);
	return byte;
}

void uart_port_start(struct uart_port *port)
{
	uart_port_run(port, port->kind->start);
}

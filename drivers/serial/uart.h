/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart.h: what UARTs have in common, whatever their make: a ring of received bytes, filled by
 * interrupt or by polling, and being the console. The registers' part is a row of uart_kind.h;
 * what a driver does beyond that is struct uart_ops.
 *
 * A full ring stops the driver from taking bytes out of the FIFO, so a sender that respects flow
 * control loses nothing; what a line without flow control loses then is counted. Half empty, the
 * ring takes bytes again.
 */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include "drivers/base/driver.h"
#include "drivers/irqchip/irq.h"
#include "drivers/serial/uart_kind.h"
#include "drivers/timer/timer.h"

/*
 * How often to look for a byte where none wakes the CPU: 115200 bits a second fill a FIFO of 8
 * bytes in 694 us.
 */
#define UART_POLL_NS (250 * NSEC_PER_USEC)

struct uart_ops {
	/*
	 * NULL, or: set the registers anew if someone else has changed them; whether so. Interrupts
	 * masked.
	 */
	bool (*check)(struct device *dev);
	/*
	 * The interrupt's handler, given the device: acknowledges, and calls uart_receive(). NULL:
	 * by the row.
	 */
	irq_fn interrupt;
};

/* device_priv() of a UART's driver starts with it. */
struct uart {
	struct uart_port port;
	const struct uart_ops *ops; /* NULL: none of them */
	struct device *next;	    /* the next UART there is */
	struct of_irq irq;	    /* nr_cells 0: none, so it is polled */
	/*
	 * The ring. Head and tail count bytes since the start and wrap freely, so full and empty
	 * differ without a spare slot.
	 */
	unsigned char *data;
	uint32_t size;		/* a power of two */
	volatile uint32_t head; /* bytes put in, by the interrupt handler */
	volatile uint32_t tail; /* bytes taken out, by the thread */
	bool throttled;		/* the ring was full: bytes stay in the FIFO */
	uint64_t received;	/* bytes put into the ring */
	uint64_t throttles;	/* times it was full */
	uint64_t bad;		/* what arrived and was no data */
	uint32_t missed; /* bytes were there when uart_look() looked, and no interrupt since */
};

/*
 * uart_is_console() - is this UART, which is mapped, what the tree or the command line means for
 * the console, or what prints already? Drivers touch no other, but for pl011.c, which sets up each
 * PL011: nobody here switches clocks, and an access to registers without one stops many machines.
 *
 * uart_map() - the port, by this row and the node. 0, -ENXIO or -EINVAL. uart_init() - get the
 * ring. 0, or -ENOMEM with no page to be had. Context: probe, before anything is received.
 * uart_start() - ask for the node's interrupt, or poll after a line of log; if stdout-path names
 * the node, become the console, which listens. Context: probe, the last thing to do: it cannot
 * fail. uart_stop() - the console falls back to the firmware's, the interrupt is given back.
 * Context: remove.
 */
bool uart_is_console(const struct device *dev);
int uart_map(struct device *dev, const struct uart_kind *kind);
int uart_init(struct device *dev, const struct uart_ops *ops);
void uart_start(struct device *dev);
void uart_stop(struct device *dev);

/*
 * uart_receive() - move what the FIFO holds into the ring. Context: interrupts masked. Bound: a
 * ring's bytes.
 */
void uart_receive(struct device *dev);

/*
 * uart_settle() - after all drivers have probed: if none runs what stdout-path names, or it names
 * nothing, the UART that the firmware prints on becomes the console if a driver runs it; else the
 * first one, unless earlycon= asked for another, or stdout-path names something and the firmware's
 * console serves. So input is read where the prompt is printed. Context: thread.
 */
void uart_settle(void);

/*
 * uart_speed() - bits a second asked for by stdout-path's options, else by `current-speed`; 0 if
 * neither states it, or what they state cannot be: the firmware's stays then, as in Linux.
 * Source: Devicetree Specification 3.6 (options of stdout-path are optional).
 */
uint32_t uart_speed(const struct device *dev);

/*
 * The UART that is the console, NULL if it is the firmware's; its state is device_priv(). Context:
 * any.
 */
struct device *uart_console(void);

/*
 * uart_getc() - a byte the user sent, from the UART or, before there is one, from the firmware; -1
 * if there is none. uart_wakes() - whether a byte that arrives ends cpu_wait_for_interrupt().
 * uart_look() - see after a console that is silent: set its registers anew if they were changed,
 * and take what its FIFO holds though no interrupt told of it, as where the tree names a wrong
 * interrupt; if it is always so, the console is polled from then on. Context: thread.
 */
int uart_getc(void);
bool uart_wakes(void);
void uart_look(void);

/* Wait, in bounded time, until everything printed has left the machine. Any context. */
void uart_flush(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart.h: the one UART that is the console, whatever its make.
 *
 * Received bytes wait in a ring of a power of two, filled by the interrupt handler and emptied by a
 * thread. Head and tail count bytes since the start and wrap freely, so full and empty differ
 * without a spare slot.
 */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include "drivers/driver.h"

struct uart_ring {
	unsigned char *data;
	uint32_t size;		/* a power of two */
	volatile uint32_t head; /* bytes put in, by the interrupt handler */
	volatile uint32_t tail; /* bytes taken out, by the thread */
};

static inline uint32_t uart_ring_used(const struct uart_ring *ring)
{
	return ring->head - ring->tail;
}

static inline bool uart_ring_full(const struct uart_ring *ring)
{
	return uart_ring_used(ring) == ring->size;
}

/* The caller has seen that it is not full. */
static inline void uart_ring_put(struct uart_ring *ring, unsigned char byte)
{
	ring->data[ring->head & (ring->size - 1)] = byte;
	ring->head = ring->head + 1;
}

/* The oldest byte, -1 if there is none. */
static inline int uart_ring_get(struct uart_ring *ring)
{
	int byte;

	if (uart_ring_used(ring) == 0)
		return -1;
	byte = ring->data[ring->tail & (ring->size - 1)];
	ring->tail = ring->tail + 1;
	return byte;
}

struct uart_ops {
	void (*putc)(struct device *dev, char c); /* polls, in bounded time; any context */
	int (*getc)(struct device *dev);	  /* a received byte, -1 if there is none; thread */
	void (*flush)(struct device *dev);	  /* until the last bit is on the wire, bounded */
	bool wakes;				  /* receiving interrupts a wait for interrupt */
};

/*
 * uart_is_console() - /chosen/stdout-path names this device; or it names nothing that exists, and
 * no UART has been registered yet.
 */
bool uart_is_console(const struct device *dev);

/*
 * Make dev the console's output and input. uart_unregister() gives the console back to the
 * firmware.
 */
void uart_register(struct device *dev, const struct uart_ops *ops);
void uart_unregister(struct device *dev);

/*
 * uart_getc() - a byte the user sent, from the UART or, before there is one, from the firmware; -1
 * if there is none. uart_wakes() - whether a byte that arrives ends cpu_wait_for_interrupt().
 * Context: thread.
 */
int uart_getc(void);
bool uart_wakes(void);

/* Wait, in bounded time, until everything printed has left the machine. Any context. */
void uart_flush(void);

#endif

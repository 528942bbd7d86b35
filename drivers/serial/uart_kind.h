/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart_kind.h: what a UART's registers look like, one row a kind, and sending and receiving by
 * polling through any of them.
 *
 * A row says where the bytes go and come from, which bit says that there is room or a byte, what
 * tells of a broken byte and how that is cleared. It serves before there are drivers
 * (boot/earlycon.c) and afterwards as the registers' part of every driver here. The line's speed
 * and format stay as the firmware left them, which printed before us. Of the rest of the tree it
 * needs nothing, so boot/ may include it.
 */
#ifndef DRIVERS_UART_KIND_H
#define DRIVERS_UART_KIND_H

#include <quarry/types.h>

/* What uart_port_take() returns besides a byte. */
#define UART_EMPTY (-1) /* the FIFO has none */
#define UART_BAD   (-2) /* it was no data: parity, framing, break */

/* Offsets are of a register as the manual counts; the address is base + (offset << shift). */

/* (register & mask) == value, or not if `differs`. Mask 0: there is no such register. */
struct uart_flag {
	uint16_t offset;
	bool differs;
	uint32_t mask, value;
};

/* Bits of a register that say something when they are set. Mask 0: none. */
struct uart_bits {
	uint16_t offset;
	uint32_t mask;
};

enum uart_op {
	UART_END,    /* of the steps */
	UART_WRITE,  /* the value */
	UART_SET,    /* the value's bits; read, changed, written */
	UART_CLEAR,  /* the same, to 0 */
	UART_READ,   /* for what reading does */
	UART_UNLESS, /* if all of the value's bits are set, no step follows */
	UART_DRAIN,  /* wait until all bytes have left, in bounded time */
};

struct uart_step {
	enum uart_op op;
	uint16_t offset;
	uint32_t value;
};

/* Who runs it once drivers run. */
enum uart_driver {
	UART_DRIVER_TABLE, /* uart_table.c: a row is all there is to it */
	UART_DRIVER_8250,  /* ns16550a.c: sets the speed */
	UART_DRIVER_PL011, /* pl011.c: the same */
	UART_DRIVER_NONE,  /* the SBI prints: there are no registers for us */
};

struct uart_kind {
	const char *name;  /* in `earlycon=NAME,ADDRESS`: Linux's name, where it has one */
	const char *alias; /* another name for it, or NULL */
	const char *const *compatible; /* ends with NULL */
	enum uart_driver driver;

	/* accesses */
	uint8_t width;	    /* bytes */
	uint8_t data_width; /* of tx and rx, if another; else 0 */
	uint8_t shift;
	bool of_layout; /* the tree's reg-shift, reg-io-width, reg-offset go before these */
	bool big_endian;
	uint8_t fifo;  /* bytes can_send promises room for while the FIFO is on; 0 is 1 */
	uint16_t span; /* registers that are used end before this offset */

	/* sending */
	uint16_t tx;
	struct uart_flag can_send, idle;
	const struct uart_step *before_tx, *after_tx; /* NULL: nothing; so are all steps below */

	/* receiving */
	uint16_t rx;
	struct uart_flag has_byte;
	uint32_t data_empty;   /* in the data read: there was none */
	uint32_t data_bad;     /* in the data: it is no data */
	uint32_t data_overrun; /* in the data: one before it was lost */
	struct uart_bits bad, overrun;
	/*
	 * Of bad's bits, those that may tell of a byte that is not yet the next one: the zeros that
	 * follow are the broken bytes then, until the FIFO is empty; what is not zero is data.
	 */
	uint32_t bad_early;
	bool read_clears;		  /* reading bad's register clears bad and overrun */
	const struct uart_step *clear;	  /* else this does */
	const struct uart_step *after_rx; /* after each byte */

	const struct uart_step *start; /* so that it sends and receives; may come twice */

	/* interrupts; listen NULL: it is polled */
	const struct uart_step *listen, *silence, *acknowledge;
};

extern const struct uart_kind uart_kinds[];
extern const unsigned int uart_nr_kinds;

/* One UART: a kind at an address. */
struct uart_port {
	const struct uart_kind *kind; /* NULL: none */
	char *base;
	uint8_t width, shift;
	bool big_endian;
	bool stuck;	   /* it did not become ready: looked at once a byte from then on */
	bool in_break;	   /* until the FIFO is empty, a zero is no data */
	uint32_t errors;   /* bad bits that were read, and with that cleared, and not yet used */
	uint32_t fifo;	   /* bytes that can_send promises room for */
	uint32_t room;	   /* of these, left */
	uint64_t tx_lost;  /* bytes not sent: it never became ready */
	uint64_t overruns; /* times a byte that came was lost */
};

/*
 * The row for a compatible string, for a name of `length` bytes, for a node; NULL if there is none.
 */
const struct uart_kind *uart_kind_of(const char *compatible);
const struct uart_kind *uart_kind_named(const char *name, size_t length);
const struct uart_kind *uart_kind_of_node(const void *fdt, int node);

/*
 * uart_port_init() - a port of this kind whose registers' range is [reg, reg + size), accessible at
 * base; the node (negative: none) may say how they lie. Nothing is accessed. 0, or -EINVAL: they
 * cannot lie so.
 * uart_port_of_node() - the same by the node alone, at its physical address; NULL, or why not.
 * uart_port_start() - make it send and receive.
 */
int uart_port_init(struct uart_port *port, const struct uart_kind *kind, const void *fdt, int node,
		   void *base, phys_addr_t reg, phys_addr_t size);
const char *uart_port_of_node(struct uart_port *port, const struct uart_kind *kind, const void *fdt,
			      int node);
void uart_port_start(struct uart_port *port);

/*
 * uart_port_putc() - send a byte, after a bounded wait for room; false if it was dropped because
 * there was none. uart_port_ready() - is there room, after the same wait? uart_port_idle() - has
 * the last bit left? uart_port_take() - a byte out of the FIFO, or UART_EMPTY, or UART_BAD.
 * Context: any.
 */
bool uart_port_putc(struct uart_port *port, char c);
bool uart_port_ready(struct uart_port *port);
bool uart_port_idle(struct uart_port *port);
int uart_port_take(struct uart_port *port);

/* A register, by its offset in the row. */
uint32_t uart_port_read(struct uart_port *port, unsigned int offset);
void uart_port_write(struct uart_port *port, unsigned int offset, uint32_t value);

/* Steps of the row, e.g. kind->listen. */
void uart_port_run(struct uart_port *port, const struct uart_step *steps);

/* Which UART a tree means for its console. */
struct uart_choice {
	int node;		      /* negative: it has none */
	const struct uart_kind *kind; /* NULL: no row knows the node */
	bool named;		      /* by stdout-path */
};

/*
 * uart_choose() - the node stdout-path names, and no other if it names one; else what the alias
 * serial0 does, or the first one in the tree, of those that are enabled and have a row. The tree
 * must be whole.
 */
struct uart_choice uart_choose(const void *fdt);

/* What earlycon= asks for. */
struct uart_wish {
	const struct uart_kind *kind;
	phys_addr_t addr;
	uint8_t width, shift; /* width 0: as the row has them */
};

/*
 * uart_wish_of() - the value of the command line's first earlycon=, and its length; NULL if there
 * is none before ` -- `. uart_parse() - take "KIND[,mmio|mmio16|mmio32],ADDRESS[,..]" apart; NULL,
 * or what is wrong with it. Source: Linux, admin-guide/kernel-parameters.rst.
 */
const char *uart_wish_of(const char *bootargs, size_t *length);
const char *uart_parse(const char *text, size_t length, struct uart_wish *wish);

#endif

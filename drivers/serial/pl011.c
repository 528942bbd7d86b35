/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pl011.c: the Arm PrimeCell UART PL011 (DDI0183; devicetree binding serial/pl011).
 *
 * Its registers' part is a row of uart_kinds.c; what is here is the line's speed, and registers
 * that an emulator overwrites.
 */
#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include "drivers/base/driver.h"
#include "boot/dt/of.h"
#include "drivers/serial/uart.h"

#define UARTIBRD      0x24
#define UARTFBRD      0x28
#define UARTLCR_H     0x2c
#define UARTCR	      0x30
#define UARTIFLS      0x34
#define UARTIMSC      0x38
#define UARTDMACR     0x48

#define LCR_8N1_FIFO  0x70U
#define CR_ENABLE     0x301U  /* UARTEN, TXE, RXE */
#define CR_HWFLOW     0xc000U /* CTSEN, RTSEN: left as the firmware has them */
#define CR_DTR_RTS    0xc00U
#define IFLS_RX_1_8   0x00U /* interrupt at an eighth of either FIFO */

#define PERIPHID_PART 0xfffU
#define PART_PL011    0x011U

/* UARTCLK in Hz if the tree says it outright: the first clock is a fixed one. 0 if it does not. */
static uint32_t uart_clock(const struct device *dev)
{
	uint32_t rate = of_u32(dev->fdt, dev->node, "clock-frequency", 0);
	const fdt32_t *clocks;
	int len, node;

	if (rate)
		return rate;
	clocks = fdt_getprop(dev->fdt, dev->node, "clocks", &len);
	if (!clocks || len < (int)sizeof(*clocks))
		return 0;
	node = fdt_node_offset_by_phandle(dev->fdt, fdt32_ld(clocks));
	if (node < 0 || fdt_node_check_compatible(dev->fdt, node, "fixed-clock") != 0)
		return 0;
	return of_u32(dev->fdt, node, "clock-frequency", 0);
}

/*
 * The divisor, in 64ths, for the speed that is asked for; 0, which leaves the firmware's as it is,
 * if none is or the clock is not known. It printed before us.
 */
static uint32_t divisor(const struct device *dev)
{
	uint32_t clock = uart_clock(dev);
	uint32_t speed = uart_speed(dev);
	uint64_t value;

	if (speed == 0 || clock < 16ULL * speed)
		return 0;
	value = (4ULL * clock + speed / 2) / speed;
	return value <= 0xffff * 64ULL ? (uint32_t)value : 0;
}

static void set_line(const struct device *dev, struct uart_port *port)
{
	static const struct uart_step drain[] = {{UART_DRAIN, 0, 0}, {UART_END, 0, 0}};
	uint32_t control = uart_port_read(port, UARTCR) & CR_HWFLOW;
	uint32_t value = divisor(dev);

	uart_port_run(port, drain); /* what the firmware printed, before the line changes */
	uart_port_write(port, UARTIMSC, 0);
	uart_port_write(port, UARTCR, 0); /* the rest may only change while it is off */
	if (value) {
		uart_port_write(port, UARTIBRD, value / 64);
		uart_port_write(port, UARTFBRD, value % 64);
	}
	uart_port_write(port, UARTLCR_H, LCR_8N1_FIFO); /* also takes the divisor over */
	uart_port_write(port, UARTIFLS, IFLS_RX_1_8);
	uart_port_write(port, UARTDMACR, 0);
	uart_port_write(port, UARTCR, control | CR_ENABLE | CR_DTR_RTS);
}

/*
 * Breaks that find its FIFO full are written beyond it, into the registers, by an emulator (QEMU
 * 7.2); after that no byte interrupts. The FIFO is off in between, which empties it.
 */
static bool pl011_check(struct device *dev)
{
	struct uart_port *port = &((struct uart *)device_priv(dev))->port;

	if (uart_port_read(port, UARTIFLS) == IFLS_RX_1_8)
		return false;
	uart_port_write(port, UARTLCR_H, 0);
	set_line(dev, port);
	uart_port_run(port, port->kind->listen);
	return true;
}

static const struct uart_ops pl011_ops = {
	.check = pl011_check,
};

static int pl011_probe(struct device *dev)
{
	struct uart *uart = device_priv(dev);
	int error;

	/*
	 * every PrimeCell is arm,primecell; of those, the ones whose tree gives PL011's part number
	 */
	if (strcmp(dev->compatible, "arm,primecell") == 0 &&
	    (of_u32(dev->fdt, dev->node, "arm,primecell-periphid", 0) & PERIPHID_PART) !=
		    PART_PL011)
		return -ENODEV;
	error = uart_map(dev, uart_kind_of("arm,pl011"));
	if (!error)
		error = uart_init(dev, &pl011_ops);
	if (error)
		return error;
	set_line(dev, &uart->port);
	uart_start(dev);
	return 0;
}

static const char *const pl011_compatible[] = {"arm,pl011", "arm,primecell", NULL};

DRIVER(pl011, "pl011", DRIVER_UART, pl011_compatible, pl011_probe, uart_stop, sizeof(struct uart));

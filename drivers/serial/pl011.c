/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pl011.c: the Arm PrimeCell UART PL011 (DDI0183; devicetree binding serial/pl011).
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

#define UARTDR	      0x00
#define UARTFR	      0x18
#define UARTIBRD      0x24
#define UARTFBRD      0x28
#define UARTLCR_H     0x2c
#define UARTCR	      0x30
#define UARTIFLS      0x34
#define UARTIMSC      0x38
#define UARTICR	      0x44
#define UARTDMACR     0x48

#define DR_BAD_BYTE   0x700U /* framing, parity, break: the byte is no data */
#define DR_OVERRUN    0x800U
#define FR_BUSY	      0x08U
#define FR_RXFE	      0x10U
#define FR_TXFF	      0x20U
#define LCR_8N1_FIFO  0x70U
#define CR_ENABLE     0x301U  /* UARTEN, TXE, RXE */
#define CR_HWFLOW     0xc000U /* CTSEN, RTSEN: left as the firmware has them */
#define CR_DTR_RTS    0xc00U
#define IFLS_RX_1_8   0x00U /* interrupt at an eighth of either FIFO */
#define INT_RECEIVE   0x50U /* RX level, and RT: bytes that wait below it */
#define INT_ALL	      0x7ffU

#define TX_WAIT_NS    NSEC_PER_SEC
#define TX_WAIT_POLLS 1000000 /* without a timer */
#define PERIPHID_PART 0xfffU
#define PART_PL011    0x011U

struct pl011 {
	struct uart common;
	char *base;
	bool stuck;
	uint64_t tx_lost; /* bytes not sent: the transmitter never became ready */
};
static_assert(offsetof(struct pl011, common) == 0, "uart.c finds it there");
static_assert(sizeof(struct pl011) <= 1024, "fits the device's page");

/* Wait until a bit of UARTFR is clear. False after TX_WAIT_NS. */
static bool wait_clear(const struct pl011 *uart, uint32_t bit)
{
	uint64_t start = timer_now();

	for (uint32_t polls = 0; readl(uart->base + UARTFR) & bit; polls++) {
		if (timer_hz() ? timer_now() - start > TX_WAIT_NS : polls > TX_WAIT_POLLS)
			return false;
		port_relax();
	}
	return true;
}

static void pl011_putc(struct device *dev, char c)
{
	struct pl011 *uart = device_priv(dev);
	unsigned long flags = port_irq_save();

	uart->stuck = uart->stuck ? (readl(uart->base + UARTFR) & FR_TXFF) != 0
				  : !wait_clear(uart, FR_TXFF);
	if (uart->stuck)
		uart->tx_lost++;
	else
		writel((unsigned char)c, uart->base + UARTDR);
	port_irq_restore(flags);
}

static void pl011_flush(struct device *dev)
{
	struct pl011 *uart = device_priv(dev);

	if (!uart->stuck)
		wait_clear(uart, FR_BUSY);
}

static int pl011_take(struct device *dev)
{
	struct pl011 *uart = device_priv(dev);
	uint32_t data;

	if (readl(uart->base + UARTFR) & FR_RXFE)
		return UART_EMPTY;
	data = readl(uart->base + UARTDR);
	if (data & DR_OVERRUN)
		uart->common.overruns++;
	return data & DR_BAD_BYTE ? UART_BAD : (int)(data & 0xff);
}

static void pl011_listen(struct device *dev, bool on)
{
	const struct pl011 *uart = device_priv(dev);

	if (on)
		writel(INT_ALL, uart->base + UARTICR);
	writel(on ? INT_RECEIVE : 0, uart->base + UARTIMSC);
}

static void pl011_interrupt(void *arg)
{
	const struct pl011 *uart = device_priv(arg);

	/* cleared before the FIFO is emptied: a byte that comes in between interrupts again */
	writel(INT_ALL, uart->base + UARTICR);
	uart_receive(arg);
}

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

static void set_line(const struct device *dev, const struct pl011 *uart)
{
	uint32_t control = readl(uart->base + UARTCR) & CR_HWFLOW;
	uint32_t value = divisor(dev);

	wait_clear(uart, FR_BUSY);
	writel(0, uart->base + UARTIMSC);
	writel(0, uart->base + UARTCR); /* the rest may only change while it is off */
	if (value) {
		writel(value / 64, uart->base + UARTIBRD);
		writel(value % 64, uart->base + UARTFBRD);
	}
	writel(LCR_8N1_FIFO, uart->base + UARTLCR_H); /* also takes the divisor over */
	writel(IFLS_RX_1_8, uart->base + UARTIFLS);
	writel(0, uart->base + UARTDMACR);
	writel(control | CR_ENABLE | CR_DTR_RTS, uart->base + UARTCR);
}

/*
 * Breaks that find its FIFO full are written beyond it, into the registers, by an emulator (QEMU
 * 7.2); after that no byte interrupts. The FIFO is off in between, which empties it.
 */
static bool pl011_check(struct device *dev)
{
	const struct pl011 *uart = device_priv(dev);

	if (readl(uart->base + UARTIFLS) == IFLS_RX_1_8)
		return false;
	writel(0, uart->base + UARTLCR_H);
	set_line(dev, uart);
	pl011_listen(dev, true);
	return true;
}

static const struct uart_ops pl011_ops = {
	.putc = pl011_putc,
	.flush = pl011_flush,
	.take = pl011_take,
	.listen = pl011_listen,
	.check = pl011_check,
	.interrupt = pl011_interrupt,
};

static int pl011_probe(struct device *dev)
{
	struct pl011 *uart = device_priv(dev);
	int error;

	/*
	 * every PrimeCell is arm,primecell; of those, the ones whose tree gives PL011's part number
	 */
	if (strcmp(dev->compatible, "arm,primecell") == 0 &&
	    (of_u32(dev->fdt, dev->node, "arm,primecell-periphid", 0) & PERIPHID_PART) !=
		    PART_PL011)
		return -ENODEV;
	uart->base = device_map_reg(dev, 0);
	if (!uart->base)
		return -ENXIO;
	if (dev->size < UARTDMACR + 4 || (dev->reg & 3) != 0)
		return -EINVAL;
	error = uart_init(dev, &pl011_ops);
	if (error)
		return error;
	set_line(dev, uart);
	uart_start(dev);
	return 0;
}

static const char *const pl011_compatible[] = {"arm,pl011", "arm,primecell", NULL};

DRIVER(pl011, "pl011", DRIVER_UART, pl011_compatible, pl011_probe, uart_stop);

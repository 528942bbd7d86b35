/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart_table.c: the driver of every UART of which a row of uart_kinds.c is all there is to know.
 * The line's speed and format stay the firmware's. By interrupt if the row says how, else polled.
 */
#include <assert.h>
#include <errno.h>

#include "drivers/base/driver.h"
#include "drivers/serial/uart.h"

static bool uart_table_knows(const char *compatible)
{
	const struct uart_kind *kind = uart_kind_of(compatible);

	return kind && kind->driver == UART_DRIVER_TABLE;
}

static int uart_table_probe(struct device *dev)
{
	struct uart *uart = device_priv(dev);
	int error = uart_map(dev, uart_kind_of(dev->compatible));

	if (!error && !uart_is_console(dev))
		return -ENODEV;
	if (!error)
		error = uart_init(dev, NULL);
	if (error)
		return error;
	uart_port_run(&uart->port, uart->port.kind->silence);
	uart_port_start(&uart->port);
	uart_start(dev);
	return 0;
}

DRIVER_ASKED(uart_table, "uart", DRIVER_UART, uart_table_knows, uart_table_probe, uart_stop,
	     sizeof(struct uart));

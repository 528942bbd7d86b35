/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart.c: which UART is the console, and the way to it.
 */
#include "drivers/uart.h"

#include <libfdt.h>

#include "boot/boot.h"
#include "boot/of.h"

static struct device *console;
static const struct uart_ops *console_ops;

bool uart_is_console(const struct device *dev)
{
	int node = of_stdout(dev->fdt, NULL);

	return node >= 0 ? node == dev->node : console == NULL;
}

static void console_uart_putc(char c)
{
	console_ops->putc(console, c);
}

void uart_register(struct device *dev, const struct uart_ops *ops)
{
	console = dev;
	console_ops = ops;
	console_set_output(console_uart_putc);
}

void uart_unregister(struct device *dev)
{
	if (console != dev)
		return;
	console_ops->flush(dev);
	console_set_output(NULL);
	console = NULL;
}

int uart_getc(void)
{
	return console ? console_ops->getc(console) : console_early_getc();
}

bool uart_wakes(void)
{
	return console && console_ops->wakes;
}

void uart_flush(void)
{
	if (console)
		console_ops->flush(console);
}

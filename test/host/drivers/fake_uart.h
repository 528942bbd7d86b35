/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_uart.h: what UART drivers need around them, made up: device trees with a UART, its registers
 * (the test's own readl() and so on), an interrupt that the test raises by hand, and what becomes
 * the console. Included after cmocka.h and the declarations of the register accesses, before the
 * sources.
 */
#ifndef TEST_HOST_FAKE_UART_H
#define TEST_HOST_FAKE_UART_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test/host/boot/tree.h"
#include "test/host/port_host.h"

#include "boot/boot.h"
#include "boot/console_early.h"
#include "drivers/base/driver.h"
#include "drivers/irqchip/irq.h"
#include "drivers/timer/timer.h"

#define NR_UARTS 3

static struct {
	char registers[NR_UARTS][0x1000]; /* addresses alone: accesses are the test's */
	uint64_t pages[NR_UARTS][PAGE_SIZE / 8];
	unsigned char ring[NR_UARTS][PAGE_SIZE << 2];
	unsigned int nr_uarts;
	int irq; /* what irq_request() returns */
	irq_fn handler;
	void *handler_arg;
	void (*output)(char c);
	bool firmware;		   /* has a console .. */
	phys_addr_t firmware_base; /* .. on the UART there, if that is known */
	const struct uart_port *forced;
	const char *firmware_input;
	unsigned int flushed;
	char log[512];
	uint64_t now;
} fake;

/* A device bound to its driver, or NULL if the probe fails. */
static struct device *fake_device(const struct driver *driver, const char *path)
{
	struct device *dev = (struct device *)fake.pages[fake.nr_uarts++];

	memset(dev, 0, PAGE_SIZE);
	dev->driver = driver;
	dev->fdt = blob;
	dev->node = at(path);
	dev->compatible = fdt_stringlist_get(blob, dev->node, "compatible", 0, NULL);
	return driver->probe(dev) == 0 ? dev : NULL;
}

/* The device goes, in whatever state the test left it. */
static void fake_remove(struct device *dev)
{
	dev->driver->remove(dev);
}

static unsigned int fake_number(const struct device *dev)
{
	return (unsigned int)((size_t)((const char *)dev - (const char *)fake.pages) / PAGE_SIZE);
}

/* ---- what the sources call ------------------------------------------------------------------- */

void *device_map_reg(struct device *dev, int index)
{
	phys_addr_t addr, size;

	if (of_reg(dev->fdt, dev->node, index, &addr, &size) != 0)
		return NULL;
	dev->reg = addr;
	dev->size = size;
	return fake.registers[fake_number(dev)];
}

void *device_alloc(struct device *dev, unsigned int order)
{
	return order <= 2 ? fake.ring[fake_number(dev)] : NULL;
}

void device_log(const struct device *dev, const char *fmt, ...)
{
	size_t used = strlen(fake.log);
	va_list args;

	(void)dev;
	va_start(args, fmt);
	vsnprintf(fake.log + used, sizeof(fake.log) - used, fmt, args);
	va_end(args);
}

int irq_request(const struct of_irq *irq, irq_fn fn, void *arg)
{
	(void)irq;
	fake.handler = fn;
	fake.handler_arg = arg;
	return fake.irq;
}

const char *irq_reason(int error)
{
	return error < 0 ? "polled" : NULL;
}

void irq_free(const struct of_irq *irq)
{
	(void)irq;
	fake.handler = NULL;
}

void console_set_output(void (*putc)(char c))
{
	fake.output = putc;
}

bool console_firmware(phys_addr_t *base)
{
	if (fake.firmware_base)
		*base = fake.firmware_base;
	return fake.firmware;
}

void console_firmware_flush(void)
{
	fake.flushed++;
}

const struct uart_port *console_forced(void)
{
	return fake.forced;
}

int console_early_getc(void)
{
	return fake.firmware_input && *fake.firmware_input ? (unsigned char)*fake.firmware_input++
							   : -1;
}

uint64_t timer_now(void)
{
	return fake.now += NSEC_PER_USEC;
}

uint64_t timer_hz(void)
{
	return NSEC_PER_SEC;
}

void timer_sleep(uint64_t ns)
{
	fake.now += ns;
}

/* ---- trees ----------------------------------------------------------------------------------- */

static void put_string(const char *name, const char *text)
{
	assert_int_equal(fdt_property(blob, name, text, (int)strlen(text) + 1), 0);
}

/* A tree: what stdout-path says, or NULL; then the test's nodes, until finish_tree(). */
static void uart_tree(const char *stdout_path)
{
	memset(&fake, 0, sizeof(fake));
	fake.irq = 7;
	start_tree();
	put("interrupt-parent", CELLS(1));
	begin("chosen");
	if (stdout_path)
		put_string("stdout-path", stdout_path);
	end();
	begin("plic");
	put("#interrupt-cells", CELLS(1));
	put("phandle", CELLS(1));
	put("interrupt-controller", NULL, 0);
	end();
}

static void uart_node(const char *name, const char *compatible, uint32_t base)
{
	begin(name);
	put_string("compatible", compatible);
	put("reg", CELLS(0, base, 0, 0x1000));
	put("interrupts", CELLS(10));
}

#endif

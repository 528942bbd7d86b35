/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_16550.h: a 16550 on registers made up here, with the interrupts of the CPU that it has, and
 * the sources of its driver. Included after cmocka.h.
 */
#ifndef TEST_HOST_FAKE_16550_H
#define TEST_HOST_FAKE_16550_H

#include "test/host/drivers/fake_io.h"

#include "fake_uart.h"

/* Interrupts of this CPU: one that is raised while they are masked comes after that. */
static unsigned int masked;
static bool raised;
static void raise_interrupt(void);

static unsigned long mask_interrupts(void)
{
	return masked++;
}

static void restore_interrupts(unsigned long flags)
{
	masked = (unsigned int)flags;
	if (raised && !masked)
		raise_interrupt();
}
#define port_irq_save	 mask_interrupts
#define port_irq_restore restore_interrupts

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/dt/of.c"
#include "drivers/serial/ns16550a.c"
#include "drivers/serial/uart.c"
#include "drivers/serial/uart_choose.c"
#include "drivers/serial/uart_kinds.c"
#include "drivers/serial/uart_port.c"

#define IER_RECEIVE   0x01
#define IER_TIMEOUT   0x10 /* pxa, as the next */
#define IER_UNIT      0x40
#define IIR_NONE      0x01
#define LSR_OVERRUN   0x02
#define LSR_BREAK     0x10
#define LSR_THR_EMPTY 0x20
#define LSR_IDLE      0x40
#define FIFO_SIZE     16

/* ---- the chip -------------------------------------------------------------------------------- */

static struct {
	uint32_t ier, fcr, lcr, mcr, dll, dlm;
	unsigned int divisors_written;
	unsigned int busy; /* dw-apb: so many writes of LCR are ignored, each until USR is read */
	bool told_busy;
	bool busy_with_dlab; /* all writes of LCR are ignored once DLAB is on */
	bool clears;	     /* ... until the FIFOs are cleared */
	struct {
		uint8_t byte, errors;
	} fifo[256];
	unsigned int head, tail;
	bool at_once;	  /* errors are told when they come, not when their byte is at the head */
	uint32_t pending; /* of LSR, until it is read */
	uint32_t cleared; /* of IER, at any time */
} chip;

static uint32_t read_lsr(void)
{
	uint32_t status = LSR_THR_EMPTY | LSR_IDLE | chip.pending;

	chip.pending = 0;
	if (chip.head > chip.tail) {
		status |= LSR_DATA_READY | chip.fifo[chip.tail].errors;
		chip.fifo[chip.tail].errors = 0; /* reading clears them */
	}
	return status;
}

static void raise_interrupt(void)
{
	raised = masked > 0;
	if (raised)
		return;
	masked++; /* in the handler they are masked */
	fake.handler(fake.handler_arg);
	masked--;
}

static unsigned int accesses;
static bool raise_at_lsr; /* once, when it was read */

static uint32_t chip_read(size_t at)
{
	bool dlab = chip.lcr & LCR_DLAB;
	uint32_t status;

	accesses++;
	switch (at) {
	case UART_RBR:
		return dlab ? chip.dll : chip.head > chip.tail ? chip.fifo[chip.tail++].byte : 0;
	case UART_IER:
		return dlab ? chip.dlm : chip.ier;
	case UART_IIR:
		return (chip.head > chip.tail ? IIR_TIMEOUT : IIR_NONE) |
		       (chip.fcr & FCR_ENABLE ? IIR_FIFO_ENABLED : 0);
	case UART_LCR:
		return chip.lcr;
	case UART_LSR:
		status = read_lsr();
		if (raise_at_lsr) {
			raise_at_lsr = false;
			raise_interrupt();
		}
		return status;
	case UART_USR:
		chip.told_busy = false;
		return 0;
	default:
		return 0;
	}
}

static void chip_write(uint32_t value, size_t at)
{
	bool dlab = chip.lcr & LCR_DLAB;

	accesses++;
	if (at <= UART_IER && dlab) {
		*(at ? &chip.dlm : &chip.dll) = value;
		chip.divisors_written++;
	} else if (at == UART_IER) {
		chip.ier = value;
		chip.cleared |= ~value;
	} else if (at == UART_FCR) {
		chip.fcr = value;
		if (value & FCR_CLEAR && chip.clears)
			chip.busy_with_dlab = false;
	} else if (at == UART_LCR && dlab && chip.busy_with_dlab) {
		chip.told_busy = true;
	} else if (at == UART_LCR && chip.busy > 0) {
		chip.busy--;
		chip.told_busy = true;
	} else if (at == UART_LCR) {
		chip.lcr = value;
	} else if (at == UART_MCR) {
		chip.mcr = value;
	}
}

static unsigned int reg_shift;
#define AT(reg) (((size_t)((const volatile char *)(reg) - fake.registers[0])) >> reg_shift)

static uint32_t io_read(const volatile void *reg, unsigned int width)
{
	(void)width;
	return chip_read(AT(reg));
}

static void io_write(uint32_t value, volatile void *reg, unsigned int width)
{
	(void)width;
	chip_write(value, AT(reg));
}

#endif

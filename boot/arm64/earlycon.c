/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * earlycon.c: polled output and input through a PL011: see earlycon.h.
 *
 * The firmware printed through it before us, so its speed and format are right as they are.
 */
#include "boot/arm64/earlycon.h"

#include <libfdt.h>

#include "boot/arm64/mmu_early.h"
#include "boot/console_early.h"
#include "boot/dt/fdt_early.h"
#include "boot/dt/of.h"

/* PrimeCell UART (PL011) technical reference manual, chapter 3 */
#define UARTDR	      0x00
#define UARTFR	      0x18
#define UARTFR_RXFE   (1U << 4)
#define UARTFR_TXFF   (1U << 5)
#define UARTDR_ERRORS 0xf00U

/* Polls of a UART that takes nothing, before bytes are dropped instead of time. */
#define TX_POLLS 0x100000

uintptr_t earlycon_base = CONFIG_EARLYCON_PL011;

static volatile uint32_t *reg(unsigned int offset)
{
	return (volatile uint32_t *)(earlycon_base + offset);
}

static bool is_pl011(const void *fdt, int node)
{
	return node >= 0 && fdt_node_check_compatible(fdt, node, "arm,pl011") == 0;
}

static int first_pl011(const void *fdt, int node, void *ctx)
{
	int *found = ctx;

	if (!is_pl011(fdt, node) || !of_is_enabled(fdt, node))
		return 0;
	*found = node;
	return 1;
}

void earlycon_init(const void *fdt)
{
	phys_addr_t addr, size;
	int node = fdt && fdt_early_is_whole(fdt) ? of_stdout(fdt, NULL) : -1;

	/* of a damaged tree, what lies before the damage is still good for a message */
	if (!is_pl011(fdt, node) &&
	    (!fdt || fdt_early_each_sound_node(fdt, first_pl011, &node) <= 0))
		return;
	if (of_reg(fdt, node, 0, &addr, &size) != 0 || (addr & 3) != 0 || size < UARTFR + 4)
		return;
	if (mmu_early_map_device(addr))
		earlycon_base = (uintptr_t)addr;
}

void console_firmware_putc(char c)
{
	if (!earlycon_base)
		return;
	for (int i = 0; i < TX_POLLS && (*reg(UARTFR) & UARTFR_TXFF); i++)
		;
	*reg(UARTDR) = (unsigned char)c;
}

bool console_firmware(phys_addr_t *base)
{
	if (earlycon_base)
		*base = earlycon_base;
	return earlycon_base != 0;
}

int console_firmware_getc(void)
{
	uint32_t data;

	if (!earlycon_base || (*reg(UARTFR) & UARTFR_RXFE))
		return -1;
	data = *reg(UARTDR);
	return data & UARTDR_ERRORS ? -1 : (int)(data & 0xff);
}

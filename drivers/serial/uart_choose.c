/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart_choose.c: which row, which UART, and where its registers lie: by `compatible`, by a name on
 * the command line, and what a tree means for its console: see uart_kind.h. Nothing here accesses
 * one.
 */
#include "drivers/serial/uart_kind.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "boot/dt/of.h"

#define BLANKS " \t\r\n"

const struct uart_kind *uart_kind_of(const char *compatible)
{
	for (unsigned int i = 0; i < uart_nr_kinds; i++)
		for (const char *const *c = uart_kinds[i].compatible; *c; c++)
			if (strcmp(*c, compatible) == 0)
				return &uart_kinds[i];
	return NULL;
}

static bool is_name(const char *name, const char *text, size_t length)
{
	return name && strlen(name) == length && memcmp(name, text, length) == 0;
}

const struct uart_kind *uart_kind_named(const char *name, size_t length)
{
	for (unsigned int i = 0; i < uart_nr_kinds; i++)
		if (is_name(uart_kinds[i].name, name, length) ||
		    is_name(uart_kinds[i].alias, name, length))
			return &uart_kinds[i];
	return NULL;
}

const struct uart_kind *uart_kind_of_node(const void *fdt, int node)
{
	const char *compatible;

	for (int i = 0; (compatible = fdt_stringlist_get(fdt, node, "compatible", i, NULL)); i++) {
		const struct uart_kind *kind = uart_kind_of(compatible);

		if (kind)
			return kind;
	}
	return NULL;
}

/* ---- ports ----------------------------------------------------------------------------------- */

int uart_port_init(struct uart_port *port, const struct uart_kind *kind, const void *fdt, int node,
		   void *base, phys_addr_t reg, phys_addr_t size)
{
	uint32_t width = kind->width, shift = kind->shift, offset = 0;

	if (kind->of_layout && node >= 0) {
		shift = of_u32(fdt, node, "reg-shift", shift);
		width = of_u32(fdt, node, "reg-io-width", width);
		offset = of_u32(fdt, node, "reg-offset", 0);
	}
	if ((width != 1 && width != 2 && width != 4) || shift > 4 || offset >= size ||
	    (kind->of_layout && width > 1U << shift) ||
	    (phys_addr_t)kind->span << shift > size - offset || ((reg + offset) & (width - 1)) != 0)
		return -EINVAL;
	*port = (struct uart_port){
		.kind = kind,
		.base = (char *)base + offset,
		.width = (uint8_t)width,
		.shift = (uint8_t)shift,
		.big_endian = kind->big_endian ||
			      (node >= 0 && fdt_getprop(fdt, node, "big-endian", NULL)),
		.fifo = 1,
	};
	return 0;
}

const char *uart_port_of_node(struct uart_port *port, const struct uart_kind *kind, const void *fdt,
			      int node)
{
	phys_addr_t addr, size;

	if (!kind)
		return "no UART that is known";
	if (kind->driver == UART_DRIVER_NONE)
		return "the SBI's";
	if (of_reg(fdt, node, 0, &addr, &size) != 0)
		return "its registers have no address";
	if (uart_port_init(port, kind, fdt, node, (void *)(uintptr_t)addr, addr, size) != 0)
		return "its registers cannot lie as it says";
	return NULL;
}

/* ---- the tree -------------------------------------------------------------------------------- */

struct uart_choice uart_choose(const void *fdt)
{
	struct uart_choice choice = {.node = of_stdout(fdt, NULL)};

	if (choice.node >= 0) {
		choice.named = true;
		choice.kind = uart_kind_of_node(fdt, choice.node);
		return choice;
	}
	choice.node = of_path(fdt, "serial0", (int)strlen("serial0"));
	if (choice.node < 0 || !of_is_enabled(fdt, choice.node))
		choice.node = -1;
	choice.kind = choice.node < 0 ? NULL : uart_kind_of_node(fdt, choice.node);
	for (int node = 0; node >= 0 && !choice.kind; node = fdt_next_node(fdt, node, NULL)) {
		const struct uart_kind *kind = uart_kind_of_node(fdt, node);

		if (!kind || !of_is_enabled(fdt, node))
			continue;
		choice.node = node;
		choice.kind = kind;
	}
	return choice;
}

/* ---- the command line ------------------------------------------------------------------------ */

/* Part of a text that has no '\0' of its own. */
struct word {
	const char *at;
	size_t length;
};

/* The next word of what is separated by commas; empty at the end. */
static struct word next_word(const char **text, const char *end)
{
	const char *comma = memchr(*text, ',', (size_t)(end - *text));
	struct word word = {*text, (size_t)((comma ? comma : end) - *text)};

	*text = comma ? comma + 1 : end;
	return word;
}

/* Linux's words for how registers lie: a byte each, or in 16 or 32 bits. */
static bool read_access(const struct word *word, struct uart_wish *wish)
{
	static const struct {
		const char *name;
		uint8_t width, shift;
	} accesses[] = {{"mmio", 1, 0}, {"mmio16", 2, 1}, {"mmio32", 4, 2}};

	for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
		if (!is_name(accesses[i].name, word->at, word->length))
			continue;
		wish->width = accesses[i].width;
		wish->shift = accesses[i].shift;
		return true;
	}
	return false;
}

static bool read_address(const struct word *word, phys_addr_t *addr)
{
	char number[20], *end;

	if (word->length == 0 || word->length >= sizeof(number) || *word->at < '0' ||
	    *word->at > '9')
		return false;
	memcpy(number, word->at, word->length);
	number[word->length] = '\0';
	*addr = strtoul(number, &end, 0);
	return *end == '\0' && *addr != PHYS_ADDR_MAX; /* that, too, for more than 64 bits */
}

const char *uart_parse(const char *text, size_t length, struct uart_wish *wish)
{
	const char *end = text + length;
	struct word word = next_word(&text, end);

	*wish = (struct uart_wish){.kind = uart_kind_named(word.at, word.length)};
	if (!wish->kind)
		return "no UART of this kind is known";
	if (wish->kind->driver == UART_DRIVER_NONE)
		return text == end ? NULL : "the SBI takes no address";
	word = next_word(&text, end);
	if (read_access(&word, wish))
		word = next_word(&text, end);
	return read_address(&word, &wish->addr) ? NULL : "it is no KIND,ADDRESS";
}

const char *uart_wish_of(const char *bootargs, size_t *length)
{
	static const char parameter[] = "earlycon=";

	while (*(bootargs += strspn(bootargs, BLANKS)) != '\0') {
		*length = strcspn(bootargs, BLANKS);
		if (*length == 2 && memcmp(bootargs, "--", 2) == 0)
			return NULL;
		if (*length >= strlen(parameter) &&
		    memcmp(bootargs, parameter, strlen(parameter)) == 0) {
			*length -= strlen(parameter);
			return bootargs + strlen(parameter);
		}
		bootargs += *length;
	}
	return NULL;
}

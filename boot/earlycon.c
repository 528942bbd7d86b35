/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * earlycon.c: which UART prints before there are drivers: see earlycon.h.
 */
#include "boot/earlycon.h"

#include <libfdt.h>
#include <quarry/port.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/console_early.h"
#include "boot/cpu/trap_expect.h"
#include "boot/dt/fdt_early.h"
#include "boot/dt/fdt_early_tree.h"
#include "boot/dt/of.h"
#include "boot/main.h"
#include "drivers/serial/uart_kind.h"

#define MOST_SPAN 0x1000 /* bytes of registers, of a UART of which only the address is known */

static struct uart_port port; /* kind NULL: the firmware's console, if there is one */
static phys_addr_t registers;
static bool forced;

/* What a look at a register saw. */
struct look {
	struct uart_port *at;
	uint32_t value;
};

static void look(uintptr_t arg)
{
	struct look *look = (struct look *)arg;

	look->value = uart_port_read(look->at, look->at->kind->can_send.offset);
}

static void start(uintptr_t arg)
{
	uart_port_start((struct uart_port *)arg);
}

/*
 * Whether all registers read as zeros: the flags' first, which do not in a UART that was started;
 * then all but the received byte's.
 */
static void look_for_zeros(uintptr_t arg)
{
	struct look *look = (struct look *)arg;
	const struct uart_kind *kind = look->at->kind;

	look->value = uart_port_read(look->at, kind->can_send.offset) |
		      uart_port_read(look->at, kind->idle.offset);
	for (unsigned int at = 0; look->value == 0 && at < kind->span; at += look->at->width)
		if (at != kind->rx)
			look->value = uart_port_read(look->at, at);
}

/* Where zeros mean that there is room: is it a ROM, or a bus that reads as zeros? */
static bool is_void(struct uart_port *with)
{
	const struct uart_flag *room = &with->kind->can_send;
	struct look seen = {.at = with};
	struct trap_record trap;

	if ((room->value == 0) == room->differs)
		return false;
	return trap_expect(look_for_zeros, (uintptr_t)&seen, &trap) || seen.value == 0;
}

/* Take a UART: NULL, or why not. A bus without a device traps, or reads as ones or zeros. */
static const char *take(struct uart_port *with, bool (*map)(phys_addr_t addr))
{
	phys_addr_t addr = virt_to_phys(with->base);
	struct look seen = {.at = with};
	struct trap_record trap;
	bool ready;

	if (addr % PAGE_SIZE + ((phys_addr_t)with->kind->span << with->shift) > PAGE_SIZE)
		return "its registers would not be in one page";
	if (map && !map(addr))
		return "its address is memory's, or out of reach";
	if (trap_expect(look, (uintptr_t)&seen, &trap) ||
	    seen.value == UINT32_MAX >> (32 - 8 * with->width))
		return "nothing answers at its address";
	/* one that a loader has switched off is not ready until it is on */
	ready = uart_port_ready(with);
	if (trap_expect(start, (uintptr_t)with, &trap) || is_void(with))
		return "nothing answers at its address";
	if (!ready && !uart_port_ready(with))
		return "it is never ready to send";
	port = *with;
	registers = addr;
	return NULL;
}

static bool take_node(const void *fdt, int node, const struct uart_kind *kind,
		      bool (*map)(phys_addr_t addr))
{
	struct uart_port with;

	return !uart_port_of_node(&with, kind, fdt, node) && !take(&with, map);
}

static int bank_has(const struct fdt_bank *bank, void *ctx)
{
	const phys_addr_t *addr = ctx;

	return *addr >= bank->base && *addr - bank->base < bank->size;
}

/* Is it memory, as the tree has it? The tree is whole, or NULL. */
static bool is_memory(const void *fdt, phys_addr_t addr)
{
	struct fdt_tree tree = {.fdt = fdt, .fdt_phys = boot_info.fdt_phys, .log = false};
	bool found;

	if (!fdt)
		return false;
	log_set_console(false);
	found = fdt_tree_each_bank(&tree, bank_has, &addr) > 0;
	log_set_console(true);
	return found;
}

/* NULL, or why not. */
static const char *take_wish(const void *fdt, const char *text, size_t length,
			     bool (*map)(phys_addr_t addr))
{
	struct uart_port with;
	struct uart_wish wish;
	const char *wrong = uart_parse(text, length, &wish);

	if (wrong)
		return wrong;
	if (wish.kind->driver == UART_DRIVER_NONE)
		return machine_console() ? NULL : "this machine has no SBI";
	if (uart_port_init(&with, wish.kind, NULL, -1, phys_to_virt(wish.addr), wish.addr,
			   MOST_SPAN) != 0)
		return "no such UART can have this address";
	if (wish.width && wish.kind->of_layout) { /* another kind's lie as they lie */
		with.width = wish.width;
		with.shift = wish.shift;
	}
	if (wish.addr & (with.width - 1U))
		return "no such UART can have this address";
	if (is_memory(fdt, wish.addr))
		return "its address is memory's, or out of reach";
	wrong = take(&with, map);
	forced = !wrong;
	return wrong;
}

/* Whether a wish was met. */
static bool take_named(const void *fdt, const char *text, size_t length,
		       bool (*map)(phys_addr_t addr))
{
	const char *wrong = take_wish(fdt, text, length, map);

	if (wrong)
		port_log("boot: earlycon=%.*s: %s: ignored", (int)(length < 64 ? length : 64), text,
			 wrong);
	return !wrong;
}

/* /chosen/bootargs' earlycon=; NULL if there is none. */
static const char *wish_of_tree(const void *fdt, size_t *length)
{
	int size, chosen = fdt_path_offset(fdt, "/chosen");
	const char *text = chosen < 0 ? NULL : fdt_getprop(fdt, chosen, "bootargs", &size);

	return text && size > 0 && text[size - 1] == '\0' ? uart_wish_of(text, length) : NULL;
}

struct first {
	const struct uart_kind *kind;
	int node;
};

static int first_uart(const void *fdt, int node, void *ctx)
{
	struct first *first = ctx;

	first->kind = uart_kind_of_node(fdt, node);
	first->node = node;
	return first->kind && of_is_enabled(fdt, node);
}

void earlycon_init(const void *fdt, bool (*map)(phys_addr_t addr))
{
	static const char build[] = CONFIG_EARLYCON;
	bool whole = fdt && fdt_early_is_whole(fdt), firmware = machine_console();
	struct first first;
	size_t length = 0;
	const char *wish;

	/* first of all what needs no wish, so that a wish that cannot be met is heard of */
	if (whole && !firmware) {
		struct uart_choice choice = uart_choose(fdt);

		take_node(fdt, choice.node, choice.kind, map);
	} else if (fdt && !firmware && fdt_early_each_sound_node(fdt, first_uart, &first) > 0) {
		/* of a damaged tree, what lies before the damage is still good for a message */
		take_node(fdt, first.node, first.kind, map);
	}
	wish = whole ? wish_of_tree(fdt, &length) : NULL;
	if (wish && take_named(fdt, wish, length, map))
		return;
	if (build[0])
		take_named(whole ? fdt : NULL, build, strlen(build), map);
}

/* ---- what console_early.h promises ----------------------------------------------------------- */

void console_firmware_putc(char c)
{
	if (port.kind)
		uart_port_putc(&port, c);
	else
		machine_putc(c);
}

int console_firmware_getc(void)
{
	int byte;

	if (!port.kind)
		return machine_getc();
	byte = uart_port_take(&port);
	return byte < 0 ? -1 : byte;
}

void console_firmware_flush(void)
{
	static const struct uart_step drain[] = {{UART_DRAIN, 0, 0}, {UART_END, 0, 0}};

	if (port.kind && !port.stuck)
		uart_port_run(&port, drain);
}

const struct uart_port *console_forced(void)
{
	return forced ? &port : NULL;
}

bool console_firmware(phys_addr_t *base)
{
	if (!port.kind)
		return machine_console();
	*base = registers;
	return true;
}

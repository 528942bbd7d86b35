/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_chip.h: one of the UARTs of uart_chips.h at work: accesses to registers, which come
 * by fake_io.h, find FIFOs, flags and errors as its facts say; what a driver
 * must not do is noted in state.wrong.
 */
#ifndef TEST_HOST_FAKE_CHIP_H
#define TEST_HOST_FAKE_CHIP_H

#include <string.h>

#include "test/host/drivers/uart_chips.h"

#define FOREVER 1000000

static char registers[0x1000]; /* addresses alone */

static struct {
	const struct chip *chip;
	uint32_t reg[sizeof(registers)];
	char sent[64];
	unsigned int nr_sent, looks; /* looks at `room` */
	unsigned int full, busy;     /* looks until there is room, until all has left */
	struct {
		uint32_t byte, broken, lost;
	} fifo[16];
	unsigned int head, tail;
	uint32_t broken, lost; /* latched */
	uint32_t wanted;       /* interrupts, where two registers switch them */
	bool top;	       /* `some` is told by its highest bit */
	/* what single chips have */
	bool command;	 /* geni: of one byte */
	uint32_t orders; /* uartdm: resets seen since DMEN changed */
	uint32_t stale;	 /* scif: flags that no 0 was written to: TDFE, and RDF or DR */
	const char *wrong;
} state;

static void wrong(const char *what)
{
	if (!state.wrong)
		state.wrong = what;
}

static bool is(const char *name)
{
	return strcmp(state.chip->name, name) == 0;
}

static bool is_scif(void)
{
	return is("scif") || is("rzscifa");
}

static bool is_on(void)
{
	for (unsigned int i = 0; i < sizeof(state.chip->on) / sizeof(state.chip->on[0]); i++) {
		const struct pin *on = &state.chip->on[i];

		if ((state.reg[on->at] & on->mask) != (on->yes == HIGH ? on->mask : 0))
			return false;
	}
	return !is("msm_serial_dm") || (state.orders & 6) == 6;
}

/* Errors of the byte that is next are told from now on. */
static void new_head(void)
{
	if (state.chip->telling != LATCHED || state.head == state.tail)
		return;
	state.broken |= state.fifo[state.tail].broken;
}

static void arrive(uint32_t byte, uint32_t broken, bool lost)
{
	const struct chip *chip = state.chip;
	bool latched = chip->clearing != BY_ITSELF && chip->lost.mask;

	if (!is_on())
		return;
	if (chip->telling == AT_ONCE)
		state.broken |= broken;
	if (lost && latched)
		state.lost = chip->lost.mask;
	state.fifo[state.head].byte = byte;
	state.fifo[state.head].broken = broken;
	state.fifo[state.head].lost = lost && !latched ? chip->lost.mask : 0;
	state.stale |= 3;
	if (state.head++ == state.tail)
		new_head();
}

static uint32_t lowest(uint32_t mask)
{
	return mask & -mask;
}

static uint32_t highest(uint32_t mask)
{
	return 1U << (31 - __builtin_clz(mask));
}

static void tell(uint32_t *value, const struct pin *pin, size_t at, bool yes)
{
	if (!pin->mask || pin->at != at)
		return;
	*value &= ~pin->mask;
	if (yes == (pin->yes == HIGH))
		*value |= state.top && pin == &state.chip->some ? highest(pin->mask)
								: lowest(pin->mask);
}

static uint32_t read_data(void)
{
	const struct chip *chip = state.chip;
	uint32_t value;

	if (state.head == state.tail)
		return chip->none;
	value = state.fifo[state.tail].byte;
	if (chip->telling == IN_DATA)
		value |= state.fifo[state.tail].broken;
	if (chip->telling == IN_DATA && chip->lost.at == chip->rx)
		value |= state.fifo[state.tail].lost;
	state.tail++;
	new_head();
	return value;
}

static uint32_t read_status(size_t at)
{
	const struct chip *chip = state.chip;
	bool waits = state.head > state.tail;
	bool one = chip->room.at == chip->gone.at && chip->room.mask == chip->gone.mask;
	uint32_t value = state.reg[at], broken, lost;

	if (at == chip->room.at)
		state.looks++;
	tell(&value, &chip->room, at, !state.full || (is_scif() && state.stale & 0x20));
	tell(&value, &chip->gone, at, !state.busy && !(one && state.full));
	tell(&value, &chip->some, at, waits);
	if (at == chip->room.at && state.full)
		state.full--;
	if (at == chip->gone.at && state.busy)
		state.busy--;
	broken = state.broken;
	lost = state.lost;
	if (waits && (chip->telling == WITH_HEAD || chip->telling == ON_READ))
		broken = state.fifo[state.tail].broken;
	if (waits && chip->clearing == BY_ITSELF)
		lost = state.fifo[state.tail].lost;
	if (chip->telling != IN_DATA && at == chip->broken.at)
		value = (value & ~chip->broken.mask) | broken;
	if (chip->lost.mask && at == chip->lost.at)
		value = (value & ~chip->lost.mask) | lost;
	if (chip->telling == ON_READ && waits && at == chip->broken.at)
		state.fifo[state.tail].broken = state.fifo[state.tail].lost = 0;
	if (is("qcom_geni") && at == 0x40 && state.reg[0x630])
		value |= 1 << 12;
	if (is_scif() && at == chip->room.at)
		value |= state.stale & 3;
	return value;
}

static uint32_t io_read(const volatile void *reg, unsigned int width)
{
	size_t at = (size_t)((const volatile char *)reg - registers);
	uint32_t value;

	if (at >= sizeof(registers)) {
		wrong("an access beyond the registers");
		return 0;
	}
	if (at == state.chip->rx) {
		if (width != state.chip->data_width)
			wrong("the width of a read of data");
		value = read_data();
	} else {
		if (width != state.chip->width)
			wrong("the width of a read");
		value = read_status(at);
	}
	return state.chip->big_endian ? __builtin_bswap32(value) : value;
}

static void write_data(uint32_t value)
{
	bool command = !is("qcom_geni") || state.command;

	if (value > 0xff)
		wrong("more than a byte is sent");
	if (!is_on() || state.full || !command || state.nr_sent == sizeof(state.sent)) {
		wrong("sent to a chip that cannot");
		return;
	}
	state.sent[state.nr_sent++] = (char)value;
	state.command = false;
	state.full = 3;
	state.busy = 5;
	state.stale |= 0x20;
}

/* What a written value does to latched bits. */
static uint32_t cleared(const struct pin *own, const struct pin *pin, size_t at, uint32_t value,
			uint32_t latched)
{
	if (!pin->mask)
		pin = own;
	if (at != pin->at)
		return latched;
	if (state.chip->clearing == BY_ONES)
		return latched & ~(value & pin->mask);
	if (state.chip->clearing == BY_ZEROS)
		return latched & (value | ~pin->mask);
	if (state.chip->clearing == BY_ORDER && (value & pin->mask) == pin->mask)
		return 0;
	return latched;
}

static void write_control(size_t at, uint32_t value)
{
	const struct chip *chip = state.chip;

	state.broken = cleared(&chip->broken, &chip->clear, at, value, state.broken);
	state.lost = cleared(&chip->lost, &chip->clear_lost, at, value, state.lost);
	if (is("qcom_geni") && at == 0x600 && (value != 1 << 27 || state.reg[0x270] != 1))
		wrong("a command that sends no byte");
	if (is("qcom_geni") && at == 0x600)
		state.command = true;
	if (is("qcom_geni") && at == 0x630 && state.reg[at])
		wrong("a receiver is started that runs");
	if (is("msm_serial_dm") && at == 0x3c)
		state.orders = state.reg[0xa8] = 0;
	if (is("msm_serial_dm") && at == 0xa8) {
		state.orders |= 1U << (value >> 4 & 31);
		value = (value & 15) | state.reg[at];
	}
	if (is_scif() && at == chip->room.at)
		state.stale &= value;
	if (chip->wants.mask && chip->wants_not != NOWHERE && at == chip->wants.at)
		state.wanted |= value;
	if (chip->wants.mask && at == chip->wants_not)
		state.wanted &= ~value;
	state.reg[at] = value;
}

static void io_write(uint32_t value, volatile void *reg, unsigned int width)
{
	size_t at = (size_t)((const volatile char *)reg - registers);

	if (state.chip->big_endian)
		value = __builtin_bswap32(value);
	if (at >= sizeof(registers)) {
		wrong("an access beyond the registers");
	} else if (at == state.chip->tx) {
		if (width != state.chip->data_width)
			wrong("the width of a write of data");
		write_data(value);
	} else {
		if (width != state.chip->width)
			wrong("the width of a write");
		write_control(at, value);
	}
}

#endif

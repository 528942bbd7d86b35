/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_uart.c: what the console's UART has received and lost, and a test of a line at full speed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <quarry/port.h>

#include "drivers/timer/timer.h"
#include "drivers/serial/uart.h"
#include "console/command.h"
#include "console/parse.h"
#include "console/crc32.h"
#include "console/input.h"
#include "console/output.h"

#define MOST	 (1U << 30)	     /* bytes one test receives */
#define PATIENCE (20 * NSEC_PER_SEC) /* nothing came for so long: it is over */

/* Where it is polled, with the cause, as in `devices`. */
static void print_counts(struct device *dev)
{
	const struct uart *uart = device_priv(dev);

	printf("uart: %s, ring %" PRIu32 " bytes, %s, received %" PRIu64 ", overruns %" PRIu64
	       ", bad %" PRIu64 ", throttled %" PRIu64 "\n",
	       uart->port.kind->name, uart->size, dev->irq_note ? dev->irq_note : "by interrupt",
	       uart->received, uart->port.overruns, uart->bad, uart->throttles);
}

/*
 * Wait for done(arg), PATIENCE at most: the CPU idle while bytes interrupt, because an emulator
 * that shares a host has to run to bring the next one; else by looking.
 */
static bool wait_for(bool (*done)(void *arg), void *arg)
{
	uint64_t start = timer_now();

	if (uart_wakes())
		return timer_wait(PATIENCE, done, arg);
	while (!done(arg)) {
		if (timer_since(start) > PATIENCE)
			return false;
		port_relax();
	}
	return true;
}

/* Into *arg, the next byte; true if there is one. */
static bool take(void *arg)
{
	int *byte = arg;

	if (*byte < 0)
		*byte = console_poll();
	return *byte >= 0;
}

struct fill {
	const struct uart *uart;
	uint64_t end; /* uart->received when no more is to come */
};

/* The ring is full, or there is no more to come. */
static bool filled(void *arg)
{
	const struct fill *fill = arg;

	return *(const volatile bool *)&fill->uart->throttled ||
	       *(const volatile uint64_t *)&fill->uart->received >= fill->end;
}

/* Take exactly so many bytes, whatever they are, off the line. The sender waits for "ready". */
static int receive(uint64_t bytes, bool slow)
{
	struct device *dev = uart_console();
	const struct uart *uart = device_priv(dev);
	struct uart before = *uart;
	struct fill fill = {.uart = uart, .end = before.received + bytes};
	uint64_t done = 0, start;
	uint32_t crc = 0;

	output_live();
	input_raw();
	printf("uart: ready for %" PRIu64 " bytes\n", bytes);
	uart_flush();
	start = timer_now();
	while (done < bytes) {
		unsigned char byte;
		int got = -1;

		if (slow && done % uart->size == 0)
			wait_for(filled, &fill);
		if (!wait_for(take, &got))
			break;
		byte = (unsigned char)got;
		crc = crc32_update(crc, &byte, 1);
		done++;
	}
	printf("uart: %" PRIu64 " of %" PRIu64 " bytes, crc32 0x%08" PRIx32 ", overruns %" PRIu64
	       ", bad %" PRIu64 ", throttled %" PRIu64 ", %" PRIu64 " ms\n",
	       done, bytes, crc, uart->port.overruns - before.port.overruns, uart->bad - before.bad,
	       uart->throttles - before.throttles,
	       (uint64_t)((timer_since(start)) / NSEC_PER_MSEC));
	return done < bytes;
}

static int cmd_uart(int argc, char **argv)
{
	struct device *dev = uart_console();
	uint64_t bytes;

	if (argc > 4 || argc == 2 || (argc > 1 && strcmp(argv[1], "receive") != 0))
		return console_usage(argv[0]);
	if (!dev) {
		printf("uart: the console is the firmware's: no driver knows this board's UART\n");
		return 1;
	}
	if (argc == 1) {
		print_counts(dev);
		return 0;
	}
	if (parse_u64(argv[2], MOST, &bytes) != 0) {
		printf("uart: '%s' is not a number of bytes, 0 to %u\n", argv[2], MOST);
		return 1;
	}
	if (argc == 4 && strcmp(argv[3], "slow") != 0)
		return console_usage(argv[0]);
	if (!timer_hz()) {
		printf("uart: without a timer the test would wait for ever\n");
		return 1;
	}
	return receive(bytes, argc == 4);
}

CONSOLE_COMMAND_WORDS(uart, cmd_uart, "uart [receive <bytes> [slow]]",
		      "the console's UART: received, lost; a test of the line\n"
		      "receive: take raw bytes and print their CRC-32, at most 20 s of silence\n"
		      "slow: only when the ring is full\n"
		      "example: uart receive 4096",
		      "receive", "slow");

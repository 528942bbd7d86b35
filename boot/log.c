/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.c: port_log(): one line to the console and into a ring that `dmesg` reads.
 *
 * The ring keeps whole lines, each ended by '\0'; the oldest ones make room. Lines carry the
 * seconds since the boot as Linux prints them, once the rate of the time counter is known; before
 * that they carry zero, as Linux's first lines do. A lock of its own guards the ring; the console
 * has another. A debugger finds the ring by its name, when nothing can print: docs/porting.md.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include <quarry/port.h>

#include "boot/boot.h"
#include "mm/spinlock.h"

#ifndef CONFIG_LOG_SIZE
#define CONFIG_LOG_SIZE 16384 /* bytes of log kept */
#endif
#define LOG_LINE_MAX \
	256 /* bytes of one line, time stamp and '\0' included; longer ones end in "..." */

static char log_ring[CONFIG_LOG_SIZE];
static size_t log_ring_head;  /* the oldest line starts here */
static size_t log_ring_used;  /* bytes in the ring */
static uint64_t ring_dropped; /* bytes that made room so far */
static uint32_t ring_owner;   /* number + 1 of the CPU that touches the ring, 0: none */
static bool quiet;
static uint64_t first_tick;

void log_set_console(bool on)
{
	quiet = !on;
}

/*
 * Masks interrupts. A fatal report does not wait: the CPU that holds the lock may have been
 * stopped. Nor does a trap in the middle of this CPU's own line, which is cut short then. Acquire
 * and release: the ring is as the last holder left it.
 */
static unsigned long ring_lock(void)
{
	unsigned long flags = port_irq_save();
	uint32_t self = port_pcpu()->cpu + 1, other = 0;
	unsigned int spins = 0;

	while (!__atomic_compare_exchange_n(&ring_owner, &other, self, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED) &&
	       other != self && !machine_emergency()) {
		other = 0;
		spin_relax(&spins);
	}
	return flags;
}

static void ring_unlock(unsigned long flags)
{
	__atomic_store_n(&ring_owner, 0, __ATOMIC_RELEASE);
	port_irq_restore(flags);
}

static void ring_drop_line(void)
{
	char c;

	do {
		c = log_ring[log_ring_head];
		log_ring_head = (log_ring_head + 1) % CONFIG_LOG_SIZE;
		log_ring_used--;
		ring_dropped++;
	} while (c != '\0');
}

/* Append line and its '\0': length bytes, at most LOG_LINE_MAX. */
static void ring_append(const char *line, size_t length)
{
	static_assert(LOG_LINE_MAX <= CONFIG_LOG_SIZE, "a line must fit the ring");
	unsigned long flags = ring_lock();

	while (CONFIG_LOG_SIZE - log_ring_used < length)
		ring_drop_line();
	for (size_t i = 0; i < length; i++)
		log_ring[(log_ring_head + log_ring_used++) % CONFIG_LOG_SIZE] = line[i];
	ring_unlock(flags);
}

static size_t stamp(char *line, size_t size)
{
	uint64_t hz = boot_info.timebase_hz;
	uint64_t now = machine_ticks();
	uint64_t us;
	int n;

	if (first_tick == 0)
		first_tick = now;
	now -= first_tick;
	us = hz ? now / hz * 1000000 + now % hz * 1000000 / hz : 0;
	n = snprintf(line, size, "[%5lu.%06lu] ", (unsigned long)(us / 1000000),
		     (unsigned long)(us % 1000000));
	return n < 0 ? 0 : (size_t)n;
}

static void log_line(const char *fmt, va_list ap)
{
	char line[LOG_LINE_MAX + 1]; /* '\0' in the ring, "\n" on the console */
	const size_t size = LOG_LINE_MAX;
	size_t length = stamp(line, size);
	int n = vsnprintf(line + length, size - length, fmt, ap);

	if (n < 0)
		n = 0;
	if (length + (size_t)n >= size) {
		length = size - 1;
		line[length - 1] = line[length - 2] = line[length - 3] = '.';
		line[length] = '\0';
	} else {
		length += (size_t)n;
	}
	while (length > 0 && line[length - 1] == '\n')
		line[--length] = '\0';
	ring_append(line, length + 1);
	if (quiet)
		return;
	line[length++] = '\n'; /* in one call: other CPUs' lines stay apart */
	console_write(line, length);
}

void port_log(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}

void log_dump(void (*emit)(const char *line))
{
	uint64_t at = 0; /* bytes from the first line ever logged on */

	for (;;) {
		char line[LOG_LINE_MAX];
		unsigned long flags = ring_lock();
		size_t n = 0;

		if (at < ring_dropped)
			at = ring_dropped; /* lines logged meanwhile made room */
		if (at == ring_dropped + log_ring_used) {
			ring_unlock(flags);
			return;
		}
		do
			line[n] = log_ring[(log_ring_head + (size_t)(at++ - ring_dropped)) %
					   CONFIG_LOG_SIZE];
		while (line[n++] != '\0');
		ring_unlock(flags);
		emit(line);
	}
}

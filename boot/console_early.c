/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console_early.c: where characters go: the firmware's console until a driver takes over.
 *
 * picolibc's stdout and stderr end here too, so printf() works from the first C line on; it gathers
 * a line before it takes the console's lock.
 */
#include <stdio.h>

#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/console_early.h"
#include "mm/spinlock.h"

static void (*output)(char c);

void console_set_output(void (*putc)(char c))
{
	output = putc;
}

/* ---- input through the firmware -------------------------------------------------------------- */

/*
 * The firmware's console may keep a single byte, and lose that to a byte that is printed (QEMU's
 * HTIF does both): so input is taken before each byte of output. Only the boot CPU's thread takes
 * and reads.
 */
static unsigned char typed[256];
static unsigned int typed_head, typed_tail; /* they count bytes and wrap freely */

static bool is_boot_thread(void)
{
	return port_pcpu()->cpu == 0 && port_pcpu()->irq_depth == 0;
}

static void take_typed(void)
{
	int byte;

	if (output || typed_head - typed_tail == sizeof(typed))
		return;
	byte = console_firmware_getc();
	if (byte >= 0)
		typed[typed_head++ % sizeof(typed)] = (unsigned char)byte;
}

int console_early_getc(void)
{
	take_typed();
	return typed_head == typed_tail ? -1 : typed[typed_tail++ % sizeof(typed)];
}

static void raw_putc(char c)
{
	if (output) {
		output(c);
		return;
	}
	if (is_boot_thread())
		take_typed();
	console_firmware_putc(c);
}

/* ---- the lock -------------------------------------------------------------------------------- */

/*
 * The number + 1 of the CPU that prints, 0: none. Not a queue: an interrupt may log while the
 * thread below it waits or prints. Interrupts stay enabled, because a line takes milliseconds on a
 * real UART.
 */
static uint32_t owner;

static bool is_printing(void)
{
	return __atomic_load_n(&owner, __ATOMIC_RELAXED) == port_pcpu()->cpu + 1;
}

/* False: go ahead without it. */
static bool console_lock(void)
{
	uint32_t self = port_pcpu()->cpu + 1, none = 0;
	unsigned int spins = 0;

	if (is_printing())
		return false; /* an interrupt, in the middle of this CPU's line */
	/*
	 * Acquire, paired with the release below: the driver's state is as the last owner left it.
	 */
	while (!machine_emergency()) {
		if (__atomic_compare_exchange_n(&owner, &none, self, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
		none = 0;
		spin_relax(&spins);
	}
	return false;
}

static void console_unlock(void)
{
	__atomic_store_n(&owner, 0, __ATOMIC_RELEASE);
}

void console_let_go(void)
{
	if (is_printing())
		console_unlock();
}

static bool progress; /* what the cursor's line shows is to be replaced; with the lock */

static void put(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			raw_putc('\r');
		raw_putc(text[i]);
	}
}

static void write_locked(const char *text, size_t length)
{
	static const char erase[] = "\r\033[K"; /* ECMA-48 8.3.41, EL */
	bool locked = console_lock();

	if (progress)
		put(erase, sizeof(erase) - 1);
	progress = false;
	put(text, length);
	if (locked)
		console_unlock();
}

void console_cut_line(void)
{
	if (is_printing())
		write_locked("\n", 1);
}

/* ---- printf ---------------------------------------------------------------------------------- */

static char pending[256]; /* the line printf() is at; the boot CPU's thread's */
static size_t nr_pending;
static void (*filter)(const char *text, size_t length);

void console_set_filter(void (*fn)(const char *text, size_t length))
{
	filter = fn;
}

static void flush_pending(void)
{
	size_t length = nr_pending;

	nr_pending = 0;
	if (!length)
		return;
	if (filter && !machine_emergency())
		filter(pending, length);
	else
		write_locked(pending, length);
}

void console_write(const char *text, size_t length)
{
	if (is_boot_thread())
		flush_pending();
	write_locked(text, length);
}

void console_write_progress(const char *line, size_t length)
{
	bool locked;

	if (is_boot_thread())
		flush_pending();
	locked = console_lock();
	if (length || progress) {
		progress = length != 0; /* an interrupt's line erases what there is */
		put("\r", 1);
		put(line, length);
		put("\033[K", 3);
		progress = length != 0;
	}
	if (locked)
		console_unlock();
}

static int stdio_putc(char c, FILE *stream)
{
	(void)stream;
	if (!is_boot_thread()) {
		write_locked(&c, 1);
		return (unsigned char)c;
	}
	pending[nr_pending++] = c;
	if (c == '\n' || nr_pending == sizeof(pending))
		flush_pending();
	return (unsigned char)c;
}

/* fflush(): for a line that is not at its end yet. */
static int stdio_flush(FILE *stream)
{
	(void)stream;
	if (is_boot_thread())
		flush_pending();
	return 0;
}

static FILE console_stream = FDEV_SETUP_STREAM(stdio_putc, NULL, stdio_flush, _FDEV_SETUP_WRITE);

FILE *const stdout = &console_stream;
FILE *const stderr = &console_stream;

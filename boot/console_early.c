/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console_early.c: where characters go: the firmware's console until a driver takes over.
 *
 * picolibc's stdout and stderr end here too, so printf() works from the first C line on.
 */
#include <stdio.h>

#include "boot/boot.h"
#include "boot/console_early.h"

static void (*output)(char c);

void console_set_output(void (*putc)(char c))
{
	output = putc;
}

static void raw_putc(char c)
{
	if (output)
		output(c);
	else
		console_firmware_putc(c);
}

void console_putc(char c)
{
	if (c == '\n')
		raw_putc('\r');
	raw_putc(c);
}

void console_write(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		console_putc(text[i]);
}

int console_early_getc(void)
{
	return console_firmware_getc();
}

static int stdio_putc(char c, FILE *stream)
{
	(void)stream;
	console_putc(c);
	return (unsigned char)c;
}

static FILE console_stream = FDEV_SETUP_STREAM(stdio_putc, NULL, NULL, _FDEV_SETUP_WRITE);

FILE *const stdout = &console_stream;
FILE *const stderr = &console_stream;

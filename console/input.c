/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * input.c: a queue between the UART's ring and who reads: see input.h.
 */
#include "console/input.h"

#include "drivers/serial/uart.h"
#include "console/terminal.h"

#define QUEUE_SIZE 256 /* a power of two; bytes typed ahead beyond it stay in the UART's ring */

static unsigned char queue[QUEUE_SIZE];
static unsigned int head, tail; /* they count bytes and wrap freely */
static bool interrupted;

static void keep(unsigned char byte)
{
	queue[head++ % QUEUE_SIZE] = byte;
}

/* One byte from the UART, or those of a terminal's answer that turned out to be none. False: there is nothing. */
static bool fetch(void)
{
	unsigned char bytes[TERMINAL_ANSWER_MAX];
	int byte;
	unsigned int n;

	if (head - tail > QUEUE_SIZE - TERMINAL_ANSWER_MAX)
		return false;
	byte = uart_getc();
	if (byte < 0)
		return false;
	n = terminal_hear((unsigned char)byte, bytes);
	for (unsigned int i = 0; i < n; i++)
		keep(bytes[i]);
	return true;
}

void input_raw(void)
{
	unsigned char bytes[TERMINAL_ANSWER_MAX];
	unsigned int n = terminal_hear_no_more(bytes);

	for (unsigned int i = 0; i < n && head - tail < QUEUE_SIZE; i++)
		keep(bytes[i]);
}

void input_pull(void)
{
	while (head == tail && fetch())
		;
}

int console_poll(void)
{
	input_pull();
	return head == tail ? -1 : queue[tail++ % QUEUE_SIZE];
}

bool console_interrupted(void)
{
	while (fetch())
		if (head != tail && queue[(head - 1) % QUEUE_SIZE] == CTRL_C)
			console_interrupt();
	return interrupted;
}

void console_interrupt(void)
{
	tail = head;
	interrupted = true;
}

void input_restart(void)
{
	interrupted = false;
}

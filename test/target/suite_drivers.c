// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_drivers.c: drivers come and go, and leave nothing behind.
 */
#include "ktap.h"

#include <errno.h>
#include <quarry/mm.h>
#include <quarry/port.h>
#include <string.h>

#include "boot/cpu/smp.h"
#include "drivers/base/driver.h"
#include "drivers/rtc/rtc.h"
#include "drivers/timer/timer.h"
#include "drivers/serial/uart.h"
#include "console/shutdown.h"

static unsigned int count_devices(void)
{
	unsigned int count = 0;

	for (const struct device *dev = device_first(); dev; dev = dev->next)
		count++;
	return count;
}

/* All memory is back when they are gone; bound again, they are as many as before and work. */
static void shutdown(void)
{
	unsigned int before = count_devices();
	bool had_uart = uart_console() != NULL, had_timer = timer_hz() != 0;
	uint64_t start, seconds;
	bool had_rtc = rtc_read(&seconds) == 0;
	struct picture after;

	test_blocks_move(); /* bound again, devices get other pages */
	EXPECT(before > 0);
	for (int round = 0; round < 3; round++) {
		if (!EXPECT_EQ(0, shutdown_drivers(&after)))
			return;
		EXPECT(picture_compare(&after));
		EXPECT_EQ(before, count_devices());
		EXPECT_EQ(had_uart, uart_console() != NULL);
		EXPECT_EQ(had_timer, timer_hz() != 0);
		EXPECT_EQ(had_rtc, rtc_read(&seconds) == 0);
	}
	/* interrupts arrive as before: the sleeper is woken by one */
	start = timer_now();
	timer_sleep(NSEC_PER_MSEC);
	EXPECT(!had_timer || timer_since(start) >= NSEC_PER_MSEC);
}
TEST_CASE(drivers, shutdown, shutdown);

/* ---- a UART that is not there any more -------------------------------------------------------- */

/* Bytes without end that are no bytes: the handler returns, and asks for no more interrupts. */
static void uart_noise(void)
{
	/* its registers are memory; 0x18 says which interrupts are wanted */
	static const char name[] = "shakti";
	static uint16_t registers[32];
	struct device *dev = (struct device *)get_zeroed_page(GFP_KERNEL);
	struct uart *uart;

	if (!EXPECT(dev != NULL))
		return;
	uart = device_priv(dev);
	memset(registers, 0xff, sizeof(registers)); /* all status bits read as ones */
	EXPECT_EQ(0, uart_port_init(&uart->port, uart_kind_named(name, strlen(name)), NULL, -1,
				    registers, (phys_addr_t)registers, sizeof(registers)));
	uart->size = PAGE_SIZE;
	uart_receive(dev);
	EXPECT_EQ(PAGE_SIZE, uart->bad);
	EXPECT_EQ(PAGE_SIZE, uart->port.overruns);
	EXPECT_EQ(0, uart->received);
	EXPECT(uart->throttled && registers[0x18 / 2] == 0);
	free_page((unsigned long)dev);
}
TEST_CASE(drivers, uart_noise, uart_noise);

/* ---- CPUs that do not stop ------------------------------------------------------------------- */

static volatile bool held; /* CPU 1 is to stay where it is */
static volatile bool holds;

static void hold(void)
{
	if (port_pcpu()->cpu != 1)
		return;
	holds = true;
	while (held) {
		mm_ipi();
		port_relax();
		port_yield();
	}
}

static void hold_thread(void *arg)
{
	(void)arg;
	hold();
}

static bool wait_until_held(void)
{
	uint64_t deadline = timer_now() + 10 * NSEC_PER_SEC;
	unsigned int looks = 0; /* the time alone is no measure: see console/shutdown.c */

	while (!holds && (looks++ < 1000000 || timer_now() < deadline)) {
		port_relax();
		port_yield();
	}
	return EXPECT(holds);
}

/*
 * Nothing is done, and it works again when the CPU has ended what it does. How soon is not asserted: on an emulated machine the
 * host decides.
 */
static void expect_refused(int error)
{
	unsigned int before = count_devices();
	struct picture after;

	EXPECT_EQ(error, shutdown_drivers(&after));
	EXPECT_EQ(before, count_devices());
	held = false;
	smp_wait(1);
	test_blocks_move();
	EXPECT_EQ(0, shutdown_drivers(&after));
	EXPECT(picture_compare(&after));
}

/* A CPU is at work. */
static void busy(void)
{
	if (!smp_online(1)) {
		test_skip("one CPU");
		return;
	}
	held = true;
	holds = false;
	if (EXPECT_EQ(0, smp_call(1, hold_thread, NULL)) && wait_until_held())
		expect_refused(-EBUSY);
	held = false;
}
TEST_CASE(drivers, busy, busy);

/* A CPU is idle, but stays in an interrupt: it never looks at what it is asked. */
static void stuck(void)
{
	if (!smp_online(1)) {
		test_skip("one CPU");
		return;
	}
	held = true;
	holds = false;
	irq_set_hook(hold);
	port_kick(1);
	if (wait_until_held())
		expect_refused(-ETIMEDOUT);
	held = false;
	irq_set_hook(NULL);
}
TEST_CASE(drivers, stuck, stuck);

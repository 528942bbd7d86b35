// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_drivers.c: drivers come and go, and leave nothing behind.
 */
#include "ktap.h"

#include "drivers/driver.h"
#include "drivers/rtc.h"
#include "drivers/timer.h"
#include "drivers/uart.h"
#include "test/target/shutdown.h"

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
	EXPECT(!had_timer || timer_now() - start >= NSEC_PER_MSEC);
}
TEST_CASE(drivers, shutdown, shutdown);

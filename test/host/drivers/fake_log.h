/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_log.h: the last line that a driver under test has logged of its device.
 */
#ifndef QUARRY_TEST_FAKE_LOG_H
#define QUARRY_TEST_FAKE_LOG_H

#include <stdarg.h>
#include <stdio.h>

#include "drivers/base/driver.h"

static char log_text[160];

void device_log(const struct device *d, const char *fmt, ...)
{
	va_list args;

	(void)d;
	va_start(args, fmt);
	vsnprintf(log_text, sizeof(log_text), fmt, args);
	va_end(args);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_watchdog.c: watchdogs that a loader left running or not, as their manuals describe them, on
 * registers made here: what can be stopped is stopped, the others are fed in time, one that does not
 * run is never started, and what has no driver is named.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test/host/port_host.h"

#include "test/host/drivers/fake_io.h"

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/dt/of.c"
#include "drivers/watchdog/sbsa_gwdt.c"
#include "drivers/watchdog/imx2_wdt.c"
#undef REGS_SIZE
#include "drivers/watchdog/dw_wdt.c"
#include "drivers/watchdog/imx7ulp_wdt.c"
#include "drivers/watchdog/sp805.c"
#include "drivers/watchdog/watchdog.c"

#include "test/host/boot/tree.h"

/* ---- the hardware ----------------------------------------------------------------------------- */

static char registers[0x1000];
static struct {
	uint32_t reg[0x1000];
	unsigned int width;	/* of all accesses */
	bool locked;		/* it cannot be stopped */
	bool has_lock;		/* sp805: while it is closed nothing else can be written */
	unsigned int fed, half; /* feeds, and first halves of one */
	const char *wrong;
} hw;

static uint32_t io_read(const volatile void *reg, unsigned int width)
{
	if (width != hw.width)
		hw.wrong = "an access of another width";
	return hw.reg[(const volatile char *)reg - registers];
}

static void io_write(uint32_t value, volatile void *reg, unsigned int width)
{
	ptrdiff_t at = (volatile char *)reg - registers;

	if (width != hw.width && at != 4)
		hw.wrong = "an access of another width";
	if (at == 4 && (value == 0xa602 || value == 0xb480 || value == 0xb480a602)) { /* WDOG32 */
		hw.fed += value == 0xb480a602 || (hw.half && value == 0xb480);
		hw.half = value == 0xa602;
		if ((width == 4) != !!(hw.reg[0] & 1 << 13))
			hw.wrong = "a feed of the other width";
		return;
	}
	if (hw.has_lock && at != 0xc00 && hw.reg[0xc00] != 0x1acce551)
		return;
	if (width == 2 && at == 2) { /* 0x5555, then 0xaaaa, in either byte order */
		hw.fed += hw.half && value == 0xaaaa;
		hw.half = value == 0x5555;
		return;
	}
	if (width == 4 && at == 0xc && value == 0x76)
		hw.fed++;
	if (at == 0 && hw.locked)
		return;
	hw.reg[at] = value;
}

/* ---- what drivers need ------------------------------------------------------------------------ */

static char page[2][4096] __attribute__((aligned(64)));
static struct device *const device[2] = {(struct device *)page[0], (struct device *)page[1]};
static uint64_t timer_ns;
static void (*timer_fn)(void *arg);
static bool no_timer;

int timer_set_watchdogs(uint64_t ns, void (*fn)(void *arg))
{
	if (no_timer)
		return -ENODEV;
	timer_ns = ns;
	timer_fn = fn;
	return 0;
}

void *device_map_reg(struct device *dev, int index)
{
	assert_int_equal(index, 0);
	dev->size = 0x1000;
	return registers;
}

void device_log(const struct device *dev, const char *fmt, ...)
{
	char line[256];
	va_list args;

	(void)dev;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	port_log("%s", line);
}

static bool said(const char *what)
{
	return strstr(port_host_log_text, what) != NULL;
}

static void start(unsigned int width, const char *property)
{
	memset(&hw, 0, sizeof(hw));
	memset(page, 0, sizeof(page));
	memset(fed, 0, sizeof(fed));
	hw.width = width;
	no_timer = false;
	timer_fn = NULL;
	timer_ns = 0;
	port_host_log_clear();
	start_tree();
	begin("watchdog");
	if (property)
		put(property, NULL, 0);
	end();
	finish_tree();
	for (int i = 0; i < 2; i++) {
		device[i]->fdt = blob;
		device[i]->node = at("/watchdog");
	}
}

/* ---- tests ------------------------------------------------------------------------------------- */

static void test_sbsa(void **state)
{
	(void)state;
	start(4, NULL);
	hw.reg[0] = 7; /* it has barked once */
	assert_int_equal(sbsa_gwdt_probe(device[0]), 0);
	assert_int_equal(hw.reg[0], 0);
	assert_true(said("stopped"));
	start(4, NULL);
	hw.reg[0] = 1;
	hw.locked = true;
	assert_int_equal(sbsa_gwdt_probe(device[0]), 0);
	assert_true(said("does not stop"));
	start(4, NULL);
	assert_int_equal(sbsa_gwdt_probe(device[0]), 0);
	assert_string_equal(port_host_log_text, "");
	assert_null(hw.wrong);
}

static void test_imx2(void **state)
{
	(void)state;
	start(2, NULL);
	hw.reg[0] = 0x7734; /* 60 s, enabled */
	hw.reg[8] = 1;	    /* and the power-down counter */
	assert_int_equal(imx2_wdt_probe(device[0]), 0);
	assert_int_equal(hw.reg[0], 0x7734);
	assert_int_equal(hw.reg[8], 0);
	assert_int_equal(hw.fed, 1);
	assert_true(timer_ns == 15 * NSEC_PER_SEC);
	timer_fn(NULL);
	assert_int_equal(hw.fed, 2);
	assert_true(said("it is fed"));
	imx2_wdt_remove(device[0]);
	assert_null(timer_fn);

	start(2, NULL);
	hw.reg[0] = 0x0034; /* the shortest: half a second */
	assert_int_equal(imx2_wdt_probe(device[0]), 0);
	assert_true(timer_ns == NSEC_PER_SEC / 8);

	start(2, NULL); /* not enabled: it stays so */
	hw.reg[0] = 0x7730;
	assert_int_equal(imx2_wdt_probe(device[0]), 0);
	assert_int_equal(hw.reg[0], 0x7730);
	assert_int_equal(hw.fed, 0);
	assert_null(timer_fn);
	assert_string_equal(port_host_log_text, "");
	assert_null(hw.wrong);
}

/* Layerscape: the bytes of the registers are the other way round; those of the feed are alike. */
static void test_imx2_big_endian(void **state)
{
	(void)state;
	start(2, "big-endian");
	hw.reg[0] = 0x3477;
	assert_int_equal(imx2_wdt_probe(device[0]), 0);
	assert_true(timer_ns == 15 * NSEC_PER_SEC);
	assert_int_equal(hw.fed, 1);
	start(2, "big-endian");
	hw.reg[0] = 0x3077;
	assert_int_equal(imx2_wdt_probe(device[0]), 0);
	assert_null(timer_fn);
}

static void test_dw(void **state)
{
	(void)state;
	start(4, NULL);
	hw.reg[0] = 3;
	hw.reg[4] = 4;
	assert_int_equal(dw_wdt_probe(device[0]), 0);
	assert_int_equal(hw.reg[0], 3);
	assert_int_equal(hw.reg[4] & 15, 15);
	assert_int_equal(hw.fed, 1);
	timer_fn(NULL);
	timer_fn(NULL);
	assert_int_equal(hw.fed, 3);
	start(4, NULL);
	hw.reg[0] = 2;
	hw.reg[4] = 4;
	assert_int_equal(dw_wdt_probe(device[0]), 0);
	assert_int_equal(hw.reg[4], 4);
	assert_int_equal(hw.fed, 0);
	assert_null(hw.wrong);
}

static void test_sp805(void **state)
{
	(void)state;
	start(4, NULL);
	hw.reg[8] = 3;
	hw.has_lock = true;
	assert_int_equal(sp805_probe(device[0]), 0);
	assert_int_equal(hw.reg[8], 0);
	assert_int_not_equal(hw.reg[0xc00], 0x1acce551); /* closed again */
	assert_true(said("running: stopped"));
	start(4, NULL);
	assert_int_equal(sp805_probe(device[0]), 0);
	assert_string_equal(port_host_log_text, "");
	assert_null(hw.wrong);
}

static void test_imx7ulp(void **state)
{
	static const uint32_t running[] = {0x2980, 0x0980}; /* fed by a word, by two halves */

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		start(4, NULL);
		hw.reg[0] = running[i];
		assert_int_equal(imx7ulp_wdt_probe(device[0]), 0);
		assert_int_equal(hw.fed, 1);
		timer_fn(NULL);
		assert_int_equal(hw.fed, 2);
		assert_int_equal(hw.reg[0], running[i]);
		assert_null(hw.wrong);
		imx7ulp_wdt_remove(device[0]);
		assert_null(timer_fn);
	}
	start(4, NULL);
	hw.reg[0] = 0x2900;
	assert_int_equal(imx7ulp_wdt_probe(device[0]), 0);
	assert_int_equal(hw.fed, 0);
	assert_null(timer_fn);
}

static unsigned int meals[2];

static void eat(struct device *dev)
{
	meals[dev == device[1]]++;
}

/* Two: at the pace of the one that waits less; the other's when that has gone. */
static void test_pace(void **state)
{
	(void)state;
	start(4, NULL);
	meals[0] = meals[1] = 0;
	assert_int_equal(watchdog_feed_from_now_on(device[0], 500, eat), 0);
	assert_int_equal(watchdog_feed_from_now_on(device[1], 300, eat), 0);
	assert_true(timer_ns == 300);
	timer_fn(NULL);
	assert_int_equal(meals[0], 2);
	assert_int_equal(meals[1], 2);
	watchdog_leave(device[1]);
	assert_true(timer_ns == 500);
	timer_fn(NULL);
	assert_int_equal(meals[0], 3);
	assert_int_equal(meals[1], 2);
	watchdog_leave(device[0]);
	assert_null(timer_fn);
	for (unsigned int i = 0; i < WATCHDOG_MAX; i++)
		assert_int_equal(watchdog_feed_from_now_on(device[0], 500, eat), 0);
	assert_int_equal(watchdog_feed_from_now_on(device[1], 500, eat), -ENOSPC);
	assert_true(said("will reset"));
	start(4, NULL);
	no_timer = true;
	assert_int_equal(watchdog_feed_from_now_on(device[1], 500, eat), -ENODEV);
	assert_true(said("no timer"));
	assert_null(fed[0].dev);
}

static void node(const char *name, const char *compatible, const char *status)
{
	begin(name);
	assert_int_equal(fdt_property(blob, "compatible", compatible, (int)strlen(compatible) + 1),
			 0);
	if (status)
		assert_int_equal(fdt_property(blob, "status", status, (int)strlen(status) + 1), 0);
	end();
}

static void test_without_driver(void **state)
{
	(void)state;
	start(4, NULL);
	start_tree();
	node("watchdog@1000", "marvell,armada-3700-wdt", NULL);
	node("watchdog@2000", "brcm,bcm2835-pm-wdt", "okay");
	node("watchdog", "linux,wdt-gpio", NULL);
	node("watchdog@3000", "acme,wdt", "disabled");
	node("watchdog@4000", "arm,sbsa-gwdt", NULL);
	node("watchdog@5000", "fsl,imx21-wdt", NULL);
	node("watchdog@6000", "snps,dw-wdt", NULL);
	node("watchdog@7000", "arm,sp805", NULL);
	node("watchdog@8000", "fsl,imx93-wdt", NULL);
	node("watchdogs", "some,list", NULL);
	finish_tree();
	device[0]->fdt = blob;
	assert_int_equal(watchdog_probe(device[0]), -ENODEV);
	assert_true(said("watchdog@1000 (marvell,armada-3700-wdt) has no driver"));
	assert_true(said("watchdog@2000 (brcm,bcm2835-pm-wdt) has no driver"));
	assert_true(said("watchdog (linux,wdt-gpio) has no driver"));
	for (char digit = '3'; digit <= '8'; digit++) {
		char name[] = "watchdog@x000";

		name[9] = digit;
		assert_false(said(name));
	}
	assert_false(said("some,list"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sbsa),
		cmocka_unit_test(test_imx2),
		cmocka_unit_test(test_imx2_big_endian),
		cmocka_unit_test(test_dw),
		cmocka_unit_test(test_sp805),
		cmocka_unit_test(test_imx7ulp),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_without_driver),
	};

	port_host_log_hook = port_host_capture;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

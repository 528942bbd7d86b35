/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio_mmio.c: the virtio-mmio transport on registers made up here that misbehave as no
 * emulator's do: an interrupt that never goes away, a reset that is never confirmed, a
 * configuration that changes while it is read.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/host/port_host.h"

/* Accesses to registers come here instead of to memory. */
#define DRIVERS_IO_H
static uint32_t readl(const volatile void *reg);
static uint16_t readw(const volatile void *reg);
static uint8_t readb(const volatile void *reg);
static void writel(uint32_t value, volatile void *reg);

/* the sources themselves: they are not among the objects that every host test links */
#include "drivers/virtio/virtio_ring.c"
#include "drivers/virtio/virtio.c"
#include "drivers/virtio/virtio_mmio.c"

/*
 * ---- the made-up device ------------------------------------------------------------------------
 */

static struct {
	uint32_t version, status, pending;
	bool stubborn; /* keeps its status */
	bool endless;  /* keeps asking */
	bool silent;   /* asks, and gives no reason */
	uint64_t capacity;
	unsigned int config_reads;
	uint64_t now;
	unsigned int masked, lost, used;
} model;

static char registers[0x200];
static struct virtio_device vdev;
static struct device dev;

static uint32_t readl(const volatile void *reg)
{
	size_t at = (size_t)((const volatile char *)reg - registers);

	switch (at) {
	case REG_STATUS:
		model.now += NSEC_PER_MSEC;
		return model.status;
	case REG_INTERRUPT_STATUS:
		return model.silent ? 0 : model.pending;
	case REG_CONFIG:
		/* grows past a word's end between the reads of the two halves */
		if (model.config_reads++ == 0) {
			uint32_t low = (uint32_t)model.capacity;

			model.capacity++;
			return low;
		}
		return (uint32_t)model.capacity;
	case REG_CONFIG + 4:
		return (uint32_t)(model.capacity >> 32);
	default:
		return 0;
	}
}

static uint16_t readw(const volatile void *reg)
{
	return (uint16_t)readl(reg);
}

static uint8_t readb(const volatile void *reg)
{
	return (uint8_t)readl(reg);
}

static void writel(uint32_t value, volatile void *reg)
{
	size_t at = (size_t)((volatile char *)reg - registers);

	if (at == REG_STATUS && !model.stubborn)
		model.status = value;
	if (at == REG_INTERRUPT_ACK && !model.endless)
		model.pending &= ~value;
}

uint64_t timer_now(void)
{
	return model.now;
}

uint64_t timer_hz(void)
{
	return NSEC_PER_SEC;
}

void irq_mask(const struct of_irq *irq)
{
	assert_ptr_equal(irq, &vdev.irq);
	model.masked++;
}

void dma_device_lost(struct device *lost)
{
	assert_ptr_equal(lost, &dev);
	model.lost++;
}

/* What the cases here do not come to. */
#define UNUSED(type, name, ...) \
	type name(__VA_ARGS__)  \
	{                       \
		abort();        \
	}
UNUSED(int, irq_request, const struct of_irq *irq __attribute__((unused)),
       irq_fn fn __attribute__((unused)), void *arg __attribute__((unused)))
UNUSED(const char *, irq_reason, int error __attribute__((unused)))
UNUSED(bool, timer_wait, uint64_t ns __attribute__((unused)),
       bool (*done)(void *arg) __attribute__((unused)), void *arg __attribute__((unused)))
UNUSED(void, irq_free, const struct of_irq *irq __attribute__((unused)))
UNUSED(int, of_irq, const void *fdt __attribute__((unused)), int node __attribute__((unused)),
       unsigned int index __attribute__((unused)), struct of_irq *irq __attribute__((unused)))
UNUSED(void *, device_map_reg, struct device *d __attribute__((unused)),
       int index __attribute__((unused)))
UNUSED(void *, device_zalloc, struct device *d __attribute__((unused)),
       size_t size __attribute__((unused)))
UNUSED(struct device *, device_create, struct device *parent __attribute__((unused)),
       const char *name __attribute__((unused)), const char *compatible __attribute__((unused)),
       void *data __attribute__((unused)), void (*quiet)(struct device *d) __attribute__((unused)))
UNUSED(int, dma_set_mask, struct device *d __attribute__((unused)),
       uint64_t mask __attribute__((unused)))
UNUSED(void *, dma_alloc_coherent, struct device *d __attribute__((unused)),
       size_t size __attribute__((unused)), dma_addr_t *handle __attribute__((unused)),
       gfp_t gfp __attribute__((unused)))
UNUSED(int, dma_free_coherent, struct device *d __attribute__((unused)),
       size_t size __attribute__((unused)), void *cpu __attribute__((unused)),
       dma_addr_t handle __attribute__((unused)))

void device_log(const struct device *d, const char *fmt, ...)
{
	(void)d;
	(void)fmt;
}

static void count_used(struct virtio_device *v)
{
	(void)v;
	model.used++;
}

static int setup(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	memset(&vdev, 0, sizeof(vdev));
	memset(&dev, 0, sizeof(dev));
	vdev.base = registers;
	vdev.transport = &virtio_mmio;
	vdev.dev = &dev;
	vdev.used = count_used;
	vdev.config_size = 0x100;
	dev.bus_data = &vdev;
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	return 0;
}

/*
 * ---- the tests ---------------------------------------------------------------------------------
 */

/* As many as there are, if each is over when it has been acknowledged. */
static void test_interrupts(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 10 * VIRTIO_IRQ_STUCK; i++) {
		model.pending = VIRTIO_INTERRUPT_USED;
		virtio_interrupt(&vdev);
		assert_int_equal(model.pending, 0);
		/* now and then one without a reason: the wire was slower than we */
		if (i % 10 == 0)
			virtio_interrupt(&vdev);
	}
	assert_int_equal(model.used, 10 * VIRTIO_IRQ_STUCK);
	assert_int_equal(vdev.spurious, VIRTIO_IRQ_STUCK);
	assert_int_equal(model.masked, 0);
	assert_false(vdev.broken);
}

static void expect_cut_off(void)
{
	for (unsigned int i = 0; i < VIRTIO_IRQ_STUCK - 1; i++)
		virtio_interrupt(&vdev);
	assert_int_equal(model.masked, 0);
	assert_false(vdev.broken);
	virtio_interrupt(&vdev);
	assert_int_equal(model.masked, 1);
	assert_true(vdev.broken);
	assert_non_null(strstr(port_host_log_text, "does not go away: cut off"));
	/* one that had been on its way */
	virtio_interrupt(&vdev);
	assert_int_equal(model.masked, 1);
}

static void test_interrupt_that_stays(void **state)
{
	(void)state;
	model.endless = true;
	model.pending = VIRTIO_INTERRUPT_USED;
	expect_cut_off();
	assert_int_equal(model.used, VIRTIO_IRQ_STUCK - 1);
}

static void test_interrupt_without_a_reason(void **state)
{
	(void)state;
	model.silent = true;
	expect_cut_off();
	assert_int_equal(model.used, 0);
}

/* Its memory is lost; but not that of a device that has gone: nobody touches it. */
static void test_reset_that_is_not_confirmed(void **state)
{
	(void)state;
	model.status = VIRTIO_STATUS_DRIVER_OK;
	assert_int_equal(virtio_reset(&vdev), 0);
	assert_int_equal(model.lost, 0);
	model.status = VIRTIO_STATUS_DRIVER_OK;
	model.stubborn = true;
	assert_int_equal(virtio_reset(&vdev), -ETIMEDOUT);
	assert_int_equal(model.lost, 1);
	assert_true(model.now <= 2 * VIRTIO_RESET_MS * NSEC_PER_MSEC);
	assert_non_null(strstr(port_host_log_text, "does not confirm its reset"));
	virtio_quiesce(&dev);
	assert_int_equal(model.lost, 2);
	assert_int_equal(virtio_reset(&vdev), -ETIMEDOUT);
	assert_int_equal(model.lost, 2);
}

/*
 * The legacy interface does not say when it changes: both halves are of the same time all the same.
 */
static void test_legacy_configuration(void **state)
{
	(void)state;
	vdev.legacy = true;
	model.capacity = UINT32_MAX;
	assert_int_equal(virtio_config(&vdev, 0, 8), 1ULL << 32);
	assert_int_equal(virtio_config(&vdev, 0x100, 1), 0);
	assert_int_equal(virtio_config(&vdev, 0xfd, 4), 0);
	assert_int_equal(virtio_config(&vdev, SIZE_MAX, 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_interrupts, setup),
		cmocka_unit_test_setup(test_interrupt_that_stays, setup),
		cmocka_unit_test_setup(test_interrupt_without_a_reason, setup),
		cmocka_unit_test_setup(test_reset_that_is_not_confirmed, setup),
		cmocka_unit_test_setup(test_legacy_configuration, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

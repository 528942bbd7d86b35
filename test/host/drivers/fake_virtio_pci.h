/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_virtio_pci.h: a PCI function that is a virtio device, for test_virtio_pci.c: its
 * configuration space, the registers in its BAR as virtio 1.1, 4.1.4 describes them, its MSI-X
 * table, and what the drivers ask of others.
 */
#ifndef TEST_HOST_FAKE_VIRTIO_PCI_H
#define TEST_HOST_FAKE_VIRTIO_PCI_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/host/port_host.h"
#include "test/host/drivers/fake_io.h"

/* the sources themselves: they are not among the objects that every host test links */
#include "drivers/pci/pci_msix.c"
#include "drivers/virtio/virtio_ring.c"
#include "drivers/virtio/virtio.c"
#include "drivers/virtio/virtio_pci_cap.c"
#include "drivers/virtio/virtio_pci.c"

/* Where things are in BAR 4, which is 16 KiB, and in BAR 1, which has the table. */
#define BAR_SIZE       0x4000
#define TABLE_BAR      1
#define TABLE_BAR_SIZE 0x1000
#define TABLE_AT       0x800
#define COMMON_AT      0x0000
#define ISR_AT	       0x1000
#define CONFIG_AT      0x2000
#define NOTIFY_AT      0x3000
#define NOTIFY_LENGTH  0x100
#define MULTIPLIER     4
#define NOTIFY_OFF     3 /* of queue 0 */
#define NO_VECTOR      0xffff
#define NODE	       11 /* of the controller of messages */

static struct {
	/* the device */
	uint8_t status, isr;
	uint32_t device_select, driver_select;
	uint64_t offered, taken;
	uint16_t select, num, config_vector, queue_vector, enabled, notify_off;
	uint64_t desc, driver, used;
	unsigned int kicks;
	uint16_t kicked;
	bool stubborn;	 /* its reset is not confirmed */
	bool no_vectors; /* it has no room for any */
	/* the function's table */
	uint32_t entry[4][4];
	/* what others answer */
	int wire, msi_controller;
	unsigned int msi_left; /* messages that the controller has */
	unsigned int messages, wires, masters, created, lines, lost;
	bool refuse_child;
} model;

static _Alignas(64) char page[PAGE_SIZE], child_page[PAGE_SIZE];
static struct device *const dev = (struct device *)page;
static struct device *const child = (struct device *)child_page;
static struct virtio_pci *const vp = (struct virtio_pci *)(page + DEVICE_PRIV_OFFSET);
static struct pci_dev pdev;
static unsigned char space[PCI_CONFIG_SIZE]; /* configuration space */
static char bar[BAR_SIZE], table_bar[TABLE_BAR_SIZE];
static char log_text[160]; /* the last line */
static irq_fn msi_fn[PCI_MAX_VECTORS], wire_fn;
static void *msi_arg, *wire_arg;
static _Alignas(4096) char ring[16384];
static struct virtqueue_slot slots[VIRTQUEUE_MAX_NUM];

static bool within(const volatile void *reg, const void *start, size_t size, size_t *at)
{
	*at = (size_t)((uintptr_t)reg - (uintptr_t)start);
	return (uintptr_t)reg >= (uintptr_t)start && *at < size;
}

static uint32_t read_common(size_t at)
{
	switch (at) {
	case COMMON_DEVICE_FEATURE:
		return (uint32_t)(model.offered >> 32 * model.device_select);
	case COMMON_NUM_QUEUES:
		return 1;
	case COMMON_CONFIG_VECTOR:
		return model.config_vector;
	case COMMON_QUEUE_VECTOR:
		return model.queue_vector;
	case COMMON_STATUS:
		return model.status;
	case COMMON_QUEUE_SIZE:
		return model.num;
	case COMMON_QUEUE_ENABLE:
		return model.enabled;
	case COMMON_QUEUE_NOTIFY_OFF:
		return model.notify_off;
	case COMMON_GENERATION:
		return 0;
	}
	fail_msg("read of common register %#zx", at);
	return 0;
}

static uint32_t io_read(const volatile void *reg, unsigned int width)
{
	uint32_t value = 0;
	size_t at;

	if (within(reg, space, sizeof(space), &at)) {
		assert_true(at % width == 0 && at + width <= sizeof(space));
		memcpy(&value, space + at, width);
		return value;
	}
	if (within(reg, table_bar + TABLE_AT, sizeof(model.entry), &at))
		return model.entry[at / 16][at % 16 / 4];
	assert_true(within(reg, bar, BAR_SIZE, &at));
	if (at == ISR_AT) {
		value = model.isr;
		model.isr = 0;
		return value;
	}
	if (at >= CONFIG_AT && at < CONFIG_AT + 16)
		return 0x11111111U * (uint32_t)(at - CONFIG_AT + 1);
	return read_common(at - COMMON_AT);
}

static void reset(void)
{
	model.status = 0;
	model.enabled = 0;
	model.config_vector = model.queue_vector = NO_VECTOR;
}

static void write_common(size_t at, uint32_t value)
{
	uint64_t *address = at >= COMMON_QUEUE_DEVICE	? &model.used
			    : at >= COMMON_QUEUE_DRIVER ? &model.driver
							: &model.desc;

	switch (at) {
	case COMMON_DEVICE_FEATURE_SELECT:
		model.device_select = value;
		break;
	case COMMON_DRIVER_FEATURE_SELECT:
		model.driver_select = value;
		break;
	case COMMON_DRIVER_FEATURE:
		model.taken |= (uint64_t)value << 32 * model.driver_select;
		break;
	case COMMON_CONFIG_VECTOR:
		model.config_vector = model.no_vectors ? NO_VECTOR : (uint16_t)value;
		break;
	case COMMON_QUEUE_VECTOR:
		model.queue_vector = model.no_vectors ? NO_VECTOR : (uint16_t)value;
		break;
	case COMMON_STATUS:
		if (value == 0 && !model.stubborn)
			reset();
		else if (value)
			model.status = (uint8_t)value;
		break;
	case COMMON_QUEUE_SELECT:
		model.select = (uint16_t)value;
		break;
	case COMMON_QUEUE_SIZE:
		model.num = (uint16_t)value;
		break;
	case COMMON_QUEUE_ENABLE:
		model.enabled = (uint16_t)value;
		break;
	default:
		assert_true(at >= COMMON_QUEUE_DESC && at < COMMON_SIZE);
		*address |= (uint64_t)value << at % 8 * 8;
	}
}

static void io_write(uint32_t value, volatile void *reg, unsigned int width)
{
	size_t at;

	if (within(reg, space, sizeof(space), &at)) {
		memcpy(space + at, &value, width);
		return;
	}
	if (within(reg, table_bar + TABLE_AT, sizeof(model.entry), &at)) {
		model.entry[at / 16][at % 16 / 4] = value;
		return;
	}
	assert_true(within(reg, bar, BAR_SIZE, &at));
	if (at >= NOTIFY_AT) {
		assert_int_equal(at, NOTIFY_AT + NOTIFY_OFF * MULTIPLIER);
		model.kicks++;
		model.kicked = (uint16_t)value;
		return;
	}
	write_common(at - COMMON_AT, value);
}

/* ---- the PCI layer, the DMA layer, the clock ------------------------------------------------- */

int pci_enable_device(struct pci_dev *p)
{
	assert_ptr_equal(p, &pdev);
	return 0;
}

void *pci_iomap(struct device *d, unsigned int n, uint64_t min_size)
{
	(void)d;
	assert_int_equal(n, 4);
	assert_true(min_size <= BAR_SIZE);
	return bar;
}

void *ioremap(phys_addr_t addr, size_t size)
{
	(void)size;
	return (void *)addr;
}

int pci_request_irq(struct pci_dev *p, irq_fn fn, void *arg)
{
	(void)p;
	if (model.wire >= 0)
		model.wires++;
	wire_fn = fn;
	wire_arg = arg;
	return model.wire;
}

void pci_set_master(struct pci_dev *p)
{
	(void)p;
	model.masters++;
}

const char *irq_reason(int error)
{
	(void)error;
	return "polled";
}

int of_pci_msi(const void *fdt, int node, uint32_t requester, int *controller, uint32_t *id)
{
	(void)fdt;
	(void)node;
	assert_int_equal(requester, 0x0110);
	*controller = NODE;
	*id = 7;
	return model.msi_controller;
}

int msi_request(int controller, uint32_t id, irq_fn fn, void *arg, struct msi_msg *msg)
{
	assert_int_equal(controller, NODE);
	assert_int_equal(id, 7);
	if (model.messages == model.msi_left)
		return -ENOSPC;
	msi_fn[model.messages] = fn;
	msi_arg = arg;
	*msg = (struct msi_msg){0x123456000 + 16 * model.messages, 40 + model.messages};
	return (int)(40 + model.messages++);
}

void msi_free(int controller, unsigned int hwirq)
{
	assert_int_equal(controller, NODE);
	assert_true(hwirq >= 40);
	model.messages--;
}

struct device *device_create(struct device *parent, const char *name, const char *compatible,
			     void *bus_data, void (*quiesce)(struct device *d))
{
	assert_ptr_equal(parent, dev);
	assert_string_equal(name, "01:02.0");
	assert_string_equal(compatible, "virtio,device4");
	assert_ptr_equal(bus_data, &vp->vdev);
	assert_ptr_equal(quiesce, virtio_quiesce);
	child->bus_data = bus_data;
	model.created++;
	return model.refuse_child ? NULL : child;
}

void *device_zalloc(struct device *d, size_t size)
{
	(void)d;
	assert_int_equal(size, sizeof(slots));
	return slots;
}

void *dma_alloc_coherent(struct device *d, size_t size, dma_addr_t *handle, gfp_t gfp)
{
	(void)d;
	(void)gfp;
	assert_true(size <= sizeof(ring));
	memset(ring, 0, sizeof(ring));
	*handle = 0x987654000;
	return ring;
}

int dma_free_coherent(struct device *d, size_t size, void *cpu, dma_addr_t handle)
{
	(void)d;
	(void)size;
	(void)cpu;
	(void)handle;
	return 0;
}

int dma_set_mask(struct device *d, uint64_t mask)
{
	(void)d;
	assert_true(mask == UINT64_MAX);
	return 0;
}

void dma_device_lost(struct device *d)
{
	(void)d;
	model.lost++;
}

void device_log(const struct device *d, const char *fmt, ...)
{
	va_list args;

	(void)d;
	va_start(args, fmt);
	vsnprintf(log_text, sizeof(log_text), fmt, args);
	va_end(args);
	model.lines++;
}

uint64_t timer_now(void)
{
	static uint64_t now;

	return now += NSEC_PER_MSEC;
}

uint64_t timer_hz(void)
{
	return NSEC_PER_SEC;
}

bool timer_wait(uint64_t ns, bool (*done)(void *arg), void *arg)
{
	(void)ns;
	return done(arg);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio_pci.c: the virtio transport of PCI functions on a function made up here: what it
 * tells a device that is as virtio 1.1 has it, and that capabilities, tables and queues which lie
 * are refused in one line, with nothing left on.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_virtio_pci.h"

#define MSIX_AT	  0x40
#define FIRST_CAP 0x50
#define CAP_ROOM  0x18

static const uint8_t order[] = {1, 2, 3, 4}; /* common, notify, ISR, device */
static const uint32_t offsets[] = {COMMON_AT, NOTIFY_AT, ISR_AT, CONFIG_AT};
static const uint32_t lengths[] = {COMMON_SIZE, NOTIFY_LENGTH, 1, 0x1000};

static unsigned char *cap_at(unsigned int n)
{
	return space + FIRST_CAP + n * CAP_ROOM;
}

static void put32(unsigned char *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

/* The n-th capability: of this type, and the last one. */
static void put_cap(unsigned int n, uint8_t type, uint32_t offset, uint32_t length)
{
	unsigned char *cap = cap_at(n);

	memset(cap, 0, CAP_ROOM);
	if (n > 0)
		cap_at(n - 1)[1] = (unsigned char)(cap - space);
	cap[0] = PCI_CAP_VENDOR;
	cap[CAP_LENGTH] = type == 2 ? 20 : 16;
	cap[CAP_TYPE] = type;
	cap[CAP_BAR] = 4;
	put32(cap + CAP_OFFSET, offset);
	put32(cap + CAP_REGION, length);
	if (type == 2)
		put32(cap + CAP_MULTIPLIER, MULTIPLIER);
}

static int setup(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	memset(page, 0, sizeof(page));
	memset(child_page, 0, sizeof(child_page));
	memset(space, 0, sizeof(space));
	memset(&pdev, 0, sizeof(pdev));
	model.wire = 33;
	model.msi_left = 2;
	model.num = 1024; /* more than we take */
	model.notify_off = NOTIFY_OFF;
	model.offered = 1ULL << F_VERSION_1 | 0xf0;
	model.status = 15; /* left on by somebody */
	for (int i = 0; i < 4; i++)
		model.entry[i][3] = ENTRY_MASKED;
	pdev.config = (char *)space;
	pdev.bus = 1;
	pdev.devfn = 0x10;
	pdev.device = 0x1044;
	pdev.bar[4] = (struct pci_bar){BAR_SIZE, (phys_addr_t)bar, PCI_BAR_MEM64, true, true};
	pdev.bar[TABLE_BAR] = (struct pci_bar){TABLE_BAR_SIZE, (phys_addr_t)table_bar,
					       PCI_BAR_MEM32, false, true};
	dev->bus_data = &pdev;
	dev->name = "01:02.0";
	space[PCI_STATUS] = PCI_STATUS_CAPABILITIES;
	space[PCI_CAPABILITIES] = MSIX_AT;
	space[MSIX_AT] = PCI_CAP_MSIX;
	space[MSIX_AT + 1] = FIRST_CAP;
	space[MSIX_AT + MSIX_CONTROL] = 1; /* two vectors */
	put32(space + MSIX_AT + MSIX_TABLE, TABLE_AT | TABLE_BAR);
	for (unsigned int n = 0; n < 4; n++)
		put_cap(n, order[n], offsets[n], lengths[n]);
	log_text[0] = '\0';
	space[MSIX_AT + 1] = FIRST_CAP;
	return 0;
}

static unsigned int control(void)
{
	return space[MSIX_AT + MSIX_CONTROL + 1] & 0xc0U;
}

static unsigned int used;

static void count_used(struct virtio_device *vdev)
{
	(void)vdev;
	used++;
}

/* The driver's side, as far as a queue. */
static int start_queue(struct virtqueue *vq)
{
	struct virtio_device *vdev = &vp->vdev;

	memset(vq, 0, sizeof(*vq));
	used = 0;
	vdev->used = count_used;
	assert_int_equal(virtio_init(vdev, child, 0x30), 0);
	return virtio_queue_setup(vdev, 0, vq);
}

static void test_starts(void **state)
{
	struct virtqueue vq;

	(void)state;
	assert_int_equal(virtio_pci_probe(dev), 0);
	assert_int_equal(model.lines, 0);
	assert_int_equal(dev->irq, 41);
	assert_null(dev->irq_note);
	assert_int_equal(model.wires, 0);
	assert_int_equal(control(), 0x80);
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(model.entry[i][0] == 0x23456000 + 16 * i && model.entry[i][1] == 1);
		assert_int_equal(model.entry[i][2], 40 + i);
		assert_int_equal(model.entry[i][3], 0);
	}
	assert_int_equal(model.entry[2][3], ENTRY_MASKED);

	assert_int_equal(start_queue(&vq), 0);
	assert_true(model.taken == (1ULL << F_VERSION_1 | 0x30));
	assert_true(model.config_vector == VECTOR_CONFIG && model.queue_vector == VECTOR_QUEUES);
	assert_int_equal(model.num, 256);
	assert_true(model.enabled == 1 && model.desc == 0x987654000);
	assert_true(model.driver == 0x987654000 + 16 * 256);
	assert_true(model.used == 0x987654000 + 0x2000);
	virtio_driver_ok(&vp->vdev);
	assert_int_equal(model.status, 15);
	virtio_kick(&vp->vdev, &vq);
	assert_true(model.kicks == 1 && model.kicked == 0);
	msi_fn[VECTOR_QUEUES](msi_arg);
	msi_fn[VECTOR_CONFIG](msi_arg);
	assert_int_equal(used, 2);
	assert_int_equal(virtio_queue_setup(&vp->vdev, 1, &vq), -ENOENT);

	virtio_pci_remove(dev);
	pci_free_msix(&pdev);
	assert_int_equal(model.status, 0);
	assert_int_equal(model.messages, 0);
	assert_int_equal(control() & 0x80, 0);
	assert_int_equal(model.entry[0][3] & model.entry[1][3], ENTRY_MASKED);
}

/* ---- capabilities ---------------------------------------------------------------------------- */

/* Refused in one line that says this, and nothing is on. */
static void expect_refused(const char *says)
{
	assert_int_equal(virtio_pci_probe(dev), -ENODEV);
	assert_int_equal(model.lines, 1);
	assert_non_null(strstr(log_text, says));
	assert_int_equal(model.messages + model.wires + model.masters + model.created, 0);
	assert_int_equal(control(), 0);
}

static void test_bad_capabilities(void **state)
{
	static const struct {
		unsigned int cap, at;
		uint32_t value;
		unsigned int width;
		const char *says;
	} bad[] = {
		{0, CAP_TYPE, 5, 1, "common configuration is missing"},
		{0, CAP_LENGTH, 15, 1, "common configuration is too short"},
		{1, CAP_LENGTH, 16, 1, "notification is too short"},
		{2, CAP_LENGTH, 0, 1, "ISR status is too short"},
		{0, CAP_BAR, 6, 1, "common configuration is in no BAR"},
		{0, CAP_BAR, 255, 1, "common configuration is in no BAR"},
		{1, CAP_BAR, 0, 1, "notification is in a BAR that is no memory"},
		{0, CAP_REGION, COMMON_SIZE - 1, 4, "common configuration has too few registers"},
		{1, CAP_REGION, 1, 4, "notification has too few registers"},
		{2, CAP_REGION, 0, 4, "ISR status has too few registers"},
		{0, CAP_OFFSET, 2, 4, "common configuration is not aligned"},
		{1, CAP_OFFSET, 1, 4, "notification is not aligned"},
		{0, CAP_OFFSET, BAR_SIZE, 4, "common configuration reaches out of its BAR"},
		{0, CAP_OFFSET, 0xfffffff0, 4, "common configuration reaches out of its BAR"},
		{0, CAP_REGION, 0xffffffff, 4, "common configuration reaches out of its BAR"},
		{1, CAP_REGION, 0x1001, 4, "notification reaches out of its BAR"},
		{2, CAP_OFFSET, BAR_SIZE, 4, "ISR status reaches out of its BAR"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setup(state);
		memcpy(cap_at(bad[i].cap) + bad[i].at, &bad[i].value, bad[i].width);
		expect_refused(bad[i].says);
	}
}

/* A type that has a configuration must say where it is; one that has none need not. */
static void test_device_configuration(void **state)
{
	(void)state;
	cap_at(3)[CAP_TYPE] = 9;
	pdev.device = 0x1042;
	expect_refused("device configuration is missing");
	setup(state);
	cap_at(3)[CAP_TYPE] = 9;
	assert_int_equal(virtio_pci_probe(dev), 0);
	assert_int_equal(virtio_config(&vp->vdev, 0, 1), 0);
	/* what lies beyond its end reads as zero */
	setup(state);
	put32(cap_at(3) + CAP_REGION, 8);
	assert_int_equal(virtio_pci_map(dev, vp, VIRTIO_ID_BLOCK), 0);
	vp->vdev.transport = &virtio_pci;
	assert_true(virtio_config(&vp->vdev, 0, 8) == 0x5555555511111111);
	assert_int_equal(virtio_config(&vp->vdev, 4, 8), 0);
}

/* The first that can be used of several; a transitional device's type is its subsystem's. */
static void test_several(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 4; n++)
		put_cap(n + 2, order[n], offsets[n], lengths[n]);
	put_cap(0, 1, 0x80000000, COMMON_SIZE);
	cap_at(0)[1] = (unsigned char)(cap_at(1) - space);
	put_cap(1, 1, COMMON_AT, 8);
	cap_at(1)[1] = (unsigned char)(cap_at(2) - space);
	pdev.device = 0x1005;
	space[PCI_SUBSYSTEM_ID] = VIRTIO_ID_ENTROPY;
	assert_int_equal(virtio_pci_probe(dev), 0);
	assert_int_equal(model.lines, 0);
	assert_ptr_equal(vp->vdev.base, bar + COMMON_AT);
}

/* Lists that do not end, or that end before they begin. */
static void test_lists(void **state)
{
	(void)state;
	cap_at(3)[1] = (unsigned char)(cap_at(0) - space);
	cap_at(0)[CAP_TYPE] = 8;
	expect_refused("common configuration is missing");
	setup(state);
	cap_at(0)[1] = 0x3c; /* in the header */
	expect_refused("ISR status is missing");
	setup(state);
	space[PCI_STATUS] = 0;
	expect_refused("common configuration is missing");
	/* the last one reaches out of configuration space */
	setup(state);
	cap_at(0)[1] = 0xfc;
	space[0xfc] = PCI_CAP_VENDOR;
	space[0xfe] = 16;
	space[0xff] = 3;
	expect_refused("ISR status is too short");
}

static void test_ids(void **state)
{
	(void)state;
	assert_true(virtio_pci_knows("pci1af4,1000") && virtio_pci_knows("pci1af4,107f"));
	assert_false(virtio_pci_knows("pci1af4,fff") || virtio_pci_knows("pci1af4,1080"));
	assert_false(virtio_pci_knows("pci1af4,1110") || virtio_pci_knows("pci1234,1044"));
}

/* ---- interrupts ------------------------------------------------------------------------------ */

/* It interrupts by wire, and no message is left taken. */
static void expect_wire(const char *why)
{
	struct virtqueue vq;

	assert_int_equal(virtio_pci_probe(dev), 0);
	assert_int_equal(dev->irq, 33);
	assert_non_null(strstr(dev->irq_note, why));
	assert_int_equal(model.messages, 0);
	assert_int_equal(control() & 0x80, 0);
	assert_int_equal(model.entry[0][3] & model.entry[1][3], ENTRY_MASKED);
	assert_int_equal(start_queue(&vq), 0);
	assert_true(model.config_vector == NO_VECTOR && model.queue_vector == NO_VECTOR);
	model.isr = VIRTIO_INTERRUPT_USED;
	wire_fn(wire_arg);
	assert_true(used == 1 && model.isr == 0);
	wire_fn(wire_arg); /* another function's */
	assert_true(used == 1 && vp->vdev.spurious == 1);
}

static void test_wire(void **state)
{
	(void)state;
	space[MSIX_AT] = 5;
	expect_wire("no MSI-X");
	setup(state);
	space[MSIX_AT + MSIX_CONTROL] = 0;
	expect_wire("fewer vectors");
	setup(state);
	put32(space + MSIX_AT + MSIX_TABLE, TABLE_AT | 7);
	expect_wire("in no BAR");
	setup(state);
	put32(space + MSIX_AT + MSIX_TABLE, (TABLE_BAR_SIZE - 24) | TABLE_BAR);
	expect_wire("in no BAR");
	setup(state);
	put32(space + MSIX_AT + MSIX_TABLE, 0x80000000U | TABLE_BAR);
	expect_wire("in no BAR");
	setup(state);
	pdev.bar[TABLE_BAR].placed = false;
	expect_wire("in no BAR");
	setup(state);
	model.msi_controller = -ENOENT;
	expect_wire("names no controller");
	setup(state);
	model.msi_left = 1;
	expect_wire("none left");
}

/* Neither: what it has used is found by looking. */
static bool is_used(void *arg)
{
	(void)arg;
	return used > 0;
}

static void test_polled(void **state)
{
	struct virtqueue vq;

	(void)state;
	model.msi_controller = -ENOENT;
	model.wire = -ENOENT;
	assert_int_equal(virtio_pci_probe(dev), 0);
	assert_true(vp->vdev.polled && dev->irq == 0);
	assert_string_equal(dev->irq_note, "polled");
	assert_int_equal(start_queue(&vq), 0);
	assert_false(virtio_wait(&vp->vdev, NSEC_PER_MSEC, is_used, NULL));
	model.isr = VIRTIO_INTERRUPT_USED;
	assert_true(virtio_wait(&vp->vdev, NSEC_PER_MSEC, is_used, NULL));
}

/* ---- a device that lies later ---------------------------------------------------------------- */

static void test_bad_queue(void **state)
{
	struct virtqueue vq;

	(void)state;
	assert_int_equal(virtio_pci_probe(dev), 0);
	model.notify_off = NOTIFY_LENGTH / MULTIPLIER;
	assert_int_equal(start_queue(&vq), -EIO);
	assert_int_equal(model.enabled, 0);
	assert_int_equal(model.lines, 1);
	model.notify_off = 0xffff;
	assert_int_equal(start_queue(&vq), -EIO);
	model.notify_off = NOTIFY_OFF;
	model.no_vectors = true;
	assert_int_equal(start_queue(&vq), -EIO);
	assert_int_equal(model.enabled, 0);
	assert_int_equal(model.lines, 3);
	model.num = 0;
	assert_int_equal(start_queue(&vq), -ENOENT);
	assert_int_equal(virtio_pci_probe(dev), 0);
}

static void test_refused(void **state)
{
	(void)state;
	model.stubborn = true;
	assert_int_equal(virtio_pci_probe(dev), -EIO);
	assert_int_equal(model.messages + model.wires + model.masters + model.created, 0);
	setup(state);
	model.refuse_child = true;
	assert_int_equal(virtio_pci_probe(dev), -ENODEV);
	pci_free_msix(&pdev); /* as the PCI layer does */
	assert_int_equal(model.messages, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_starts, setup),
		cmocka_unit_test_setup(test_bad_capabilities, setup),
		cmocka_unit_test_setup(test_device_configuration, setup),
		cmocka_unit_test_setup(test_several, setup),
		cmocka_unit_test_setup(test_lists, setup),
		cmocka_unit_test_setup(test_ids, setup),
		cmocka_unit_test_setup(test_wire, setup),
		cmocka_unit_test_setup(test_polled, setup),
		cmocka_unit_test_setup(test_bad_queue, setup),
		cmocka_unit_test_setup(test_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

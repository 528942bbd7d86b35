/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aplic_msi.c: an APLIC's domain that sends its interrupts to the IMSIC of a hart (RISC-V Advanced
 * Interrupt Architecture 1.0, 4.9). Where the IMSICs' pages lie the firmware has told the APLIC, in
 * registers of machine mode; a source's target names a hart by the bits of its page's address.
 */
#include <errno.h>
#include <libfdt.h>

#include "boot/dt/of.h"
#include "drivers/base/io.h"
#include "drivers/irqchip/aplic.h"
#include "drivers/irqchip/imsic.h"
#include "drivers/irqchip/msi.h"

#define APLIC_SETIPNUM 0x1cdc

int aplic_msi_find(struct device *dev)
{
	struct aplic *aplic = device_priv(dev);
	uint32_t phandle = of_u32(dev->fdt, dev->node, "msi-parent", 0);
	int other;

	if (phandle == 0)
		return -ENOENT;
	aplic->msi = true;
	aplic->imsic = fdt_node_offset_by_phandle(dev->fdt, phandle);
	if (aplic->imsic < 0)
		return -EINVAL;
	if (imsic_hart(aplic->imsic, &aplic->hart) == 0)
		return 0;
	if (riscv_ext_find(dev->fdt, aplic->imsic, &other) >= 0 || other >= 0)
		device_log(dev, "sends messages to %s, which has no driver: not usable",
			   fdt_get_name(dev->fdt, aplic->imsic, NULL));
	return -ENODEV; /* reported, or the firmware's */
}

/*
 * A level that is still there after its handler must be sent anew: the APLIC sends when it rises
 * (4.9.2). One that rises after the look is sent for that. Writing setipnum alone should do, but
 * QEMU before 8.1 sends then though there is no level.
 */
static void send_level(const struct aplic_source *s)
{
	uint32_t source = (uint32_t)(s - s->aplic->source);

	if (s->mode >= APLIC_SM_LEVEL1 && aplic_level(s->aplic, source))
		writel(source, s->aplic->base + APLIC_SETIPNUM);
}

static void message(void *arg)
{
	struct aplic_source *s = arg;

	if (s->fn)
		s->fn(s->arg);
	send_level(s);
}

int aplic_msi_request(struct aplic *aplic, unsigned int source, uint32_t *target)
{
	struct aplic_source *s = &aplic->source[source];
	struct msi_msg msg;

	s->aplic = aplic;
	s->msi = msi_request(aplic->imsic, 0, message, s, &msg);
	if (s->msi < 0)
		return s->msi;
	/* the guest's number, between the two, is 0: the supervisor's file */
	*target = aplic->hart << APLIC_TARGET_HART_SHIFT | msg.data;
	return 0;
}

void aplic_msi_free(struct aplic *aplic, unsigned int source)
{
	msi_free(aplic->imsic, (unsigned int)aplic->source[source].msi);
}

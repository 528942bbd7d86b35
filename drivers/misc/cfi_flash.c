/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfi_flash.c: NOR flash that is mapped as memory and in read mode, as after a reset (JEDEC
 * JESD68.01; binding mtd/mtd-physmap). It is only read, by blocks through the buffer cache, as real
 * flash is slow.
 *
 * The first FLASH_WINDOW bytes of a bank are mapped, and never a bank at address 0: that stays
 * unmapped for null pointers.
 */
#include "drivers/misc/cfi_flash.h"

#include <errno.h>
#include <quarry/port.h>

#include "boot/mmu/mmu.h"
#include "drivers/base/driver.h"
#include "boot/dt/of.h"

#define FLASH_WINDOW ((phys_addr_t)512 * 1024)

struct flash {
	struct buf_source source; /* first: the cache knows the flash by it */
	const volatile uint64_t *base;
	uint64_t blocks;
};

static struct flash *first_flash;

static int flash_read(struct buf_source *source, uint64_t block, void *data)
{
	const struct flash *flash = (const struct flash *)(const void *)source;
	const volatile uint64_t *from = flash->base + block * (BUF_SIZE / sizeof(*from));
	uint64_t *to = data;

	if (block >= flash->blocks)
		return -EINVAL;
	for (size_t i = 0; i < BUF_SIZE / sizeof(*to); i++)
		to[i] = from[i];
	return 0;
}

struct buf_source *cfi_flash(uint64_t *blocks)
{
	if (!first_flash)
		return NULL;
	*blocks = first_flash->blocks;
	return &first_flash->source;
}

static int flash_probe(struct device *dev)
{
	struct flash *flash = device_priv(dev);
	phys_addr_t addr, size;
	int index = 0, error;

	do {
		error = of_reg(dev->fdt, dev->node, index++, &addr, &size);
	} while (!error && addr == 0);
	if (error)
		return error == -ENOENT ? -ENODEV : error;
	size = size < FLASH_WINDOW ? ALIGN_DOWN(size, (phys_addr_t)BUF_SIZE) : FLASH_WINDOW;
	if (!size || addr % sizeof(uint64_t))
		return -EINVAL;
	flash->base = ioremap(addr, size);
	if (!flash->base)
		return -ENOMEM;
	flash->blocks = size / BUF_SIZE;
	flash->source.read = flash_read;
	dev->reg = addr;
	dev->size = size;
	if (!first_flash)
		first_flash = flash;
	return 0;
}

static void flash_remove(struct device *dev)
{
	struct flash *flash = device_priv(dev);

	buf_forget(&flash->source);
	if (first_flash == flash)
		first_flash = NULL;
}

static const char *const flash_compatible[] = {"cfi-flash", NULL};

DRIVER(cfi_flash, "cfi_flash", DRIVER_DEVICE, flash_compatible, flash_probe, flash_remove,
       sizeof(struct flash));

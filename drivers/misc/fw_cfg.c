/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fw_cfg.c: the emulator's firmware configuration device, by its DMA interface alone
 * (docs/specs/fw_cfg of the emulator's sources; devicetree binding fw-cfg-mmio). All numbers are
 * big endian.
 *
 * A request that is not answered in time cannot be taken back, as the device has no reset. So it is
 * only ever told of one page, the driver's own, and that page is kept from the allocator for good
 * if it does not answer.
 */
#include "drivers/misc/fw_cfg.h"

#include <assert.h>
#include <errno.h>
#include <libfdt.h>
#include <quarry/port.h>
#include <string.h>

#include "drivers/base/driver.h"
#include "drivers/base/io.h"
#include "drivers/timer/timer.h"

#define REG_DMA	       0x10 /* 64 bits: the address of a struct request; reads as REG_MAGIC */
#define REGS_SIZE      0x18
#define REG_MAGIC_HIGH 0x51454d55U
#define REG_MAGIC_LOW  0x20434647U

#define KEY_SIGNATURE  0x00
#define KEY_FEATURES   0x01 /* 4 bytes, little endian; bit 1: DMA */
#define KEY_DIRECTORY  0x19 /* the number of files in 4 bytes, then struct entry */
#define KEY_FILE_FIRST 0x20
#define FEATURE_DMA    0x02000000U /* as a big endian number */
#define MAX_FILES      0x3fe0	   /* as many keys as there are for files */

#define CONTROL_ERROR  0x01U
#define CONTROL_READ   0x02U
#define CONTROL_SKIP   0x04U
#define CONTROL_SELECT 0x08U
#define CONTROL_KEY(k) ((uint32_t)(k) << 16)

#define WAIT_NS	       NSEC_PER_SEC
#define WAIT_POLLS     1000000 /* without a timer */

struct request {
	fdt32_t control; /* the device clears it when it is done, but for CONTROL_ERROR */
	fdt32_t length;
	fdt64_t address;
};

struct entry {
	fdt32_t size;
	fdt16_t key, reserved;
	char name[FW_CFG_NAME_SIZE];
};
static_assert(sizeof(struct request) == 16 && sizeof(struct entry) == 64, "the device's layout");

/* The page that the device and we look at together. */
struct shared {
	struct request request;
	union {
		fdt32_t word; /* a key of four bytes */
		struct entry entry;
		unsigned char data[PAGE_SIZE - sizeof(struct request)];
	};
};
static_assert(sizeof(struct shared) == PAGE_SIZE, "one page");

struct fw_cfg {
	char *base;
	volatile struct shared *shared;
	dma_addr_t handle; /* where the device sees it */
};

static struct device *fw_cfg_dev;
static bool dead; /* it did not answer once, and is not asked again: each time might cost a page */

static int submit(struct device *dev, uint32_t control, uint32_t length, dma_addr_t address)
{
	struct fw_cfg *cfg = device_priv(dev);
	uint64_t start = timer_now();
	uint32_t state;

	cfg->shared->request.control = cpu_to_fdt32(control);
	cfg->shared->request.length = cpu_to_fdt32(length);
	cfg->shared->request.address = cpu_to_fdt64(address);
	/* the lower half starts it; writel() orders the request before that */
	writel(cpu_to_fdt32((uint32_t)(cfg->handle >> 32)), cfg->base + REG_DMA);
	writel(cpu_to_fdt32((uint32_t)cfg->handle), cfg->base + REG_DMA + 4);
	for (uint32_t polls = 0;
	     (state = fdt32_to_cpu(cfg->shared->request.control)) & ~CONTROL_ERROR; polls++) {
		if (timer_hz() ? timer_since(start) > WAIT_NS : polls > WAIT_POLLS) {
			dead = true;
			dma_device_lost(dev);
			return -ETIMEDOUT;
		}
		port_relax();
	}
	io_barrier(); /* what it wrote is read after its word that it did */
	return state ? -EIO : 0;
}

/* Have the device write size bytes of a key, from offset on, into the shared page. */
static int read_key(struct device *dev, uint16_t key, uint32_t offset, uint32_t size)
{
	const struct fw_cfg *cfg = device_priv(dev);
	int error = dead ? -ETIMEDOUT : 0;

	if (!error)
		error = submit(dev, CONTROL_SELECT | CONTROL_SKIP | CONTROL_KEY(key), offset, 0);
	return error ? error
		     : submit(dev, CONTROL_READ, size, cfg->handle + offsetof(struct shared, data));
}

static int read_word(struct device *dev, uint16_t key, uint32_t *word)
{
	const struct fw_cfg *cfg = device_priv(dev);
	int error = read_key(dev, key, 0, sizeof(fdt32_t));

	*word = fdt32_to_cpu(cfg->shared->word);
	return error;
}

int fw_cfg_file_at(uint32_t n, struct fw_cfg_file *file)
{
	const struct fw_cfg *cfg;
	struct entry entry;
	uint32_t count;
	int error;

	if (!fw_cfg_dev)
		return -ENODEV;
	cfg = device_priv(fw_cfg_dev);
	error = read_word(fw_cfg_dev, KEY_DIRECTORY, &count);
	if (error)
		return error;
	if (count > MAX_FILES)
		return -EIO;
	if (n >= count)
		return -ENOENT;
	error = read_key(fw_cfg_dev, KEY_DIRECTORY, (uint32_t)(sizeof(fdt32_t) + n * sizeof(entry)),
			 sizeof(entry));
	if (error)
		return error;
	entry = cfg->shared->entry;
	file->size = fdt32_to_cpu(entry.size);
	file->key = fdt16_to_cpu(entry.key);
	memcpy(file->name, entry.name, sizeof(file->name));
	file->name[sizeof(file->name) - 1] = '\0';
	return file->key < KEY_FILE_FIRST ? -EIO : 0;
}

int fw_cfg_read(const struct fw_cfg_file *file, uint32_t offset, void *data, uint32_t size)
{
	const struct fw_cfg *cfg;
	char *to = data;
	int error = 0;

	if (!fw_cfg_dev)
		return -ENODEV;
	if (offset > file->size || size > file->size - offset)
		return -EINVAL;
	cfg = device_priv(fw_cfg_dev);
	while (size > 0 && !error) {
		uint32_t part = size < sizeof(cfg->shared->data) ? size : sizeof(cfg->shared->data);

		error = read_key(fw_cfg_dev, file->key, offset, part);
		if (!error)
			memcpy(to, (const void *)cfg->shared->data, part);
		to += part;
		offset += part;
		size -= part;
	}
	return error;
}

static int fw_cfg_probe(struct device *dev)
{
	struct fw_cfg *cfg = device_priv(dev);
	uint32_t signature, features;
	int error;

	cfg->base = device_map_reg(dev, 0);
	if (!cfg->base)
		return -ENXIO;
	if (dev->size < REGS_SIZE || (dev->reg & 7) != 0)
		return -EINVAL;
	if (fdt32_to_cpu(readl(cfg->base + REG_DMA)) != REG_MAGIC_HIGH ||
	    fdt32_to_cpu(readl(cfg->base + REG_DMA + 4)) != REG_MAGIC_LOW) {
		device_log(dev, "no signature of a DMA interface: left alone");
		return -ENODEV; /* reported */
	}
	if (fw_cfg_dev)
		return -EBUSY;
	if (dead) {
		device_log(dev, "it did not answer before: not asked again");
		return -ENODEV; /* reported */
	}
	error = dma_set_mask(dev, DMA_BIT_MASK(64));
	if (error)
		return error;
	cfg->shared = dma_alloc_coherent(dev, sizeof(*cfg->shared), &cfg->handle, GFP_KERNEL);
	if (!cfg->shared)
		return -ENOMEM;
	error = read_word(dev, KEY_SIGNATURE, &signature);
	if (!error)
		error = read_word(dev, KEY_FEATURES, &features);
	if (!error && (signature != REG_MAGIC_HIGH || !(features & FEATURE_DMA)))
		error = -EPROTO;
	if (error) {
		dma_free_coherent(dev, sizeof(*cfg->shared), (void *)cfg->shared, cfg->handle);
		return error;
	}
	fw_cfg_dev = dev;
	return 0;
}

static void fw_cfg_remove(struct device *dev)
{
	struct fw_cfg *cfg = device_priv(dev);

	dma_free_coherent(dev, sizeof(*cfg->shared), (void *)cfg->shared, cfg->handle);
	fw_cfg_dev = NULL;
}

static const char *const fw_cfg_compatible[] = {"qemu,fw-cfg-mmio", NULL};

DRIVER(fw_cfg, "fw-cfg", DRIVER_DEVICE, fw_cfg_compatible, fw_cfg_probe, fw_cfg_remove,
       sizeof(struct fw_cfg));

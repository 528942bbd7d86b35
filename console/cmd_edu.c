/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_edu.c: QEMU's educational PCI device: is it there, what does it reach, and does what it
 * copies arrive.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <quarry/mm.h>

#include "drivers/misc/edu.h"
#include "console/arguments.h"
#include "console/command.h"
#include "console/parse.h"

static int fail(const char *what, int error)
{
	printf("edu: %s: %s\n", what, strerror(-error));
	return 1;
}

static int show(struct device *dev)
{
	const struct edu_state *state = edu_state(dev);
	int error = edu_alive(dev);

	printf("edu: %s, %u address bits, %s%s\n", error ? "does not answer" : "answers",
	       state->mask_bits,
	       state->reaches ? "reaches memory" : "reaches no memory ('edu mask')",
	       state->stuck ? ", stuck" : "");
	printf("edu: %" PRIu64 " transfers, %" PRIu64 " timeouts, %" PRIu64 " interrupts, %" PRIu64
	       " bounced, %" PRIu64 " refused\n",
	       state->transfers, state->timeouts, state->interrupts, dev->dma.bounced,
	       dev->dma.refused);
	return error ? 1 : 0;
}

static int set_mask(struct device *dev, const char *text)
{
	uint64_t bits;
	int error;

	if (parse_u64(text, 64, &bits) != 0 || bits == 0) {
		printf("edu: '%s' is not a number of address bits, 1 to 64\n", text);
		return 1;
	}
	error = edu_set_mask(dev, (unsigned int)bits);
	if (error)
		return fail(error == -EIO ? "no memory is within its reach now" : "mask", error);
	printf("edu: %" PRIu64 " address bits\n", bits);
	return 0;
}

static int factorial(struct device *dev, const char *text)
{
	uint64_t n;
	uint32_t result;
	int error;

	if (parse_u64(text, 1000, &n) != 0) {
		printf("edu: '%s' is not a number from 0 to 1000\n", text);
		return 1;
	}
	error = edu_factorial(dev, (uint32_t)n, &result);
	if (error)
		return fail("factorial", error);
	printf("edu: %" PRIu64 "! modulo 2^32 is %" PRIu32 "\n", n, result);
	return 0;
}

/* A page to the device and back into the same page, cleared meanwhile. */
static int copy(struct device *dev, unsigned char *page)
{
	uint64_t bounced = dev->dma.bounced;
	int error;

	for (unsigned int i = 0; i < EDU_BUFFER_SIZE; i++)
		page[i] = (unsigned char)(i * 7 + i / 256);
	error = edu_transfer(dev, page, 0, EDU_BUFFER_SIZE, DMA_TO_DEVICE);
	if (error == -EIO && !edu_state(dev)->reaches) {
		printf("edu: no memory is within its reach of %u address bits: 'edu mask'\n",
		       edu_state(dev)->mask_bits);
		return 1;
	}
	if (error)
		return fail("to the device", error);
	printf("edu: page 0x%" PRIx64 " to the device at 0x%" PRIx64 "%s\n", virt_to_phys(page),
	       edu_state(dev)->last_addr, dev->dma.bounced == bounced ? "" : ", bounced");
	memset(page, 0, PAGE_SIZE);
	error = edu_transfer(dev, page, 0, EDU_BUFFER_SIZE, DMA_FROM_DEVICE);
	if (error)
		return fail("from the device", error);
	for (unsigned int i = 0; i < EDU_BUFFER_SIZE; i++) {
		if (page[i] == (unsigned char)(i * 7 + i / 256))
			continue;
		printf("edu: byte %u came back as 0x%02x; has the device %u address lines? (QEMU: "
		       "-device edu,dma_mask=)\n",
		       i, page[i], edu_state(dev)->mask_bits);
		return 1;
	}
	printf("edu: and back: %u bytes as they were\n", EDU_BUFFER_SIZE);
	return 0;
}

static int dma(struct device *dev, const char *flags)
{
	gfp_t gfp = GFP_KERNEL;
	unsigned long page;
	int error;

	if (flags && console_parse_gfp("edu", flags, &gfp) != 0)
		return 1;
	page = get_zeroed_page(gfp);
	if (!page)
		return fail("no page", -ENOMEM);
	error = copy(dev, (unsigned char *)page);
	free_page(page);
	return error;
}

static int cmd_edu(int argc, char **argv)
{
	struct device *dev = edu_device(0);
	const char *what = argc > 1 ? argv[1] : "";

	if (!dev && argc <= 3) {
		printf("edu: this machine has no edu device (make run EDU=1)\n");
		return 1;
	}
	if (argc == 1)
		return show(dev);
	if (argc == 3 && strcmp(what, "mask") == 0)
		return set_mask(dev, argv[2]);
	if (argc == 3 && strcmp(what, "factorial") == 0)
		return factorial(dev, argv[2]);
	if ((argc == 2 || argc == 3) && strcmp(what, "dma") == 0)
		return dma(dev, argc == 3 ? argv[2] : NULL);
	return console_usage(argv[0]);
}

CONSOLE_COMMAND_WORDS(edu, cmd_edu, "edu [mask <bits> | factorial <n> | dma [gfp]]",
		      "QEMU's educational PCI device: state, reach, DMA\n"
		      "mask: address lines it drives, as -device edu,dma_mask= has it, 28 without\n"
		      "factorial: of 0 to 1000, modulo 2^32\n"
		      "dma: a page to the device and back; gfp: default GFP_KERNEL\n"
		      "example: edu dma GFP_DMA32",
		      "mask", "factorial", "dma");

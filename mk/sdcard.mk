# SPDX-License-Identifier: BSD-2-Clause
# The SD card of a board on hardware: one FAT partition with the image, the tree if board.mk names one, and what the board's
# loader reads beside them. That is U-Boot's extlinux.conf, or, where board.mk says so, files of the board's folder
# (SD_FILES), a file for the command line (SD_CMDLINE), and the vendor's first stage (SD_FIRMWARE), which is not ours to
# give: it is taken from FIRMWARE, and where it is not there that is said.

SD       := $(OUT)/sd-$(BOARD)
SD_IMAGE := $(OUT)/$(BOARD)-sd.img
# The loaders that lie before a card's first partition, Rockchip's among them, end within 16 MiB.
SD_FIRST := 16
SD_SIZE  := 48
SD_WRITE := sudo dd if=$(SD_IMAGE) of=/dev/sdX bs=4M conv=fsync

# A firmware that has arguments of its own before ours is told by quarry.cmd which are commands (README.md).
SD_ARGS = $(if $(SD_CMDLINE),printf '%s\n' $(call shell_quote,$(if $(CMD),quarry.cmd="$(CMD)")) >$(SD)/$(SD_CMDLINE),mkdir \
	$(SD)/extlinux && printf '%s\n' 'default quarry' 'label quarry' '	linux /Image' $(if $(DTB),'	fdt /$(BOARD).dtb') \
	$(if $(CMD),$(call shell_quote,	append $(CMD))) >$(SD)/extlinux/extlinux.conf)

SD_FOUND   = $(wildcard $(SD_FIRMWARE:%=$(FIRMWARE)/%))
SD_MISSING = $(filter-out $(notdir $(SD_FOUND)),$(SD_FIRMWARE))
SD_WARNING = missing on it: $(SD_MISSING), which are not in '$(FIRMWARE)'; nothing starts without: boards/$(BOARD)/README.md

.PHONY: sd-files sdcard
sd-files: $(OUT)/quarry.bin $(DTB)
	$(Q)rm -rf $(SD) && mkdir -p $(SD) && cp $(OUT)/quarry.bin $(SD)/Image
	$(if $(DTB),$(Q)cp $(DTB) $(SD)/$(BOARD).dtb)
	$(if $(SD_FILES)$(SD_FOUND),$(Q)cp $(SD_FILES:%=boards/$(BOARD)/%) $(SD_FOUND) $(SD))
	$(Q)$(SD_ARGS)

sdcard: sd-files mk/fat-disk.sh ## make a board's SD card: make sdcard BOARD=NAME; build/<isa>/NAME-sd.img
	$(Q)mk/fat-disk.sh $(SD_IMAGE) $(SD) $(SD_FIRST) $(SD_SIZE)
	@echo "wrote $(SD_IMAGE); to a card, all of which is lost: $(SD_WRITE)"
	$(if $(SD_MISSING),@echo $(call shell_quote,$(SD_WARNING)))

# SPDX-License-Identifier: BSD-2-Clause
# A boot chain of real boards: U-Boot finds the image on a disk with a partition table and a FAT file
# system, and starts it as it starts Linux (extlinux.conf, booti), with the board's device tree. A board that
# U-Boot is packaged for says in its board.mk where (UBOOT), how QEMU starts it (UBOOT_ARGS) and, if need be,
# with how much RAM (UBOOT_MEM).

UBOOT_DISK := $(OUT)/uboot/disk.img

# What U-Boot reads: the image, and the commands for /chosen/bootargs; an `append` of nothing it refuses.
$(OUT)/uboot/commands: FORCE
	@$(call update,$(CMD))

$(OUT)/uboot/files/extlinux/extlinux.conf: $(OUT)/uboot/commands
	$(Q)mkdir -p $(@D) && commands=$$(cat $<) && \
	printf '%s\n' 'default quarry' 'label quarry' '	linux /Image' $${commands:+"	append $$commands"} >$@

$(UBOOT_DISK): $(OUT)/quarry.bin $(OUT)/uboot/files/extlinux/extlinux.conf mk/fat-disk.sh
	$(call say,DISK,$@)
	$(Q)cp $(OUT)/quarry.bin $(OUT)/uboot/files/Image && mk/fat-disk.sh $@ $(OUT)/uboot/files 1 32

.PHONY: chain-uboot
ifeq ($(UBOOT),)
chain-uboot: ## start the board with U-Boot, which loads the image from a disk
	$(error board '$(BOARD)' names no U-Boot (UBOOT in boards/$(BOARD)/board.mk))
else
chain-uboot: $(UBOOT_DISK)
	@echo "Booting $(BOARD) by U-Boot; $(LEAVE)"
	$(Q)$(QEMU) $(QEMU_ARGS) -m $(or $(UBOOT_MEM),$(MEM)) -smp $(SMP) $(UBOOT_ARGS) \
		-drive file=$(UBOOT_DISK),format=raw,if=none,id=disk -device virtio-blk-device,drive=disk \
		$(QEMU_EXTRA) $(TERMINAL)
endif

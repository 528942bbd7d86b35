# SPDX-License-Identifier: BSD-2-Clause
# A boot chain of real boards: U-Boot finds the image on a disk with a partition table and a FAT file
# system, and starts it as it starts Linux (extlinux.conf, booti), with the board's device tree. A board that
# U-Boot is packaged for says in its board.mk where (UBOOT), how QEMU starts it (UBOOT_ARGS) and, if need be,
# with how much RAM (UBOOT_MEM).

UBOOT_DISK := $(OUT)/uboot/disk.img

# What U-Boot reads: the image, and the commands for /chosen/bootargs.
$(OUT)/uboot/commands: FORCE
	@$(call update,$(CMD))

$(OUT)/uboot/extlinux.conf: $(OUT)/uboot/commands
	$(Q)printf '%s\n' 'default quarry' 'label quarry' '	linux /Image' "	append $$(cat $<)" >$@

# One partition of type 0x0e (FAT16, LBA) from 1 MiB to the end: 0x800 sectors in, 0x10000 long.
$(UBOOT_DISK): $(OUT)/quarry.bin $(OUT)/uboot/extlinux.conf
	$(call say,DISK,$@)
	$(Q)rm -f $@ && truncate -s 33M $@
	$(Q)printf '\200\0\0\0\016\0\0\0\0\010\0\0\0\0\001\0' | dd of=$@ bs=1 seek=446 conv=notrunc status=none
	$(Q)printf '\125\252' | dd of=$@ bs=1 seek=510 conv=notrunc status=none
	$(Q)mformat -i $@@@1M -T 65536 :: && mmd -i $@@@1M ::/extlinux && \
	mcopy -i $@@@1M $(OUT)/quarry.bin ::/Image && \
	mcopy -i $@@@1M $(OUT)/uboot/extlinux.conf ::/extlinux/extlinux.conf

.PHONY: chain-uboot
ifeq ($(UBOOT),)
chain-uboot: ## start the board with U-Boot, which loads the image from a disk
	$(error board '$(BOARD)' names no U-Boot (UBOOT in boards/$(BOARD)/board.mk))
else
chain-uboot: $(UBOOT_DISK)
	@echo "Booting $(BOARD) by U-Boot; to leave: poweroff, or Ctrl-A x"
	$(Q)$(QEMU) $(QEMU_ARGS) -m $(or $(UBOOT_MEM),$(MEM)) -smp $(SMP) $(UBOOT_ARGS) \
		-drive file=$(UBOOT_DISK),format=raw,if=none,id=disk -device virtio-blk-device,drive=disk \
		$(QEMU_EXTRA) -nographic
endif

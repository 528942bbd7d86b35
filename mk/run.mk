# SPDX-License-Identifier: BSD-2-Clause
# Running the image on the emulated board.

# With LOAD a few instructions at the usual place jump to the image at that address.
ifneq ($(LOAD),)
LOAD_DEPS := $(OUT)/jump-$(LOAD).bin
LOAD_ARGS := -kernel $(LOAD_DEPS) -device loader,file=$(OUT)/quarry.bin,addr=$(LOAD),force-raw=on
else
LOAD_ARGS := -kernel $(OUT)/quarry.bin
endif

# QEMU has a tree for each of its machines; this one instead.
LOAD_DEPS += $(DTB)
LOAD_ARGS += $(if $(DTB),-dtb $(DTB))

# What is plugged in. QEMU wants a comma in a file's name twice.
comma    := ,
DISK_ARGS = -drive if=none,id=disk,format=raw,file=$(call shell_quote,$(subst $(comma),$(comma)$(comma),$(DISK))) \
	-device virtio-blk-device,drive=disk
EDU_ARGS := -device edu,dma_mask=0xffffffff
PLUGGED   = $(if $(DISK),$(DISK_ARGS)) $(if $(filter 1,$(EDU)),$(EDU_ARGS)) \
	$(if $(filter 1,$(RNG)),-device virtio-rng-device)

QEMU_LINE = $(QEMU) $(QEMU_ARGS) -m $(MEM) -smp $(SMP) $(LOAD_ARGS) \
	$(if $(CMD),-append $(call shell_quote,$(CMD))) $(PLUGGED) $(QEMU_EXTRA)

.PHONY: run debug
run: $(OUT)/quarry.bin $(LOAD_DEPS) ## build, boot the board, console on this terminal
	@echo "Booting $(BOARD); to leave: poweroff, or Ctrl-A x"
	$(Q)$(QEMU_LINE) -nographic

# gdb starts QEMU itself and talks to it through a pipe: no port to collide on.
debug: $(OUT)/quarry.bin $(LOAD_DEPS) ## the same, stopped at the first instruction, in gdb
	@echo "console: $(OUT)/console.log; to type into it: socat -,raw,echo=0 UNIX:$(OUT)/console.sock"
	$(Q)gdb-multiarch -q -ex "set confirm off" -ex "set architecture $(GDB_ARCH)" \
		-ex "add-symbol-file $(OUT)/quarry.elf -o $(or $(LOAD),$(RAM_LOAD))" \
		-ex 'target remote | exec $(QEMU_LINE) -S -gdb stdio -display none -monitor none -chardev socket,id=con,path=$(OUT)/console.sock,server=on,wait=off,logfile=$(OUT)/console.log -serial chardev:con' \
		-ex "tbreak boot_main" $(GDB_EXTRA)

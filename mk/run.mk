# SPDX-License-Identifier: BSD-2-Clause
# Running the image on the emulated board.

comma := ,
put = -device loader,file=$(1),addr=$(2),force-raw=on

# The tree in place of QEMU's own, if there is one. With LOAD a few instructions at the usual place jump to the
# image at that address. For a machine that QEMU's -kernel does not know DTB_LOAD says where the tree goes and
# START what is entered with it: image, tree and the instructions for that are put in RAM.
ifneq ($(DTB_LOAD),)
ifneq ($(LOAD),)
$(error board '$(BOARD)' has no LOAD: its firmware starts $(RAM_LOAD) and nothing else)
endif
START_STUB := $(OUT)/start-$(START)-$(DTB_LOAD).bin
START_LOAD := $(shell printf '0x%x' $$(($(DTB_LOAD) - 4096)))
PASSED_DTB := $(OUT)/dtb/$(BOARD).passed
LOAD_DEPS  := $(START_STUB) $(PASSED_DTB)
LOAD_ARGS   = $(call put,$(OUT)/quarry.bin,$(RAM_LOAD)) $(call put,$(PASSED_DTB),$(DTB_LOAD)) \
	$(call put,$(START_STUB),$(START_LOAD)),cpu-num=0

# QEMU's -append is for -kernel: the commands go into the tree here.
$(OUT)/dtb/$(BOARD).commands: FORCE
	@$(call update,$(CMD))

$(PASSED_DTB): $(DTB) $(OUT)/dtb/$(BOARD).commands
	$(Q)cp $< $@ $(if $(CMD),&& fdtput -p -t s $@ /chosen bootargs $(call shell_quote,$(CMD)))
else ifneq ($(BARE),)
# A board that has no loader: each CPU comes out of reset at the image.
BARE_IMAGE := $(OUT)/$(BOARD)-bare.bin
LOAD_DEPS := $(BARE_IMAGE) $(DTB)
$(BARE_IMAGE): $(OUT)/quarry.bin
	$(Q)cp $< $@
	$(Q)$(mark_search)
LOAD_ARGS  = $(call put,$(BARE_IMAGE),$(RAM_LOAD)),cpu-num=0 $(if $(DTB),-dtb $(DTB)) \
	$(patsubst %,-device loader$(comma)addr=$(RAM_LOAD)$(comma)cpu-num=%,$(shell seq 1 $$(($(SMP) - 1))))
else
ifneq ($(LOAD),)
LOAD_DEPS := $(OUT)/jump-$(LOAD).bin $(DTB)
LOAD_ARGS := -kernel $(OUT)/jump-$(LOAD).bin -device loader,file=$(OUT)/quarry.bin,addr=$(LOAD),force-raw=on
else
LOAD_DEPS := $(DTB)
LOAD_ARGS := -kernel $(OUT)/quarry.bin
endif
LOAD_ARGS += $(if $(DTB),-dtb $(DTB)) $(if $(CMD),-append $(call shell_quote,$(CMD)))
endif

# What is plugged in. QEMU wants a comma in a file's name twice.
DISK_ARGS = -drive if=none,id=disk,format=raw,file=$(call shell_quote,$(subst $(comma),$(comma)$(comma),$(DISK))) \
	-device virtio-blk-device,drive=disk
EDU_ARGS := -device edu,dma_mask=0xffffffff
PLUGGED   = $(if $(DISK),$(DISK_ARGS)) $(if $(filter 1,$(EDU)),$(EDU_ARGS)) \
	$(if $(filter 1,$(RNG)),-device virtio-rng-device)

# Gigabytes are address space that nothing is set aside for: a host need not have what the board never touches.
RAM_OBJECT = -object memory-backend-ram,id=ram,size=$(MEM),reserve=off -machine memory-backend=ram
RAM_ARGS   = -m $(MEM) $(if $(filter %G %T,$(MEM)),$(if $(findstring memory-backend,$(QEMU_EXTRA)),,$(RAM_OBJECT)))

# QEMU's own key is Ctrl-]: Ctrl-A goes to the beginning of the console's line.
TERMINAL := -nographic -echr 0x1d
LEAVE    := to leave: poweroff, or Ctrl-] x

QEMU_LINE = $(QEMU) $(QEMU_ARGS) $(RAM_ARGS) -smp $(SMP) $(LOAD_ARGS) \
	$(PLUGGED) $(QEMU_EXTRA)

.PHONY: run debug
ifeq ($(QEMU),)
# No emulator: the files for its loader, in a folder and no image.
run: sd-files
	@echo "QEMU has no $(BOARD). For a FAT partition of its SD card: what is in $(SD); the card's image: make sdcard BOARD=$(BOARD)"

debug:
	$(error QEMU has no $(BOARD); by JTAG: docs/porting.md)
else
run: $(OUT)/quarry.bin $(LOAD_DEPS) ## build, boot the board, console on this terminal
	$(if $(BARE),$(if $(CMD),$(error CMD is passed by a loader, and board '$(BOARD)' has none: type commands on the console)))
	@echo "Booting $(BOARD); $(LEAVE)"
	$(Q)$(QEMU_LINE) $(TERMINAL) $(if $(SERIAL_BEFORE),$(SERIAL_BEFORE) -serial mon:stdio)

# gdb starts QEMU itself and talks to it through a pipe: no port to collide on.
#: CORE	make core: the file to write, default build/<isa>/quarry.core; make debug: a core file to read instead of a machine
GDB = gdb-multiarch -q -ex "set confirm off" -ex "set architecture $(GDB_ARCH)" \
	-ex "add-symbol-file $(OUT)/quarry.elf -o $(or $(LOAD),$(RAM_LOAD))" -ex "source mk/gdb/quarry.py"

.PHONY: core
core: $(OUT)/quarry.bin $(LOAD_DEPS) ## boot the board, run CMD, and write its memory as a core file for make debug CORE=FILE
	$(Q)/usr/bin/python3 mk/gdb/core.py $(or $(CORE),$(OUT)/quarry.core) $(OUT)/core.log $(QEMU_LINE)

ifneq ($(CORE),)
debug: $(OUT)/quarry.elf
	$(Q)$(GDB) -ex "target core $(CORE)" $(GDB_EXTRA)
else
debug: $(OUT)/quarry.bin $(LOAD_DEPS) ## the same, stopped at the first instruction, in gdb
	@echo "console: $(OUT)/console.log; to type into it: socat -,raw,echo=0 UNIX:$(OUT)/console.sock"
	$(Q)$(GDB) -ex "set remotetimeout 60" \
		-ex $(call shell_quote,target remote | exec $(QEMU_LINE) -S -gdb stdio -display none -monitor none -chardev socket$(comma)id=con$(comma)path=$(OUT)/console.sock$(comma)server=on$(comma)wait=off$(comma)logfile=$(OUT)/console.log $(SERIAL_BEFORE) -serial chardev:con) \
		-ex "tbreak boot_main" $(GDB_EXTRA)
endif
endif

# SPDX-License-Identifier: BSD-2-Clause
# What the toolchains of mk/riscv64.mk and mk/arm64.mk have in common, by their prefix $(CROSS).

CC      := $(CROSS)gcc
LD      := $(CROSS)ld
AR      := $(CROSS)ar
OBJCOPY := $(CROSS)objcopy
READELF := $(CROSS)readelf
SIZE    := $(CROSS)size

# Looked up when first used: on a fresh machine it is installed in the same run of make.
$(call once,GCC_INCLUDE,$(CC) -print-file-name=include)

# The instructions that jump to an image loaded elsewhere, for tests of the load address:
# -kernel jump-ADDRESS.bin -device loader,file=quarry.bin,addr=ADDRESS,force-raw=on
$(OUT)/jump-0x%.bin: | deps-check
	$(call say,JUMP,$@)
	$(Q)mkdir -p $(@D)
	$(Q)printf '$(JUMP_CODE)' $* | $(CROSS)as -march=$(MARCH) -o $(@:.bin=.o) -
	$(Q)$(OBJCOPY) -O binary -j .text $(@:.bin=.o) $@
	$(Q)rm -f $(@:.bin=.o)

# The instructions that start ADDRESS with the device tree at FDT, for a machine whose loader is a bare reset vector:
# start-ADDRESS-FDT.bin, both as C writes hexadecimal numbers.
$(OUT)/start-%.bin: | deps-check
	$(call say,START,$@)
	$(Q)mkdir -p $(@D)
	$(Q)printf '$(START_CODE)' $(subst -, ,$*) | $(CROSS)as -march=$(MARCH) -o $(@:.bin=.o) -
	$(Q)$(OBJCOPY) -O binary -j .text $(@:.bin=.o) $@
	$(Q)rm -f $(@:.bin=.o)

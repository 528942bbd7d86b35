# SPDX-License-Identifier: BSD-2-Clause
# The firmware image: all sources of the folders named here, one object each.

# Drivers of what is part of an instruction set's architecture; all others are built for all.
DRIVERS_riscv64 := irqchip/plic irqchip/aplic irqchip/aplic_msi irqchip/imsic irqchip/riscv_ext timer/riscv_timer power/sbi_power
DRIVERS_arm64   := timer/arm_timer irqchip/gic irqchip/gicv2 irqchip/gicv3 irqchip/gicv3_dist irqchip/gicv2m irqchip/its irqchip/its_tables irqchip/bcm2836 power/psci_power
DRIVERS_OTHER_ISA := $(filter-out $(DRIVERS_$(ISA)),$(DRIVERS_riscv64) $(DRIVERS_arm64))
DRIVER_SOURCES := $(filter-out $(DRIVERS_OTHER_ISA:%=drivers/%.c),$(wildcard drivers/*/*.c))

IMAGE_SOURCES := $(MM_SOURCES) $(sort $(wildcard boot/*.c boot/dt/*.c boot/mmu/*.c boot/cpu/*.c) \
	$(wildcard boot/$(ISA)/*.c boot/$(ISA)/*.S) $(DRIVER_SOURCES) $(wildcard console/*.c) \
	$(wildcard test/target/*.c))
IMAGE_OBJECTS := $(patsubst %,$(OUT)/obj/%.o,$(basename $(IMAGE_SOURCES)))
MM_OBJECTS    := $(MM_SOURCES:%.c=$(OUT)/obj/%.o)
FDT_OBJECTS   := $(LIBFDT_NAMES:%=$(OUT)/obj/libfdt/%.o)
IMAGE_LDS     := $(OUT)/obj/quarry.lds

# mm/ sees its own headers and the port only; everything else may name a header by its path in the tree.
INCLUDES_mm := -Iinclude -iquote .
INCLUDES    := -Iinclude -I. -I$(OUT)/gen -isystem $(LIBFDT_DIR)

# Some distributions' compilers switch on hardening that needs a hosted C library.
CFLAGS = -std=gnu11 $(OPT) -g $(ISA_FLAGS) -fPIE -fvisibility=hidden -ftls-model=local-exec -ffreestanding \
	-fbuiltin -nostdinc -isystem $(PICOLIBC)/include -isystem $(GCC_INCLUDE) \
	-fno-stack-protector -U_FORTIFY_SOURCE -fno-common -fno-asynchronous-unwind-tables \
	-ffunction-sections -fdata-sections -DPICOLIBC_INTEGER_PRINTF_SCANF \
	-DQUARRY_PORT_HEADER='"boot/$(ISA)/port.h"' $(EXTRA_CFLAGS)

LDFLAGS = $(ISA_LDFLAGS) -pie --no-dynamic-linker -z notext -z norelro -z max-page-size=4096 -z noexecstack \
	--build-id=none --gc-sections --defsym=vfprintf=__i_vfprintf

COMPILE = $(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/flags: FORCE | deps-check
	@$(call update,$(CFLAGS) $(WARNINGS) $(LDFLAGS) $(shell $(CC) -dumpfullversion))

$(OUT)/objects: FORCE
	@$(call update,$(IMAGE_OBJECTS) $(FDT_OBJECTS))

$(OUT)/gen/version.h: FORCE
	@$(call update,#define QUARRY_VERSION "$(shell git describe --always --dirty --tags 2>/dev/null || echo unreleased)")

$(OUT)/obj/boot/main.o: $(OUT)/gen/version.h
$(filter-out $(MM_OBJECTS),$(IMAGE_OBJECTS)): | $(LIBFDT_STAMP)

$(OUT)/obj/mm/%.o: mm/%.c $(OUT)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(WARNINGS) -Wframe-larger-than=2048 $(INCLUDES_mm)

$(OUT)/obj/libfdt/%.o: $(LIBFDT_DIR)/%.c $(OUT)/flags
	$(call say,CC,libfdt/$*.c)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(WARNINGS_RELAXED) -I$(LIBFDT_DIR)

$(OUT)/obj/%.o: %.c $(OUT)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(WARNINGS) -Wframe-larger-than=2048 $(INCLUDES)

$(OUT)/obj/%.o: %.S $(OUT)/flags
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(INCLUDES)

$(IMAGE_LDS): boot/$(ISA)/quarry.lds $(OUT)/flags
	$(call say,LDS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -E -P -x c -I. -MMD -MP -MF $@.d -MT $@ -o $@ $<

# Start code applies relative relocations and no others: let the build fail, not the boot.
$(OUT)/quarry.elf: $(IMAGE_OBJECTS) $(FDT_OBJECTS) $(IMAGE_LDS) $(OUT)/objects
	$(call say,LD,$@)
	$(Q)$(LD) $(LDFLAGS) -T $(IMAGE_LDS) -Map $(OUT)/quarry.map -o $@ $(IMAGE_OBJECTS) $(FDT_OBJECTS) \
		--start-group $(LIBC) $(LIBGCC) --end-group
	$(Q)if $(READELF) -rW $@ | grep R_$(RELOC)_ | grep -Ev 'R_$(RELOC)_(RELATIVE|NONE) '; then \
		echo "$@: relocations that start code cannot apply" >&2; exit 1; fi

$(OUT)/quarry.bin: $(OUT)/quarry.elf
	$(call say,BIN,$@)
	$(Q)$(OBJCOPY) -O binary $< $@

-include $(patsubst %.o,%.d,$(IMAGE_OBJECTS) $(FDT_OBJECTS)) $(IMAGE_LDS).d

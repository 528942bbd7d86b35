# SPDX-License-Identifier: BSD-2-Clause
# An image that counts how long mm/ keeps interrupts masked (test/masked): the objects of the image, but those of
# mm/ that mask compiled with another port. Its command `masked` prints the figures.

MASKED         := $(OUT)/masked
MASKED_MM      := $(filter mm/alloc/% mm/buddy/% mm/pcp/% mm/zone/%,$(MM_SOURCES))
MASKED_OBJECTS := $(patsubst %.c,$(MASKED)/%.o,$(MASKED_MM) $(sort $(wildcard test/masked/*.c)))
MASKED_LINKED  := $(filter-out $(MASKED_MM:%.c=$(OUT)/obj/%.o),$(IMAGE_OBJECTS)) $(MASKED_OBJECTS) $(FDT_OBJECTS)
MASKED_PORT    := -UQUARRY_PORT_HEADER -DQUARRY_PORT_HEADER='"test/masked/port.h"'

.PHONY: masked
masked: $(MASKED)/quarry.bin ## build the image whose command `masked` counts how long interrupts stay masked

$(MASKED)/%.o: %.c $(OUT)/flags
	$(call say,CC,$< (masked))
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(MASKED_PORT) -MMD -MP -c -o $@ $< $(WARNINGS) $(INCLUDES)

$(MASKED)/objects: FORCE
	@$(call update,$(MASKED_LINKED))

$(MASKED)/quarry.elf: $(MASKED_LINKED) $(IMAGE_LDS) $(MASKED)/objects
	$(call say,LD,$@)
	$(Q)$(LD) $(LDFLAGS) -T $(IMAGE_LDS) -o $@ $(MASKED_LINKED) --start-group $(LIBC) $(LIBGCC) --end-group

$(MASKED)/quarry.bin: $(MASKED)/quarry.elf
	$(call say,BIN,$@)
	$(Q)$(OBJCOPY) -O binary $< $@

-include $(MASKED_OBJECTS:.o=.d)

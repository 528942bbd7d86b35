# SPDX-License-Identifier: BSD-2-Clause
# The device tree of a board whose loader passes none, or another one than it has: DTS, a source that is
# compiled, DTB, a tree as it is, or LINUX_DTS (linux-dts.mk). board.mk sets them, or the command line.

ifneq ($(DTS),)
DTB := $(OUT)/dtb/$(basename $(notdir $(DTS))).dtb

$(OUT)/dtb/source: FORCE
	@$(call update,$(DTS))

# Sources of others include headers and other sources, by the C preprocessor.
$(DTB): $(DTS) $(OUT)/dtb/source | deps-check
	$(call say,DTC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) -E -nostdinc -undef -D__DTS__ -x assembler-with-cpp -I$(dir $<) -Idts -MMD -MF $@.d -MT $@ -o $@.pre $<
	$(Q)dtc -I dts -O dtb -o $@ $@.pre
-include $(DTB).d
endif

.PHONY: dtb
dtb: $(DTB) ## compile a device tree: make dtb DTS=FILE.dts; build/<isa>/dtb/FILE.dtb
	$(if $(DTB),@echo '$(DTB)',$(error which one? make dtb DTS=FILE.dts))

# SPDX-License-Identifier: BSD-2-Clause
# The device tree of a board whose loader passes none, or another one than it has: DTS, a source that is
# compiled, DTB, a tree as it is, or LINUX_DTS (linux-dts.mk). board.mk sets one of them; one on the command line
# goes before it.

TREE_ASKED := $(strip $(foreach v,DTS DTB LINUX_DTS,$(if $(filter command%,$(origin $(v))),$(if $($(v)),$(v)))))
ifneq ($(word 2,$(TREE_ASKED)),)
$(error which tree? $(TREE_ASKED) are given)
endif
ifneq ($(TREE_ASKED),)
$(foreach v,$(filter-out $(TREE_ASKED),DTS DTB LINUX_DTS),$(eval $(v) :=))
endif

ifneq ($(word 2,$(DTS) $(DTB) $(LINUX_DTS)),)
$(error '$(DTS)$(DTB)$(LINUX_DTS)': a device tree's path may have no blanks)
endif
ifneq ($(DTS)$(DTB),)
ifeq ($(wildcard $(DTS)$(DTB)),)
$(error there is no file '$(DTS)$(DTB)')
endif
endif

TREE_SOURCE := $(or $(DTS),$(LINUX_DTS))
ifneq ($(TREE_SOURCE),)
DTB := $(OUT)/dtb/$(basename $(notdir $(TREE_SOURCE))).dtb

$(DTB:.dtb=.source): FORCE
	@$(call update,$(TREE_SOURCE))
endif

ifneq ($(DTS),)
# Sources of others include headers and other sources, by the C preprocessor.
$(DTB): $(DTS) $(DTB:.dtb=.source) | deps-check
	$(call say,DTC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) -E -nostdinc -undef -D__DTS__ -x assembler-with-cpp -I$(dir $<) -Idts -MMD -MF $@.d -MT $@ -o $@.pre $<
	$(Q)dtc -I dts -O dtb -o $@ $@.pre
-include $(DTB).d
endif

ifneq ($(LINUX_DTS),)
$(DTB): $(LINUX_DTS_STAMP) mk/linux-dts.sh $(DTB:.dtb=.source)
	$(call say,DTC,$(LINUX_DTS))
	$(Q)mkdir -p $(@D)
	$(Q)mk/linux-dts.sh $(LINUX_DTS_DIR) $(LINUX_DTS) $@
endif

.PHONY: dtb
dtb: $(DTB) ## compile a device tree: make dtb DTS=FILE.dts; build/<isa>/dtb/FILE.dtb
	$(if $(DTB),@echo '$(DTB)',$(error which one? make dtb DTS=FILE.dts))

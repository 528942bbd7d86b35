# SPDX-License-Identifier: BSD-2-Clause
# Flash: the image that is written to it, and the board started from it. A board that has flash says in its
# board.mk how large it is (FLASH_SIZE) and how QEMU is given FLASH_IMAGE (FLASH_ARGS).

# ---- code that runs from flash -----------------------------------------------------------------

# boot/place.c and boot/place_console.c run before RAM is known and so without a stack: nothing is saved (STACKLESS_FLAGS, from
# $(ISA).mk), nothing called (loops stay loops), and few values are alive at a time: none is calculated
# before it is needed, or kept because it may be needed again. That it came out so is checked.
$(OUT)/obj/boot/place.o $(OUT)/obj/boot/place_console.o: CFLAGS += -O1 $(STACKLESS_FLAGS) -fomit-frame-pointer -fno-sanitize=all \
	-fno-tree-loop-distribute-patterns -fno-tree-loop-im -fno-move-loop-invariants -fno-gcse \
	-fno-ivopts -fno-tree-pre -fno-tree-dominator-opts -fno-thread-jumps -fno-cse-follow-jumps -Wstack-usage=0

# ---- the flash image ---------------------------------------------------------------------------

# A board whose RAM begins with a tree that nobody passes says so (TREE_SEARCH): in the header of its own copy of the
# image a word tells that it may be looked for (boot/arm64/move.S).
mark_search = $(if $(TREE_SEARCH),printf '\001' | dd of=$@ bs=1 seek=48 conv=notrunc status=none)

# QEMU wants a file of exactly the flash's size; the image is its beginning.
FLASH_IMAGE := $(OUT)/$(BOARD)-flash.img

$(FLASH_IMAGE): $(OUT)/quarry.bin
	$(call say,FLASH,$@)
	$(Q)cp $< $@ && truncate -s $(FLASH_SIZE) $@
	$(Q)$(mark_search)

.PHONY: flash
ifeq ($(FLASH_SIZE),)
flash: ## write the image to the board's flash and start the board from it alone
	$(error board '$(BOARD)' has no flash that we can write)
else
flash: $(FLASH_IMAGE)
	$(if $(CMD),$(error CMD is passed by a loader, and flash has none: type commands on the console))
	@echo "Booting $(BOARD) from flash; $(LEAVE)"
	$(Q)$(QEMU) $(QEMU_ARGS) $(RAM_ARGS) -smp $(SMP) $(FLASH_ARGS) $(QEMU_EXTRA) $(TERMINAL)
endif

# SPDX-License-Identifier: BSD-2-Clause
# A board from its device tree: what is supported, and the folder boards/NAME. A tree is named as for `make run`.

NAME    ?=
MACHINE ?=
TREE_KIND := $(firstword $(TREE_ASKED))

.PHONY: new-board
new-board: $(HOST)/fdtmap $(DTB) ## look at a device tree, and write boards/NAME: make new-board DTB=FILE [NAME=.. [MACHINE=..]]
	$(if $(TREE_KIND),,$(error which tree? make new-board DTB=FILE, DTS=FILE or LINUX_DTS=PATH))
	$(Q)/usr/bin/python3 mk/new_board.py --fdtmap $(HOST)/fdtmap --name=$(call shell_quote,$(value NAME)) --machine=$(call shell_quote,$(value MACHINE)) \
		--kind $(TREE_KIND) --source=$(call shell_quote,$(TREE_SOURCE)) --riscv64 '$(DRIVERS_riscv64)' --arm64 '$(DRIVERS_arm64)' $(DTB)

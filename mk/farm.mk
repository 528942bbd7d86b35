# SPDX-License-Identifier: BSD-2-Clause
# Boards of a farm: the suites through labgrid, see examples/labgrid.

FARM        ?= qemu-$(ISA)
FARM_SUITES ?=
FARM_FOLDER := $(CURDIR)/build/farm
FARM_QEMU_riscv64 := qemu-system-riscv64
FARM_QEMU_arm64   := qemu-system-aarch64

# The image and QEMU are the board's.
ifneq ($(filter farm,$(MAKECMDGOALS)),)
ifneq ($(filter qemu-%,$(filter-out %.yaml qemu-$(ISA),$(FARM))),)
$(error FARM=$(FARM): not with BOARD=$(BOARD), but with a board of that architecture, as BOARD=$(FARM:qemu-%=qemu-virt-%))
endif
endif

.PHONY: farm
farm: $(if $(filter qemu-%,$(FARM)),build) | deps-check ## run the suites on a board of labgrid's: FARM=qemu-riscv64, qemu-arm64, serial (LG_PORT=..), or a YAML file; JUnit in build/farm
	$(Q)LG_QEMU=$$(command -v $(FARM_QEMU_$(ISA))) FARM_SUITES='$(FARM_SUITES)' FARM_FOLDER='$(FARM_FOLDER)' \
		/usr/bin/python3 -m pytest -q -s -p no:xdist -p no:cacheprovider -c /dev/null --rootdir examples/labgrid \
		--lg-env $(if $(filter %.yaml,$(FARM)),$(FARM),examples/labgrid/$(FARM).yaml) examples/labgrid

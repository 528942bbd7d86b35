# SPDX-License-Identifier: BSD-2-Clause
# The only entry point: `make help` lists what there is. The parts are in mk/.
#
# Everything built lands in $(O) (build/); the sources are never touched. A second build does nothing,
# and nothing but `make deps`, `make run` and `make test` on a machine without the packages uses the network.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.DELETE_ON_ERROR:
.SUFFIXES:
SHELL := /bin/sh

# What a user may set on the command line.
BOARD ?= qemu-virt-riscv64
O     ?= build
MEM   ?= 128M
SMP   ?= 1
CMD   ?=
LOAD  ?=
DTS   ?=
DTB   ?=
LINUX_DTS ?=
DISK  ?=
EDU   ?= 0
RNG   ?= 0
QEMU_EXTRA   ?=
EXTRA_CFLAGS ?=
OPT   ?= -O2
V     ?= 0

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@echo '  $(1)	$(2)';)

ifeq ($(wildcard boards/$(BOARD)/board.mk),)
$(error there is no board '$(BOARD)'; known: $(patsubst boards/%/board.mk,%,$(wildcard boards/*/board.mk)))
endif
include boards/$(BOARD)/board.mk

# ISA=host: the library for programs that run here.
LIB_FOR := $(ISA)
ifeq ($(ISA),host)
override ISA := riscv64
endif

OUT  := $(O)/$(ISA)
HOST := $(O)/host

.PHONY: build
build: $(OUT)/quarry.bin ## build the image: build/<isa>/quarry.bin, .elf and .map (default)

include mk/deps.mk
include mk/rules.mk
include mk/libfdt.mk
include mk/$(ISA).mk
include mk/image.mk
include mk/bench.mk
include mk/masked.mk
include mk/bench-linux.mk
include mk/host.mk
include mk/lib.mk
include mk/dist.mk
include mk/fuzz.mk
include mk/exhaust.mk
include mk/mutate.mk
include mk/prove.mk
include mk/linux-dts.mk
include mk/dtb.mk
include mk/new-board.mk
include mk/sdcard.mk
include mk/run.mk
include mk/flash.mk
include mk/chains.mk
include mk/check.mk
include mk/farm.mk
include mk/docs.mk

.PHONY: help clean boards
help: ## this list
	@echo 'usage: make [target] [VARIABLE=value ...]'
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)$$/  \1	\2/p' $(MAKEFILE_LIST) | sort | expand -t 16
	@echo 'variables:'
	@sed -n 's/^#: \([A-Z_]*\)	*\(.*\)$$/  \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

#: BOARD	the board to build for and run (make boards lists them)
#: MEM	RAM of the emulated board, as QEMU's -m takes it: 64M, 1G, ...; default 128M
#: SMP	harts of the emulated board; default 1
#: CMD	console commands to run after boot: make run CMD="buddyinfo; poweroff"
#: LOAD	load address, a multiple of 2 MiB: make run LOAD=0x84600000
#: DTS	a device tree for the board, compiled: make run DTS=dts/NAME.dts
#: DTB	the same as a blob
#: LINUX_DTS	the same of Linux's: make run LINUX_DTS=arch/arm64/boot/dts/xilinx/NAME.dts
#: FIRMWARE	where a board's closed first stage lies, for make sdcard: FIRMWARE=DIR
#: NAME	the board that make new-board writes; without it, it only looks
#: MACHINE	QEMU's machine for that board, if it has one
#: DISK	a file to plug in as a virtio disk, raw: make run DISK=disk.img
#: EDU	EDU=1 plugs in QEMU's edu device, with 32 address lines
#: RNG	RNG=1 plugs in a virtio entropy device
#: QEMU_EXTRA	further options for QEMU
#: EXTRA_CFLAGS	further options for the compiler, image and host programs
#: OPT	optimisation of the image; default -O2
#: O	where to build; default build
#: V	V=1 shows the commands

boards: ## list the boards
	@for b in boards/*/board.mk; do d=$${b%/board.mk}; \
	echo "$${d#boards/}	$$(sed -n 's/^# *board: *//p' $$b)"; done | expand -t 24

clean: ## remove everything built
	$(Q)rm -rf -- $(O)

# SPDX-License-Identifier: BSD-2-Clause
# Packages. Before anything is compiled mk/deps.sh looks whether the tools are there: some ten
# milliseconds when they are. `run`, `test`, `bench`, `debug` and `deps` install what is
# missing; any other target only says what it is.

# The boards whose tests `make test` runs: one of each instruction set, or the one that was named.
TEST_BOARDS ?= $(if $(filter command,$(firstword $(origin BOARD))),$(BOARD),qemu-virt-riscv64 qemu-virt-arm64)
TEST_ISAS    = $(sort $(foreach b,$(TEST_BOARDS),$(shell sed -n 's/^ISA *:= *//p' boards/$(b)/board.mk)))

DEPS_FOR  := $(if $(filter test check boards-test pictures,$(MAKECMDGOALS)),test,$(if $(filter host fdtmap new-board consoles,$(MAKECMDGOALS)),test,build))
DEPS_FOR  := $(if $(filter deps,$(MAKECMDGOALS)),all,$(DEPS_FOR))
DEPS_FOR  += $(if $(filter fuzz%,$(MAKECMDGOALS)),fuzz) $(if $(filter mutate,$(MAKECMDGOALS)),mutate) $(if $(filter prove%,$(MAKECMDGOALS)),prove)
DEPS_FOR  += $(if $(filter run flash,$(MAKECMDGOALS)),run) $(if $(filter chain-uboot,$(MAKECMDGOALS)),uboot)
DEPS_FOR  += $(if $(DTS)$(LINUX_DTS)$(filter linux-dtbs consoles,$(MAKECMDGOALS)),tree) $(if $(filter sdcard,$(MAKECMDGOALS)),sdcard)
DEPS_FOR  += $(if $(filter docs,$(MAKECMDGOALS)),docs)
DEPS_FOR  += $(if $(filter debug,$(MAKECMDGOALS)),debug) $(if $(filter farm,$(MAKECMDGOALS)),farm)
DEPS_FOR  += $(if $(filter bench-linux,$(MAKECMDGOALS)),bench linux)
DEPS_FOR  += $(if $(filter bench,$(MAKECMDGOALS)),bench) $(if $(filter bench-host,$(MAKECMDGOALS)),bench-host)
DEPS_MODE := $(if $(filter run sdcard flash chain-uboot test boards-test pictures bench bench-host debug deps docs bench-linux farm fuzz% mutate prove%,$(MAKECMDGOALS)),install,check)

.PHONY: deps deps-check
deps: deps-check ## install what building, running and testing need (Debian, Ubuntu)

deps-check:
	@ISAS='$(if $(filter test bench all,$(DEPS_FOR)),$(TEST_ISAS),$(ISA))' LINUX_DTS='$(or $(LINUX_DTS),$(filter linux-dtbs consoles,$(MAKECMDGOALS)))' \
		LINUX_DTS_STAMP='$(LINUX_DTS_STAMP)' mk/deps.sh $(DEPS_MODE) $(DEPS_FOR)

# SPDX-License-Identifier: BSD-2-Clause
# Packages. Before anything is compiled mk/deps.sh looks whether the tools are there: some ten
# milliseconds when they are. `run`, `test`, `debug` and `deps` install what is missing; any other
# target only says what it is.

DEPS_FOR  := $(if $(filter test check,$(MAKECMDGOALS)),test,$(if $(filter host fdtmap,$(MAKECMDGOALS)),test,build))
DEPS_FOR  := $(if $(filter deps,$(MAKECMDGOALS)),all,$(DEPS_FOR))
DEPS_FOR  += $(if $(filter run,$(MAKECMDGOALS)),run) $(if $(filter debug,$(MAKECMDGOALS)),debug)
DEPS_MODE := $(if $(filter run test debug deps,$(MAKECMDGOALS)),install,check)

.PHONY: deps deps-check
deps: deps-check ## install what building, running and testing need (Debian, Ubuntu)

deps-check:
	@ISA=$(ISA) mk/deps.sh $(DEPS_MODE) $(DEPS_FOR)

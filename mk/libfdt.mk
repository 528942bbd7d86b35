# SPDX-License-Identifier: BSD-2-Clause
# libfdt, from the Linux sources that Debian and Ubuntu package (linux-source): unpacked once.

LIBFDT_DIR   ?= $(O)/third_party/libfdt
LIBFDT_STAMP := $(LIBFDT_DIR)/.unpacked
LIBFDT_NAMES := fdt fdt_ro fdt_wip fdt_sw fdt_rw fdt_strerror fdt_empty_tree fdt_addresses
LIBFDT_SOURCES := $(LIBFDT_NAMES:%=$(LIBFDT_DIR)/%.c)
export LIBFDT_STAMP

$(LIBFDT_STAMP): | deps-check
	@echo '  UNPACK	libfdt (once, some ten seconds)'
	$(Q)archive=$$(ls -v /usr/src/linux-source-*.tar.xz | tail -n 1) && \
	mkdir -p $(@D) && tar -xJf "$$archive" -C $(@D) --strip-components=4 --no-same-owner --wildcards \
		'linux-source-*/scripts/dtc/libfdt/*' && touch $@

$(LIBFDT_SOURCES): $(LIBFDT_STAMP) ;

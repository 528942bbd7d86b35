# SPDX-License-Identifier: BSD-2-Clause
# Linux's device tree sources, from the same package as libfdt: unpacked when one is asked for.
#   LINUX_DTS = arch/arm64/boot/dts/xilinx/zynqmp-zcu102-rev1.0.dts    on the command line or in board.mk

LINUX_DTS_DIR := $(O)/third_party/linux-dts
LINUX_DTS_STAMP := $(LINUX_DTS_DIR)/.unpacked
LINUX_DTB_DIR := $(LINUX_DTS_DIR)/dtb
export LINUX_DTS_STAMP
# Cases of a test that run at once may ask for the same: one does it, the others wait.
LINUX_DTS_LOCK = exec 9>$(LINUX_DTS_DIR)/.lock && flock 9

$(LINUX_DTS_STAMP): | deps-check
	@echo '  UNPACK	device trees of Linux (once, some twenty seconds)'
	$(Q)mkdir -p $(@D) && $(LINUX_DTS_LOCK) && { test -e $@ || { \
	archive=$$(ls -v /usr/src/linux-source-*.tar.xz | tail -n 1) && \
	tar -xJf "$$archive" -C $(@D) --strip-components=1 --no-same-owner --wildcards \
		'linux-source-*/arch/*/boot/dts/*' 'linux-source-*/include/dt-bindings/*' \
		'linux-source-*/include/uapi/linux/input-event-codes.h' \
		'linux-source-*/scripts/dtc/include-prefixes/*' && touch $@; }; }

# All of arm64 and riscv64, as ARCH_VENDOR_NAME.dtb: some 780, half a minute on two CPUs.
$(LINUX_DTB_DIR)/.compiled: $(LINUX_DTS_STAMP) mk/linux-dts.sh
	@echo '  DTC	all device trees of Linux (once, half a minute)'
	$(Q)mkdir -p $(@D) && $(LINUX_DTS_LOCK) && { test $@ -nt mk/linux-dts.sh || { \
	(cd $(LINUX_DTS_DIR) && find arch/arm64/boot/dts arch/riscv/boot/dts -name '*.dts') | \
		xargs -P$$(nproc) -I{} mk/linux-dts.sh $(LINUX_DTS_DIR) {} $(@D)/ || echo '  (not all of them compiled)'; \
	ls $(@D)/*.dtb >/dev/null 2>&1 || { echo 'linux-dtbs: not one of them compiled' >&2; exit 1; }; touch $@; }; }

.PHONY: linux-dtbs consoles
linux-dtbs: $(LINUX_DTB_DIR)/.compiled ## compile all device trees of Linux: build/third_party/linux-dts/dtb

consoles: $(HOST)/fdtmap linux-dtbs ## which UART each tree of Linux prints on, how many have a row, and which have none
	$(Q)/usr/bin/python3 test/harness/consoles.py $(HOST)/fdtmap $(LINUX_DTB_DIR)

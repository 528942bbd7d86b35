# SPDX-License-Identifier: BSD-2-Clause
# The reference of the public headers. A warning of doxygen's is an error.

.PHONY: docs
docs: | deps-check ## make the reference of include/quarry: build/docs/index.html
	$(call say,DOXYGEN,$(O)/docs)
	$(Q)mkdir -p $(O)/docs && DOCS_OUT=$(O)/docs doxygen docs/Doxyfile

.PHONY: pictures
pictures: ## draw README's pictures of the console and the report anew (docs/figures/map.svg, report.png)
	$(Q)$(MAKE) --no-print-directory build $(HOST)/replay BOARD=qemu-virt-riscv64
	$(Q)/usr/bin/python3 test/harness/pictures.py

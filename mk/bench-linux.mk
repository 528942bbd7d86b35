# SPDX-License-Identifier: BSD-2-Clause
# The workloads of test/bench inside Linux, on the same machine, beside Quarry. Not a part of `make test`: it
# builds kernels.

.PHONY: bench-linux
bench-linux: build-all ## the same workloads in Linux, built from linux-source: docs/figures/comparison.md
	$(Q)test/bench/linux/kernel.sh $(O)/linux $(TEST_ISAS)
	$(Q)TEST_BOARDS='$(TEST_BOARDS)' /usr/bin/python3 test/bench/linux/compare.py

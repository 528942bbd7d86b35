# SPDX-License-Identifier: BSD-2-Clause
# Tests and style. The closing line `N passed, N failed` is the last line of `make test`.

SOURCE_FILES = $(sort $(shell find boot console drivers examples include mm test -name '*.[ch]'))

.PHONY: test build-all format format-fix
test: build-all host fuzzers exhauster format linux-dtbs ## everything CI runs: build, host tests, the images in QEMU, style
	$(Q)TEST_BOARDS='$(TEST_BOARDS)' /usr/bin/python3 -m pytest test/harness $(PYTEST_EXTRA)

# The image of each board that is tested.
build-all: build
	$(Q)for board in $(filter-out $(BOARD),$(TEST_BOARDS)); do \
		$(MAKE) --no-print-directory build BOARD=$$board || exit 1; done

.PHONY: boards-test
boards-test: ## start, test and stress each board and variant that the installed QEMU has; DOCS=1 writes docs/boards.md's tables
	$(Q)$(MAKE) --no-print-directory build-all >&2
	$(Q)/usr/bin/python3 test/harness/boards.py $(if $(filter 1,$(DOCS)),--docs)

.PHONY: recording
CALLS ?= 1000000
recording: build-all $(HOST)/replay ## so many CALLS on four CPUs of each board, recorded on a disk and replayed; a minute each
	$(Q)TEST_BOARDS='$(TEST_BOARDS)' RECORD_CALLS=$(CALLS) /usr/bin/python3 -m pytest test/harness/test_replay.py -k recording_on_a_disk

.PHONY: soak
OPS ?= 100000000
soak: build-all ## so many OPS of `stress` on four CPUs of each board while memory moves; a quarter of an hour, both at once
	$(Q)TEST_BOARDS='$(TEST_BOARDS)' SOAK_OPS=$(OPS) /usr/bin/python3 -m pytest test/harness/test_smp.py -k moving

# Versions of clang-format disagree in small things, so one is named; where it is not packaged the format
# is not checked, and that is said.
CLANG_FORMAT := clang-format-19

format: | deps-check ## check the sources' format
	$(Q)if command -v $(CLANG_FORMAT) >/dev/null; then \
		echo '  FORMAT	check'; $(CLANG_FORMAT) --dry-run -Werror $(SOURCE_FILES); \
	else echo 'format: no $(CLANG_FORMAT) here: not checked'; fi

format-fix: | deps-check ## format the sources
	$(Q)$(CLANG_FORMAT) -i $(SOURCE_FILES)

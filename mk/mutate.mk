# SPDX-License-Identifier: BSD-2-Clause
# Does a test notice? test/mutate/mutate.py changes mm/ in one small way at a time and runs the host programs.

#: MUTATE	options for make mutate: make mutate MUTATE="--files buddy --count 50"; --help lists them
MUTATE ?=

.PHONY: mutate
mutate: | deps-check ## change mm/ in 320 small ways, one at a time: do the host programs notice? 1 to 2 hours
	$(Q)HOST_CC='$(HOST_CC)' /usr/bin/python3 -u test/mutate/mutate.py --out $(O)/mutate $(MUTATE)

# SPDX-License-Identifier: BSD-2-Clause
# Proofs: test/proof/properties.py lists them, docs/proof.md says what they mean. No other target needs their tools.

#: PROVE	the properties of make prove, by name, or options: make prove PROVE="--list"; default all
#: DOCS	make prove DOCS=1 writes the table of docs/proof.md
PROVE ?=
DOCS  ?= 0

.PHONY: prove prove-quick
prove: | deps-check ## prove what test/proof lists, and refute small changes of it (CBMC, Frama-C, Spin); 2 hours
	$(Q)mk/cbmc.sh $(O)/prove/cbmc
	$(Q)/usr/bin/python3 -u test/proof/prove.py --out $(O)/prove $(if $(filter 1,$(DOCS)),--docs) $(PROVE)

prove-quick: override PROVE += --quick
prove-quick: prove ## of it what three minutes are enough for, without changes

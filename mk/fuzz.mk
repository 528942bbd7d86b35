# SPDX-License-Identifier: BSD-2-Clause
# Fuzzing with clang's libFuzzer under the address and undefined-behaviour sanitizers. Each
# test/fuzz/fuzz_NAME.c defines LLVMFuzzerTestOneInput(); test/fuzz/NAME_*.c belong to it, and
# test/fuzz/port_fuzz.c, mm/ and the early device-tree sources to all. test/fuzz/corpus/NAME holds the kept
# inputs, minimised (make fuzz-merge); what a run finds besides stays in $(O)/fuzz/NAME.

#: FUZZ_SECONDS	how long make fuzz runs each fuzzer; default 60
#: FUZZ	the fuzzers to run, by name: make fuzz FUZZ=alloc; default all
#: FUZZ_OPTIONS	further options for libFuzzer, -seed=1 for instance
FUZZ_SECONDS ?= 60
FUZZ_OPTIONS ?=
FUZZERS := $(patsubst test/fuzz/fuzz_%.c,%,$(sort $(wildcard test/fuzz/fuzz_*.c)))
FUZZ    ?= $(FUZZERS)

FUZZ_CC     := clang
FUZZ_CFLAGS  = -std=gnu11 -O1 -g -DQUARRY_HOST -DCONFIG_FAULT_POINTS -DQUARRY_PORT_HEADER='"test/fuzz/port_fuzz.h"' \
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer $(EXTRA_CFLAGS)
FUZZ_COVER  := -fsanitize=fuzzer-no-link
# Of what is counted each basic block calls port_fuzz_step() besides; the compiler's name for it is libFuzzer's own.
FUZZ_STEPS  := -fsanitize-coverage=trace-pc
FUZZ_STEP    = $(if $(filter boot/dt/% mm/memblock/% libfdt/%,$(@:$(FUZZ_OUT)/%=%)),$(1))
FUZZ_NAMES   = $(call FUZZ_STEP,&& objcopy --redefine-sym __sanitizer_cov_trace_pc=port_fuzz_step $@)
# clang warns of what gcc's pragmas for loops say, and of conversions that gcc sees to be harmless.
FUZZ_WARNINGS := $(filter-out -Wconversion,$(WARNINGS)) -Wno-unknown-pragmas
FUZZ_OUT    := $(HOST)/fuzz
FUZZ_BINARY := $(FUZZERS:%=$(FUZZ_OUT)/fuzz_%)

FUZZ_LIBFDT := $(LIBFDT_NAMES:%=$(FUZZ_OUT)/libfdt/%.o)
FUZZ_COMMON := $(patsubst %.c,$(FUZZ_OUT)/%.o,$(MM_SOURCES) $(sort $(wildcard boot/dt/fdt_early*.c)) \
	test/host/port_host.c test/fuzz/port_fuzz.c)
# $(call fuzz_own,NAME): the objects of one fuzzer alone.
fuzz_own = $(patsubst %.c,$(FUZZ_OUT)/%.o,test/fuzz/fuzz_$(1).c $(sort $(wildcard test/fuzz/$(1)_*.c)))

.PHONY: fuzz fuzzers fuzz-replay fuzz-merge $(FUZZERS:%=fuzz-%) $(FUZZERS:%=fuzz-replay-%) $(FUZZERS:%=fuzz-merge-%)
fuzzers: $(FUZZ_BINARY)
fuzz: $(FUZZ:%=fuzz-%) ## fuzz mm/ and the device-tree code, FUZZ_SECONDS each, from the kept corpora
fuzz-replay: $(FUZZ:%=fuzz-replay-%) ## run the kept corpora alone
fuzz-merge: $(FUZZ:%=fuzz-merge-%) ## replace the kept corpora by the fewest inputs that cover as much, finds included

# What a fuzzer finds goes to its first folder. A verdict is what the sanitizers and the fuzzer's own checks say;
# how long an input takes is none.
$(FUZZERS:%=fuzz-%): fuzz-%: $(FUZZ_OUT)/fuzz_%
	@mkdir -p $(O)/fuzz/$*/corpus test/fuzz/corpus/$*
	@echo '  FUZZ	$* ($(FUZZ_SECONDS) s)'
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -timeout=0 -rss_limit_mb=4096 -print_final_stats=1 \
		-artifact_prefix=$(O)/fuzz/$*/ $(FUZZ_OPTIONS) $(O)/fuzz/$*/corpus test/fuzz/corpus/$* \
		>$(O)/fuzz/$*/log 2>&1 || { tail -n 60 $(O)/fuzz/$*/log; \
		echo 'fuzz: $* failed (all of it: $(O)/fuzz/$*/log). To run the input again: $< $(O)/fuzz/$*/crash-...'; \
		ls -t $(O)/fuzz/$*/*-* | sed -n '1s,^,fuzz: the input: ,p'; exit 1; }
	@sed -n 's/^stat::number_of_executed_units: */fuzz: $*: inputs run: /p; s/^fuzz: /&/p' $(O)/fuzz/$*/log

$(FUZZERS:%=fuzz-replay-%): fuzz-replay-%: $(FUZZ_OUT)/fuzz_%
	@mkdir -p $(O)/fuzz/$*
	$(Q)$< -runs=0 -timeout=0 -rss_limit_mb=4096 -artifact_prefix=$(O)/fuzz/$*/ test/fuzz/corpus/$*

$(FUZZERS:%=fuzz-merge-%): fuzz-merge-%: $(FUZZ_OUT)/fuzz_%
	$(Q)rm -rf $(O)/fuzz/$*/merged && mkdir -p $(O)/fuzz/$*/merged $(O)/fuzz/$*/corpus test/fuzz/corpus/$*
	$(Q)$< -merge=1 -timeout=0 -rss_limit_mb=4096 $(FUZZ_OPTIONS) $(O)/fuzz/$*/merged test/fuzz/corpus/$* $(O)/fuzz/$*/corpus
	$(Q)rm -rf test/fuzz/corpus/$* && cp -r $(O)/fuzz/$*/merged test/fuzz/corpus/$* && du -sb test/fuzz/corpus/$*

$(FUZZ_OUT)/flags: FORCE | deps-check
	@$(call update,$(FUZZ_CFLAGS) $(FUZZ_STEPS) $(FUZZ_WARNINGS) $(shell $(FUZZ_CC) -dumpversion))

$(FUZZ_OUT)/objects: FORCE
	@$(call update,$(FUZZ_COMMON) $(foreach f,$(FUZZERS),$(call fuzz_own,$(f))))

$(FUZZ_OUT)/mm/%.o: mm/%.c $(FUZZ_OUT)/flags
	$(call say,FUZZCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_COVER) $(call FUZZ_STEP,$(FUZZ_STEPS)) $(FUZZ_WARNINGS) -Iinclude -I. -MMD -MP -c -o $@ $< $(FUZZ_NAMES)

$(FUZZ_OUT)/libfdt/%.o: $(LIBFDT_DIR)/%.c $(FUZZ_OUT)/flags
	$(call say,FUZZCC,libfdt/$*.c)
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_COVER) $(call FUZZ_STEP,$(FUZZ_STEPS)) $(WARNINGS_RELAXED) -I$(LIBFDT_DIR) -MMD -MP -c -o $@ $< $(FUZZ_NAMES)

# A fuzzer's own code, its model above all, is no code to be covered.
$(FUZZ_OUT)/test/%.o: test/%.c $(FUZZ_OUT)/flags | $(LIBFDT_STAMP)
	$(call say,FUZZCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -O2 $(FUZZ_WARNINGS) $(HOST_INCLUDES) -MMD -MP -c -o $@ $<

$(FUZZ_OUT)/%.o: %.c $(FUZZ_OUT)/flags | $(LIBFDT_STAMP)
	$(call say,FUZZCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_COVER) $(call FUZZ_STEP,$(FUZZ_STEPS)) $(FUZZ_WARNINGS) $(HOST_INCLUDES) -MMD -MP -c -o $@ $< $(FUZZ_NAMES)

.SECONDEXPANSION:
$(FUZZ_BINARY): $(FUZZ_OUT)/fuzz_%: $$(call fuzz_own,$$*) $(FUZZ_COMMON) $(FUZZ_LIBFDT) $(FUZZ_OUT)/objects
	$(call say,FUZZLD,$@)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $(filter %.o,$^)

-include $(patsubst %.o,%.d,$(FUZZ_COMMON) $(FUZZ_LIBFDT) $(foreach f,$(FUZZERS),$(call fuzz_own,$(f))))

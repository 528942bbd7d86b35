# SPDX-License-Identifier: BSD-2-Clause
# Benchmarks. The workloads in test/bench are linked into the image (the console's `bench`) and,
# without sanitizers, into a host program. Included after image.mk, whose recipes see the objects
# added here.

BENCH_SOURCES := $(sort $(filter-out test/bench/host%.c,$(wildcard test/bench/*.c)))
BENCH_OBJECTS := $(BENCH_SOURCES:%.c=$(OUT)/obj/%.o)

IMAGE_OBJECTS += $(BENCH_OBJECTS)
$(OUT)/quarry.elf: $(BENCH_OBJECTS)
$(BENCH_OBJECTS): | $(LIBFDT_STAMP)

.PHONY: bench bench-host
bench: build-all ## count instructions on both boards, compare with others, check the budgets
	$(Q)TEST_BOARDS='$(TEST_BOARDS)' /usr/bin/python3 test/bench/run.py; status=$$?; \
	mk/deps.sh install plots; /usr/bin/python3 test/bench/plot.py; exit $$status

# ---- on the host ------------------------------------------------------------------------------

BENCH_HOST   := $(O)/bench-host
BENCH_HOST_OBJECTS := $(patsubst %.c,$(BENCH_HOST)/%.o,$(filter-out test/bench/cmd_%.c,$(BENCH_SOURCES)) $(MM_SOURCES) \
	$(sort $(wildcard test/bench/host*.c)) test/host/port_host.c console/trace_frame.c console/crc32.c)
BENCH_HOST_CFLAGS = -std=gnu11 -O2 -g -DQUARRY_HOST -pthread $(EXTRA_CFLAGS)

bench-host: $(BENCH_HOST)/bench ## the same on this machine: ns, 1 to 4 threads on 2 processors, and instructions
	$(Q)mk/deps.sh install callgrind || true
	$(Q)/usr/bin/python3 test/bench/host.py $<

$(BENCH_HOST)/flags: FORCE | deps-check
	@$(call update,$(BENCH_HOST_CFLAGS) $(WARNINGS) $(shell $(HOST_CC) -dumpfullversion))

# valgrind/callgrind.h marks what callgrind counts; without it there are only nanoseconds.
$(BENCH_HOST)/%.o: %.c $(BENCH_HOST)/flags
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) $(BENCH_HOST_CFLAGS) $(WARNINGS) -Iinclude -I. -MMD -MP -c -o $@ $<

$(BENCH_HOST)/bench: $(BENCH_HOST_OBJECTS)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(BENCH_HOST_CFLAGS) -o $@ $^

-include $(BENCH_OBJECTS:.o=.d) $(BENCH_HOST_OBJECTS:.o=.d)

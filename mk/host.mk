# SPDX-License-Identifier: BSD-2-Clause
# Programs that run here: the same mm/ and early device-tree sources under the address and undefined-
# behaviour sanitizers. Each test/host/test_*.c is one cmocka program; the other files there, but for
# the tools' own, are linked into all of them.

HOST_CC := gcc

HOST_TOOLS   := fdtmap
HOST_SOURCES  := $(sort $(wildcard test/host/*.c test/host/*/*.c))
HOST_THREADED := $(sort $(basename $(notdir $(filter %/test_smp.c %/test_slab_smp.c %/test_spinlock.c,$(HOST_SOURCES)))))
HOST_MOVING   := $(sort $(basename $(notdir $(filter %/test_moving.c,$(HOST_SOURCES)))))
HOST_COUNTED  := $(sort $(basename $(notdir $(filter %_cost.c,$(HOST_SOURCES)))))
HOST_MIXED    := test_mix
HOST_TESTS    := $(filter-out $(HOST_MIXED) $(HOST_THREADED) $(HOST_MOVING) $(HOST_COUNTED),$(sort $(patsubst %.c,%,$(filter test_%,$(notdir $(HOST_SOURCES))))))
HOST_SUPPORT  := $(foreach s,$(HOST_SOURCES),$(if $(filter test_% $(HOST_TOOLS:%=%.c),$(notdir $(s))),,$(s)))
# $(call host_source,PROGRAM): where the program's own file is, without its suffix.
host_source = $(basename $(filter %/$(1).c,$(HOST_SOURCES)))

HOST_CFLAGS = -std=gnu11 -O1 -g -DQUARRY_HOST -DCONFIG_FAULT_POINTS -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer $(EXTRA_CFLAGS)
HOST_COMPILE = $(HOST_CC) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<
HOST_INCLUDES := -Iinclude -I. -isystem $(LIBFDT_DIR)

HOST_MM     := $(MM_SOURCES:%.c=$(HOST)/obj/%.o)
HOST_FDT    := $(LIBFDT_NAMES:%=$(HOST)/obj/libfdt/%.o)
HOST_DT     := $(patsubst %.c,$(HOST)/obj/%.o,$(sort $(wildcard boot/dt/fdt_early*.c)))
# What fdtmap has besides, to say which UART is the console.
HOST_SERIAL := $(patsubst %,$(HOST)/obj/%.o,boot/dt/of drivers/serial/uart_choose drivers/serial/uart_kinds)
HOST_COMMON := $(HOST_MM) $(HOST_DT) $(HOST_FDT) $(HOST_SUPPORT:%.c=$(HOST)/obj/%.o)
HOST_MAINS  := $(foreach p,$(HOST_TOOLS) $(HOST_TESTS),$(HOST)/obj/$(call host_source,$(p)).o)

# There are no recordings without debug hooks.
HOST_REPLAY := $(if $(findstring CONFIG_DEBUG_HOOKS=0,$(EXTRA_CFLAGS)),,$(HOST)/replay)

.PHONY: host fdtmap
host: $(HOST_TESTS:%=$(HOST)/%) $(HOST_MIXED:%=$(HOST)/%) $(HOST_MIXED:%=$(HOST)/%_thread) $(HOST_THREADED:%=$(HOST)/%) $(HOST_MOVING:%=$(HOST)/%) $(HOST_COUNTED:%=$(HOST)/%) $(HOST)/fdtmap $(HOST_REPLAY) ## build the host tests and tools: build/host
fdtmap: $(HOST)/fdtmap ## build build/host/fdtmap, which prints the memory map of a .dtb, or with --console its UART

$(HOST)/flags: FORCE | deps-check
	@$(call update,$(HOST_CFLAGS) $(WARNINGS) $(shell $(HOST_CC) -dumpfullversion))

$(HOST)/objects: FORCE
	@$(call update,$(HOST_COMMON))

$(HOST)/obj/mm/%.o: mm/%.c $(HOST)/flags
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_COMPILE) $(WARNINGS) -Iinclude

$(HOST)/obj/libfdt/%.o: $(LIBFDT_DIR)/%.c $(HOST)/flags
	$(call say,HOSTCC,libfdt/$*.c)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_COMPILE) $(WARNINGS_RELAXED) -I$(LIBFDT_DIR)

$(HOST)/obj/%.o: %.c $(HOST)/flags | $(LIBFDT_STAMP)
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_COMPILE) $(WARNINGS) $(HOST_INCLUDES)

$(HOST)/fdtmap: $(HOST)/obj/$(call host_source,fdtmap).o $(HOST)/obj/test/host/port_host.o $(HOST_DT) $(HOST_SERIAL) \
		$(filter $(HOST)/obj/mm/memblock/%,$(HOST_MM)) $(HOST_FDT) $(HOST)/objects
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -o $@ $(filter %.o,$^)

.SECONDEXPANSION:
$(HOST_TESTS:%=$(HOST)/%): $(HOST)/%: $(HOST)/obj/$$(call host_source,%).o $(HOST_COMMON) $(HOST)/objects
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -o $@ $(filter %.o,$^) -lcmocka

# Tests on several threads: the same mm/ under the thread sanitizer, which excludes the others. It cannot
# see fences, and what they order is ordered by atomics besides.
TSAN := $(HOST)/thread
TSAN_CFLAGS = -std=gnu11 -O1 -g -DQUARRY_HOST -fsanitize=thread -Wno-tsan -pthread $(EXTRA_CFLAGS)
TSAN_COMMON := $(patsubst %.c,$(TSAN)/%.o,$(MM_SOURCES) test/host/port_host.c test/target/stress.c)
TSAN_MAINS  := $(foreach p,$(HOST_THREADED),$(TSAN)/$(call host_source,$(p)).o)

$(TSAN)/flags: FORCE | deps-check
	@$(call update,$(TSAN_CFLAGS) $(WARNINGS) $(shell $(HOST_CC) -dumpfullversion))

$(TSAN)/objects: FORCE
	@$(call update,$(TSAN_COMMON))

$(TSAN)/%.o: %.c $(TSAN)/flags
	$(call say,HOSTCC,$< (threads))
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) $(TSAN_CFLAGS) $(WARNINGS) -Iinclude -I. -MMD -MP -c -o $@ $<

$(HOST_THREADED:%=$(HOST)/%): $(HOST)/%: $(TSAN)/$$(call host_source,%).o $(TSAN_COMMON) $(TSAN)/objects
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(TSAN_CFLAGS) -o $@ $(filter %.o,$^) -lcmocka

# Tests that count the steps of memblock and the early device-tree code: each basic block calls them. No sanitizers,
# whose checks would count too.
COUNTED := $(HOST)/counted
COUNTED_CFLAGS = -std=gnu11 -O1 -g -DQUARRY_HOST $(EXTRA_CFLAGS)
COUNTED_COMMON := $(patsubst $(HOST)/obj/%,$(COUNTED)/%,$(HOST_DT) $(filter $(HOST)/obj/mm/memblock/%,$(HOST_MM)) $(HOST_FDT))
COUNTED_MAINS  := $(foreach p,$(HOST_COUNTED),$(COUNTED)/$(call host_source,$(p)).o)
$(COUNTED_COMMON): COUNTED_STEPS := -fsanitize-coverage=trace-pc

$(COUNTED)/flags: FORCE | deps-check
	@$(call update,$(COUNTED_CFLAGS) $(WARNINGS) $(shell $(HOST_CC) -dumpfullversion))

$(COUNTED)/objects: FORCE
	@$(call update,$(COUNTED_COMMON))

$(COUNTED)/libfdt/%.o: $(LIBFDT_DIR)/%.c $(COUNTED)/flags
	$(call say,HOSTCC,libfdt/$*.c (counted))
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) $(COUNTED_CFLAGS) $(COUNTED_STEPS) $(WARNINGS_RELAXED) -I$(LIBFDT_DIR) -MMD -MP -c -o $@ $<

$(COUNTED)/%.o: %.c $(COUNTED)/flags | $(LIBFDT_STAMP)
	$(call say,HOSTCC,$< (counted))
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) $(COUNTED_CFLAGS) $(COUNTED_STEPS) $(WARNINGS) $(HOST_INCLUDES) -MMD -MP -c -o $@ $<

$(HOST_COUNTED:%=$(HOST)/%): $(HOST)/%: $(COUNTED)/$$(call host_source,%).o $(COUNTED)/test/host/port_host.o $(COUNTED_COMMON) \
		$(COUNTED)/objects
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(COUNTED_CFLAGS) -o $@ $(filter %.o,$^) -lcmocka

# The same mm/ with a port whose threads move between CPUs.
MOVING := $(HOST)/moving
MOVING_CFLAGS = $(HOST_CFLAGS) -DQUARRY_PORT_HEADER='"test/host/mm/port_moving.h"'
MOVING_COMMON := $(patsubst %.c,$(MOVING)/%.o,$(MM_SOURCES) test/host/port_host.c)
MOVING_MAINS  := $(foreach p,$(HOST_MOVING),$(MOVING)/$(call host_source,$(p)).o)

$(MOVING)/%.o: %.c $(HOST)/flags
	$(call say,HOSTCC,$< (moving))
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) $(MOVING_CFLAGS) $(WARNINGS) -Iinclude -I. -MMD -MP -c -o $@ $<

$(HOST_MOVING:%=$(HOST)/%): $(HOST)/%: $(MOVING)/$$(call host_source,%).o $(MOVING_COMMON) $(HOST)/objects
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(MOVING_CFLAGS) -o $@ $(filter %.o,$^) -lcmocka

# Threads as CPUs and signals as interrupts, which need a port of their own (test/host/port_signal.h): NAME under the
# address sanitizer, NAME_thread under the thread sanitizer.
MIXED        := $(HOST)/mixed
MIXED_THREAD := $(HOST)/mixed-thread
MIXED_PORT   := -DQUARRY_PORT_HEADER='"test/host/port_signal.h"' -pthread
MIXED_COMMON := $(patsubst %.c,%.o,$(MM_SOURCES) test/host/port_host.c test/target/stress.c test/target/mix.c test/target/mix_moves.c)
MIXED_MAINS  := $(foreach p,$(HOST_MIXED),$(call host_source,$(p)).o)

$(MIXED)/%.o: %.c $(HOST)/flags $(HOST)/objects
	$(call say,HOSTCC,$< (signals))
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -UCONFIG_FAULT_POINTS $(MIXED_PORT) $(WARNINGS) -Iinclude -I. -MMD -MP -c -o $@ $<

$(MIXED_THREAD)/%.o: %.c $(TSAN)/flags $(HOST)/objects
	$(call say,HOSTCC,$< (signals and threads))
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) $(TSAN_CFLAGS) $(MIXED_PORT) $(WARNINGS) -Iinclude -I. -MMD -MP -c -o $@ $<

$(HOST_MIXED:%=$(HOST)/%): $(HOST)/%: $(MIXED)/$$(call host_source,%).o $(MIXED_COMMON:%=$(MIXED)/%)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -pthread -o $@ $(filter %.o,$^) -lcmocka

$(HOST_MIXED:%=$(HOST)/%_thread): $(HOST)/%_thread: $(MIXED_THREAD)/$$(call host_source,%).o $(MIXED_COMMON:%=$(MIXED_THREAD)/%)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(TSAN_CFLAGS) -o $@ $(filter %.o,$^) -lcmocka

-include $(patsubst %.o,%.d,$(HOST_COMMON) $(HOST_SERIAL) $(HOST_MAINS) $(TSAN_COMMON) $(TSAN_MAINS) $(COUNTED_COMMON) $(COUNTED_MAINS) $(MOVING_COMMON) $(MOVING_MAINS) $(foreach d,$(MIXED) $(MIXED_THREAD),$(addprefix $(d)/,$(MIXED_COMMON) $(MIXED_MAINS))))

# replay: a machine's recording made again, with the machine's mm/ but for what records.
REPLAY := $(HOST)/replay-obj
REPLAY_CFLAGS = -std=gnu11 -O2 -g -DQUARRY_HOST $(EXTRA_CFLAGS)
REPLAY_OBJECTS := $(patsubst %.c,$(REPLAY)/%.o,$(filter-out %/record.c %/record_start.c,$(MM_SOURCES)) $(sort $(wildcard test/replay/*.c)) \
	console/trace_frame.c console/crc32.c)

.PHONY: replay
replay: $(HOST)/replay ## build build/host/replay, which repeats what `trace stream` recorded

$(REPLAY)/flags: FORCE | deps-check
	@$(call update,$(REPLAY_CFLAGS) $(WARNINGS) $(REPLAY_OBJECTS) $(shell $(HOST_CC) -dumpfullversion))

$(REPLAY)/%.o: %.c $(REPLAY)/flags
	$(call say,HOSTCC,$< (replay))
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) $(REPLAY_CFLAGS) $(WARNINGS) -Iinclude -I. -MMD -MP -c -o $@ $<

$(REPLAY)/test/replay/report.o: test/replay/report.html

$(HOST)/replay: $(REPLAY_OBJECTS)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(REPLAY_CFLAGS) -o $@ $(REPLAY_OBJECTS)

-include $(REPLAY_OBJECTS:%.o=%.d)

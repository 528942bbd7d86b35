# SPDX-License-Identifier: BSD-2-Clause
# Every state of a small allocator: test/exhaust, built with the smallest geometry, for speed and without sanitizers.

#: EXHAUST	the configurations of make exhaust; default all
EXHAUST_OUT     := $(HOST)/exhaust
EXHAUST_SOURCES := $(sort $(wildcard test/exhaust/*.c))
EXHAUST_OBJECTS := $(patsubst %.c,$(EXHAUST_OUT)/%.o,$(EXHAUST_SOURCES) $(MM_SOURCES) test/host/port_host.c)
EXHAUST_GEOMETRY := -DCONFIG_MAX_PAGE_ORDER=3 -DCONFIG_PAGEBLOCK_ORDER=2 -DCONFIG_TRUST_GROUP_SHIFT=1 -DCONFIG_NR_CPUS=2 \
	-DCONFIG_PCP_ZONE_PART=1 -DCONFIG_PCP_HIGH_MIN=1 -DCONFIG_PCP_HIGH_MAX=2 -DCONFIG_PCP_BLOCKS_MAX=1 \
	-DCONFIG_PCP_BATCH_ORDER=1 -DCONFIG_PCP_RETURN_ORDER=1
EXHAUST_CFLAGS = -std=gnu11 -O2 -g -DQUARRY_HOST $(EXHAUST_GEOMETRY) $(EXTRA_CFLAGS)

.PHONY: exhaust exhauster
exhauster: $(EXHAUST_OUT)/exhaust
exhaust: $(EXHAUST_OUT)/exhaust ## visit every state that a small allocator can come to, in each configuration
	$(Q)for name in $(or $(EXHAUST),$$($<)); do $< $$name || exit 1; done

$(EXHAUST_OUT)/flags: FORCE | deps-check
	@$(call update,$(EXHAUST_CFLAGS) $(WARNINGS) $(shell $(HOST_CC) -dumpfullversion))

$(EXHAUST_OUT)/%.o: %.c $(EXHAUST_OUT)/flags
	$(call say,HOSTCC,$< (exhaust))
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) $(EXHAUST_CFLAGS) $(WARNINGS) -Iinclude -I. -MMD -MP -c -o $@ $<

$(EXHAUST_OUT)/exhaust: $(EXHAUST_OBJECTS)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(EXHAUST_CFLAGS) -o $@ $^

-include $(EXHAUST_OBJECTS:.o=.d)

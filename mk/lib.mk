# SPDX-License-Identifier: BSD-2-Clause
# mm/ as a library, for the instruction set of BOARD and for programs that run here. libquarry is freestanding (C11 4p6): of a C
# library it needs memcpy, memmove, memset and memcmp, and its core is compiled without any header of one. So is libquarry-slab, kmalloc
# and kmem_cache on it. libquarry-debug is what prints, explains and checks: it needs snprintf and vsnprintf and a few string functions.

#: QUARRY_LINUX_NAMES	make lib, install, amalgamation: 0 for names that begin with quarry_; default 1, Linux's names
#: QUARRY_PORT_HEADER	make lib: the header of the port to build for; default include/quarry/port/smp.h
QUARRY_LINUX_NAMES ?= 1

MM_DEBUG_NAMES   := advice check check_walk explain gfp info nearest owner_word page_bad record_start slab_view state_hash trace_text words
MM_DEBUG_SOURCES := $(foreach s,$(MM_SOURCES),$(if $(filter $(MM_DEBUG_NAMES) %_check,$(basename $(notdir $(s)))),$(s)))
MM_SLAB_SOURCES  := $(filter-out $(MM_DEBUG_SOURCES),$(filter mm/slab/%,$(MM_SOURCES)))
MM_CORE_SOURCES  := $(filter-out $(MM_DEBUG_SOURCES) $(MM_SLAB_SOURCES),$(MM_SOURCES))

LIB_FLAGS = -std=gnu11 $(OPT) -g -fPIE -fvisibility=hidden -fbuiltin -fno-stack-protector -U_FORTIFY_SOURCE -fno-common \
	-fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -fstack-usage $(EXTRA_CFLAGS)

LIB_NAMES := libquarry libquarry-slab libquarry-debug

# Where the sources are: names with a prefix are in a tree that is made of this one.
PREFIXED    := $(if $(filter 0,$(QUARRY_LINUX_NAMES)),$(O)/prefixed/)
PREFIXED_OF := $(wildcard mm/*.[ch] mm/*/*.[ch] include/quarry/*.h include/quarry/port/*.h)
LIB         := $(OUT)/lib$(PREFIXED:%=-prefixed)
LIB_HOST    := $(HOST)/lib$(PREFIXED:%=-prefixed)

$(PREFIXED_OF:%=$(O)/prefixed/%) &: mk/prefix.py $(PREFIXED_OF)
	$(call say,PREFIX,$(O)/prefixed)
	$(Q)/usr/bin/python3 mk/prefix.py include mm $(O)/prefixed/mm
	$(Q)/usr/bin/python3 mk/prefix.py include include $(O)/prefixed/include

# The port: $(call port,WHERE THERE IS NO OTHER).
port = -DQUARRY_PORT_HEADER='"$(or $(QUARRY_PORT_HEADER),$(1))"'
LIB_CC      = $(CC) $(ISA_FLAGS) $(LIB_FLAGS) -ffreestanding -nostdinc -isystem $(GCC_INCLUDE) $(call port,quarry/port/smp.h)
LIB_HOST_CC = $(HOST_CC) $(LIB_FLAGS) $(call port,quarry/port/hosted.h)

# $(call library,FOLDER,COMPILER,OPTIONS OF THE DEBUG PART,PREFIX OF THE TOOLS): the archives there.
define library_template
$(1)/flags: FORCE | deps-check
	@$$(call update,$$($(2)) $$($(3)) $$(WARNINGS) $$(shell $$(firstword $$($(2))) -dumpfullversion) $$(MM_SOURCES))

$(MM_DEBUG_SOURCES:%.c=$(1)/%.o): LIB_MORE = $$($(3))
$(1)/mm/%.o: $(PREFIXED)mm/%.c $(1)/flags | $(PREFIXED_OF:%=$(PREFIXED)%)
	$$(call say,CC,$$< (library))
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$($(2)) $$(LIB_MORE) -MMD -MP -c -o $$@ $$< $$(WARNINGS) -I$(PREFIXED)include -I$(or $(PREFIXED),.)

# One object an archive, so that what is internal can be made local.
$(1)/libquarry.all.o: $(MM_CORE_SOURCES:%.c=$(1)/%.o)
$(1)/libquarry-slab.all.o: $(MM_SLAB_SOURCES:%.c=$(1)/%.o)
$(1)/libquarry-debug.all.o: $(MM_DEBUG_SOURCES:%.c=$(1)/%.o)
$(LIB_NAMES:%=$(1)/%.all.o):
	$$(Q)$$($(2)) -r -nostdlib -Wl,--build-id=none -o $$@ $$^

$(1)/global: $(LIB_NAMES:%=$(1)/%.all.o) mk/names.py
	$$(Q)/usr/bin/python3 mk/names.py $(PREFIXED)include $(4)nm $(1) $$(filter %.o,$$^)

$(1)/%.a: $(1)/%.all.o $(1)/global
	$$(call say,AR,$$@)
	$$(Q)$(4)objcopy --keep-global-symbols=$(1)/global --redefine-syms=$(1)/redefine $$< $(1)/$$*.o
	$$(Q)rm -f $$@
	$$(Q)$(4)ar rcsD $$@ $(1)/$$*.o

-include $(MM_SOURCES:%.c=$(1)/%.d)
endef

LIB_DEBUG = -isystem $(PICOLIBC)/include
$(eval $(call library_template,$(LIB),LIB_CC,LIB_DEBUG,$(CROSS)))
$(eval $(call library_template,$(LIB_HOST),LIB_HOST_CC,NOTHING,))

# C's malloc() and its kin on kmalloc, for programs with a C library: their own names, all weak. Of Linux's names.
MALLOC_CFLAGS = $(LIB_DEBUG) -MMD -MP

$(LIB)/boot/malloc.o: boot/malloc.c $(LIB)/flags | $(PREFIXED_OF:%=$(PREFIXED)%)
	$(call say,CC,$< (library))
	$(Q)mkdir -p $(@D)
	$(Q)$(LIB_CC) $(MALLOC_CFLAGS) -c -o $@ $< $(WARNINGS) -I$(PREFIXED)include

$(LIB)/libquarry-malloc.a: $(LIB)/boot/malloc.o
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(CROSS)ar rcsD $@ $<

-include $(LIB)/boot/malloc.d

.PHONY: lib lib-host sizes
lib: $(if $(PREFIXED),,$(LIB)/libquarry-malloc.a)

lib: $(LIB_NAMES:%=$(LIB)/%.a) ## build mm/ as a library: build/<isa>/lib/libquarry.a, libquarry-slab.a, libquarry-malloc.a, libquarry-debug.a
	@echo 'library: $^; headers: $(PREFIXED)include/quarry (-I$(PREFIXED)include)'

lib-host: $(LIB_NAMES:%=$(LIB_HOST)/%.a) ## the same for programs that run here: build/host/lib
	@echo 'library: $^; headers: $(PREFIXED)include/quarry (-I$(PREFIXED)include)'

# For size what is for debugging stays out, and CMA areas, and prologues are libgcc's where it has them ($(ISA).mk). No jump is
# threaded, which copies blocks, and no invariant moved out of a loop, which takes registers that must be saved.
SMALL_FLAGS += -DCONFIG_DEBUG_HOOKS=0 -DCONFIG_CMA=0 -fno-thread-jumps -fno-move-loop-invariants

# What a program links of libquarry-slab that has objects of caches and of kmalloc(), and ends no cache. The C library is not there.
OBJECTS_USED := kmem_cache_init kmem_cache_create kmem_cache_alloc_slow kmem_cache_free __kmalloc kmalloc_slow kfree
LINK_OBJECTS  = $(CROSS)ld $(ISA_LDFLAGS) --gc-sections --unresolved-symbols=ignore-all -e 0 $(OBJECTS_USED:%=--require-defined=%) -Map=slab.map -o slab.linked \
	libquarry-slab.o libquarry.o $(LIBGCC)

sizes: ## code and data sizes of mm/ at -O2 and -Os, the latter without debug options; what a program links of objects
	@for opt in -O2 -Os; do \
		$(MAKE) --no-print-directory -s O=$(O)/sizes$$opt OPT=$$opt \
			EXTRA_CFLAGS="$$([ $$opt = -O2 ] || echo '$(SMALL_FLAGS)')" lib >/dev/null || exit 1; \
		echo "$(ISA) $$opt"; (cd $(O)/sizes$$opt/$(ISA)/lib && $(SIZE) -t $(MM_SOURCES:%.c=%.o)) | \
		sed 's/\t[^\t]*\/\([^\/]*\.o\)$$/\t\1/'; \
		(cd $(O)/sizes$$opt/$(ISA)/lib && $(LINK_OBJECTS)) && \
		/usr/bin/python3 mk/linked.py $(O)/sizes$$opt/$(ISA)/lib/slab.map libquarry-slab.o slab_linked || exit 1; \
	done

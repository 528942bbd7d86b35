# SPDX-License-Identifier: BSD-2-Clause
# What others get: an installed tree, mm/ in one source file, an archive of the sources. None depends on the folder it is made in.

#: DESTDIR	make install: put before each path, for packages
#: PREFIX	make install: where it will be; default /usr/local
#: ISA	make install, make lib: riscv64, arm64, or host for programs that run here; default the board's
DESTDIR ?=
PREFIX  ?= /usr/local

VERSION := $(subst $() ,.,$(strip $(foreach part,MAJOR MINOR PATCH,$(shell sed -n 's/^.define QUARRY_VERSION_$(part)[	 ]*//p' include/quarry/*.h))))

# ---- mm/ in one source file -------------------------------------------------------------------

AMALGAMATION := $(O)/amalgamation
AMALGAMATED  := $(AMALGAMATION)/quarry.c $(AMALGAMATION)/quarry.h $(AMALGAMATION)/quarry_slab.c $(AMALGAMATION)/quarry_debug.c

GIVEN        := $(if $(PREFIXED),$(AMALGAMATED:$(AMALGAMATION)/%=$(AMALGAMATION)-prefixed/%),$(AMALGAMATED))

.PHONY: amalgamation
amalgamation: $(GIVEN) ## mm/ in one source file: build/amalgamation/quarry.c, quarry.h, quarry_slab.c, quarry_debug.c
	@echo 'amalgamation: $^'

$(AMALGAMATION)/sources: FORCE
	@$(call update,$(VERSION) $(MM_CORE_SOURCES) : $(MM_SLAB_SOURCES) : $(MM_DEBUG_SOURCES))

$(AMALGAMATED) &: mk/amalgamate.py mk/prefix.py $(AMALGAMATION)/sources $(MM_SOURCES) $(wildcard mm/*.h mm/*/*.h include/quarry/*.h)
	$(call say,ONEFILE,$(AMALGAMATION))
	$(Q)/usr/bin/python3 mk/amalgamate.py $(AMALGAMATION) $(VERSION) --core $(MM_CORE_SOURCES) --slab $(MM_SLAB_SOURCES) --debug $(MM_DEBUG_SOURCES)

$(AMALGAMATED:$(AMALGAMATION)/%=$(AMALGAMATION)-prefixed/%) &: mk/prefix.py $(AMALGAMATED)
	$(call say,PREFIX,$(AMALGAMATION)-prefixed)
	$(Q)/usr/bin/python3 mk/prefix.py include $(AMALGAMATION) $(AMALGAMATION)-prefixed

# The host programs with it in place of mm/'s objects.
ONE      := $(HOST)/one
ONE_OBJECTS := $(ONE)/quarry.o $(ONE)/quarry_slab.o $(ONE)/quarry_debug.o
HOST_ONE := $(filter $(sort $(patsubst test/host/mm/%.c,%,$(wildcard test/host/mm/test_*.c))),$(HOST_TESTS))

.PHONY: host-one
host-one: $(HOST_ONE:%=$(ONE)/%)

$(ONE)/%.o: $(AMALGAMATION)/%.c $(HOST)/flags
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_COMPILE) -DQUARRY_INTERNAL_NAMES -Wall -Wextra -Werror -I.

$(HOST_ONE:%=$(ONE)/%): $(ONE)/%: $(HOST)/obj/test/host/mm/%.o $(ONE_OBJECTS) $(filter-out $(HOST_MM),$(HOST_COMMON))
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -o $@ $(filter %.o,$^) -lcmocka

# ---- an installed tree ------------------------------------------------------------------------

# Debugging information names no folder of the machine.
LIB_FLAGS += -ffile-prefix-map=$(CURDIR)=.

INSTALL_LIB     := $(if $(filter host,$(LIB_FOR)),$(LIB_HOST),$(LIB))
INSTALL_LIBS    := $(LIB_NAMES:%=$(INSTALL_LIB)/%.a) $(if $(PREFIXED)$(filter host,$(LIB_FOR)),,$(LIB)/libquarry-malloc.a)
INSTALL_DOCS    := README.md CHANGELOG.md $(addprefix docs/,embedding.md objects.md bounds.md design.md smp.md differences.md)
INSTALL_ROOT     = $(DESTDIR)$(PREFIX)
# What callers must be compiled with: the archives' own port and options.
INSTALL_PORT     = quarry/port/$(notdir $(or $(QUARRY_PORT_HEADER),$(if $(filter host,$(LIB_FOR)),hosted.h,smp.h)))
# Ports that are installed anyway, as a compiler or make may be told of them.
PORTS_THERE      = quarry/port/% include/quarry/port/%
INSTALL_OPTIONS  = $(filter -DCONFIG_% -DQUARRY_CONFIG_%,$(EXTRA_CFLAGS))
install_fill = sed -e 's,@PREFIX@,$(PREFIX),g' -e 's,@VERSION@,$(VERSION),g' -e 's,@ISA@,$(LIB_FOR),g' -e 's,@PORT@,$(INSTALL_PORT),g' \
	-e 's,@OPTIONS@,$(INSTALL_OPTIONS),g'
# $(call install_files,FILES,FOLDER)
install_files = $(if $(strip $(1)),install -d $(INSTALL_ROOT)/$(2) && install -m 644 $(1) $(INSTALL_ROOT)/$(2))

.PHONY: install
install: $(INSTALL_LIBS) $(GIVEN) ## headers, archives, quarry.pc, a CMake package, sources in one file: DESTDIR= PREFIX= ISA=
	$(Q)$(call install_files,$(addprefix $(PREFIXED),$(sort $(wildcard include/quarry/*.h))),include/quarry)
	$(Q)$(call install_files,$(addprefix $(PREFIXED),$(sort $(wildcard include/quarry/port/*.h))) $(filter-out $(PORTS_THERE),$(QUARRY_PORT_HEADER)),include/quarry/port)
	$(Q)$(call install_files,$(INSTALL_LIBS),lib)
	$(Q)$(call install_files,$(GIVEN),share/quarry)
	$(Q)$(call install_files,LICENSE $(INSTALL_DOCS),share/doc/quarry)
	$(Q)install -d $(addprefix $(INSTALL_ROOT)/lib/,pkgconfig cmake/Quarry)
	$(Q)$(install_fill) mk/install/quarry.pc.in >$(INSTALL_ROOT)/lib/pkgconfig/quarry.pc
	$(Q)$(install_fill) mk/install/QuarryConfig.cmake.in >$(INSTALL_ROOT)/lib/cmake/Quarry/QuarryConfig.cmake
	$(Q)$(install_fill) mk/install/QuarryConfigVersion.cmake.in >$(INSTALL_ROOT)/lib/cmake/Quarry/QuarryConfigVersion.cmake
	@echo 'installed: quarry $(VERSION) for $(LIB_FOR) in $(INSTALL_ROOT)'

# Sizes for each target and what a call takes, in docs/embedding.md.
.PHONY: targets-table
targets-table: $(AMALGAMATED) ## write the table of targets in docs/embedding.md: sizes, stack, B1, B5
	$(Q)/usr/bin/python3 test/bench/targets_table.py

# README's first program is that of examples/bare-riscv64.
.PHONY: readme
readme: examples/bare-riscv64/main.c ## write the program that README.md shows, from examples/
	$(Q)awk '/^```c$$/ && !done { print; while ((getline line <"$<") > 0) { on = on || line ~ /^#include <quarry\/memblock.h>/; \
		if (on) print line; if (on && line ~ /^}/) break }; skip = done = 1; next } /^```$$/ { skip = 0 } !skip' README.md >$(O)/README.md
	$(Q)cmp -s $(O)/README.md README.md || cp $(O)/README.md README.md

# ---- the sources ------------------------------------------------------------------------------

DIST := quarry-$(VERSION)

.PHONY: dist
dist: $(O)/$(DIST).tar.gz ## the sources as they are committed, with the amalgamation: build/quarry-VERSION.tar.gz
	@echo 'dist: $<'

# Times and owners are the commit's, so that who makes it and when does not matter.
$(O)/$(DIST).tar.gz: $(AMALGAMATED) FORCE
	$(call say,DIST,$@)
	$(Q)rm -rf $(O)/dist && mkdir -p $(O)/dist
	$(Q)git archive --prefix=$(DIST)/ HEAD | tar -x -C $(O)/dist
	$(Q)mkdir -p $(O)/dist/$(DIST)/amalgamation && cp $(AMALGAMATED) $(O)/dist/$(DIST)/amalgamation
	$(Q)tar -C $(O)/dist --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rw,go=rX --mtime=@$$(git log -1 --format=%ct) \
		-c $(DIST) | gzip -n9 >$@

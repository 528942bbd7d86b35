# SPDX-License-Identifier: BSD-2-Clause
# Pieces that every part uses.

.PHONY: FORCE
FORCE:

# $(call once,NAME,COMMAND): NAME is COMMAND's output, run when it is first used and not before.
define once_template
$(1) = $$(eval $(1) := $$(shell $(2)))$$($(1))
endef
once = $(eval $(call once_template,$(1),$(2)))

# $(call update,TEXT): write TEXT to $@ unless it says so already, so that what depends on it is
# rebuilt exactly when the text changes.
squote := '
shell_quote = '$(subst $(squote),'\'',$(1))'
update = mkdir -p $(@D); new=$(call shell_quote,$(1)); \
	[ -f $@ ] && [ "$$(cat $@)" = "$$new" ] || printf '%s\n' "$$new" >$@

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wundef -Werror
# Third-party sources are compiled as they are.
WARNINGS_RELAXED := -w

MM_SOURCES := $(sort $(wildcard mm/*.c mm/*/*.c))

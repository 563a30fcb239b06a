# SPDX-License-Identifier: BSD-2-Clause
# tests/guest/NAME.c is the image build/guest/test_NAME.elf, with NAME_asm.asm where there is one.

TEST_COMMON := $(addprefix build/guest/tests/guest/common/,test.o modes.o)
TEST_NAMES  := $(patsubst tests/guest/%.c,%,$(wildcard tests/guest/*.c))
$(foreach t,$(TEST_NAMES),$(call guest_elf,test_$(t),build/guest/tests/guest/$(t).o \
	$(patsubst %.asm,build/guest/%.o,$(wildcard tests/guest/$(t)_asm.asm)) $(TEST_COMMON)))

-include $(wildcard build/guest/tests/guest/*.d build/guest/tests/guest/common/*.d)

# SPDX-License-Identifier: BSD-2-Clause
# build/guest/bench.elf: what each kind of exit costs, measured inside of a domain. scripts/bench runs it.

$(call guest_elf,bench,build/guest/tests/bench/bench.o build/guest/tests/bench/handlers.o)

-include $(wildcard build/guest/tests/bench/*.d)

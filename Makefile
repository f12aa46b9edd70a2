# SPDX-License-Identifier: MIT
# A thin front for meson. `make demo` and `make test` do everything, on a fresh Debian too.

BUILD := build
# 1 turns warnings into errors, in build folders that are made from then on. For work on pagewalk itself.
WERROR ?= 0
export WERROR
CC_FUZZ := clang-14

.PHONY: all demo test bench bench-build bench-fold bench-guests pictures check-lab check-guests check-linux check-linux-guest check-linux-gup check-roots fuzz lint mutants sanitize clang stress stress-moments stress-tsan stress-asan stress-spaces-tsan stress-spaces-asan cross-i386 cross-s390x html python dist install uninstall clean site

all: $(BUILD)/build.ninja
	@tools/build.sh $(BUILD)
	@ln -sf cli/pagewalk $(BUILD)/pagewalk

$(BUILD)/build.ninja:
	@tools/deps.sh build test
	@tools/configure.sh $(BUILD)

# The main use on a real image: the map of a process of an s390x guest, and one of its walks.
demo: $(BUILD)/build.ninja
	@tools/build.sh $(BUILD) cli/pagewalk
	@ln -sf cli/pagewalk $(BUILD)/pagewalk
	@tools/demo.sh $(BUILD)/pagewalk

test: all
	@meson test -C $(BUILD) --no-rebuild --print-errorlogs

bench-build: all
	@tools/deps.sh bench
	@tools/build.sh $(BUILD) bench/bench

bench: bench-build
	@$(BUILD)/bench/bench --json $(BUILD)/bench.json
	@bench/page.py $(BUILD)/bench.json $(BUILD)/bench.html
	@! [ -x $(BUILD)/lab/race/scene/pagewalk-lab ] || bench/race/race.py $(BUILD)/lab/race/scene/pagewalk-lab

# Counts the costs of the folding strategies: turns, loads, instructions, code. See doc/folding.md.
bench-fold: all
	@tools/deps.sh fold
	@tools/build.sh $(BUILD) bench/fold/fold_bench
	@bench/fold/report.py $(BUILD)/bench/fold/fold_bench $(BUILD)/fold.json

# Draws the pictures of doc/folding.md, doc/laboratory.md and doc/spaces.md; tests compare them with the files in the tree.
pictures: all
	@tools/pictures.sh $(BUILD)/pagewalk
	@tests/mm/pictures.py $(BUILD)/pagewalk doc/spaces --write
	@tests/race/doc.py $(BUILD) $(BUILD)/pagewalk . '' --pictures

# Every scenario of the laboratory, as it is and without each rule that it names: proved, or found.
check-lab: all
	@$(BUILD)/pagewalk lab run --all --mutants

# Boots nine real kernels in QEMU; see tests/guests/. Takes about ten minutes. GUESTS=--all boots newer ones, too.
GUESTS :=
check-guests: all
	@tools/deps.sh guests $(if $(filter --all,$(GUESTS)),guests-all)
	@tests/guests/run.py --pagewalk $(BUILD)/pagewalk $(GUESTS)

# The map of a running guest, beside QEMU's monitor and the gdb stub.
bench-guests: all
	@tools/deps.sh guests
	@tests/guests/bench.py --pagewalk $(BUILD)/pagewalk

# The same random scripts of memory calls on this machine's kernel and on pagewalk; see tests/mm/linux/check.h.
SCRIPTS := 10000
SEED := 1
check-linux: all
	@tools/build.sh $(BUILD) tests/mm/linux/check-linux
	@$(BUILD)/tests/mm/linux/check-linux --scripts $(SCRIPTS) --seed $(SEED)

# The same in a QEMU guest with the newest kernel of Debian, which has swap, soft-dirty bits and hugetlb; see tests/mm/linux/guest/.
# It is slow: two or three scripts a second.
check-linux-guest: SCRIPTS := 250
check-linux-guest: all
	@tools/deps.sh linux-guest
	@tools/build.sh $(BUILD) tests/mm/linux/check-linux
	@tests/mm/linux/guest/run.py $(BUILD) -- --scripts $(SCRIPTS) --seed $(SEED)

# Linux's own fast path under every interleaving, from Debian's sources of three kernels; see tests/linux/.
KERNELS := 6.1 6.12 7.2
check-linux-gup: all
	@tools/deps.sh linux
	@tools/build.sh $(BUILD) lab/race/libpagewalk-lab.a
	@tests/linux/run.py $(BUILD) $(KERNELS)

# Runs each target for SECONDS_EACH; it only reads the corpus in tests/fuzz/corpus.
SECONDS_EACH := 60
fuzz:
	@tools/deps.sh build test sanitize
	@tools/fuzz.sh $(SECONDS_EACH)

lint: all
	@tools/deps.sh lint
	@tools/lint.sh $(BUILD)

# Breaks every rule that the code depends on; a test has to notice. See src/base/mutants.h.
mutants:
	@tools/deps.sh build test sanitize
	@tests/mutants/run.py build-mutants

sanitize:
	@tools/deps.sh build test
	@tools/variant.sh sanitize

# Compiles everything with clang, and runs the unit tests.
clang:
	@tools/deps.sh build test sanitize
	@tools/variant.sh clang

cross-i386 cross-s390x:
	@tools/deps.sh build test cross
	@tools/variant.sh $(@:cross-%=%)

# Runs writers and readers of page tables together, then processes in address spaces: SECONDS each, on every format or
# on FORMAT.
SECONDS := 60
FORMAT :=
stress: all
	@tools/build.sh $(BUILD) tests/stress/stress tests/stress/stress-spaces
	@$(BUILD)/tests/stress/stress $(SECONDS) $(FORMAT)
	@$(BUILD)/tests/stress/stress-spaces $(SECONDS) $(FORMAT)

# The same of tables alone, with delays where rules decide; the others add ThreadSanitizer or AddressSanitizer, and those
# of spaces run on address spaces.
stress-moments stress-tsan stress-asan stress-spaces-tsan stress-spaces-asan:
	@tools/deps.sh build test sanitize
	@tests/stress/instrumented.sh $(@:stress-%=%) $(SECONDS) $(FORMAT)

# Runs README's commands, as newcomers type them, in bare roots of these releases of Debian: tools/roots.sh
SUITES := bookworm trixie sid
check-roots:
	@tools/deps.sh roots
	@tools/roots.sh $(SUITES)

html: all
	@tools/deps.sh html site
	@meson test -C $(BUILD) --no-rebuild --print-errorlogs --suite html

# The Python module as a wheel, in $(BUILD)/python; see doc/python.md.
python:
	@tools/deps.sh python
	@/usr/bin/python3 -m pip wheel --quiet --no-deps --no-build-isolation --no-index -w $(BUILD)/python bindings/python
	@rm -rf bindings/python/build bindings/python/*.egg-info
	@ls $(BUILD)/python/*.whl

# The documentation as a site, in $(BUILD)/site.
site:
	@tools/deps.sh site
	@/usr/bin/python3 tools/site.py . $(BUILD)/site
	@echo $(BUILD)/site/index.html

# The tree of the last commit as an archive with its checksum, in $(BUILD)/meson-dist.
dist: $(BUILD)/build.ninja
	@meson dist -C $(BUILD) --no-tests --formats xztar

install: all
	@meson install -C $(BUILD) --no-rebuild
	@cat $(BUILD)/meson-logs/install-log.txt >>$(BUILD)/installed.txt

# Removes what `make install` from $(BUILD) has installed.
uninstall:
	@tools/uninstall.sh $(BUILD)

clean:
	rm -rf $(BUILD) build-*

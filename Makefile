# SPDX-License-Identifier: GPL-3.0-or-later
#
#   make            build/sluice                make check      every test; last line N passed, N failed
#   make run        set up, build, do the main job on the sample
#   make golden     numeric cases (DIR=folder)  make bench      timings, as ratios
#   make install    to PREFIX (/usr/local)      make asan tsan  the tests under a sanitizer
#   make lint       compilers' and tools' warnings               make format clean
#
# config.mk, when there is one, may set CC, CFLAGS, ARCH and PREFIX.

-include config.mk

BUILD   ?= build
PREFIX  ?= /usr/local
VERSION := 0.1.0
CFLAGS  ?=
OPT     ?= -O3 -g
ARCH    ?=
DIR     ?= tests/golden

# The levels there are besides the portable one, and what turns them on.
ifneq ($(filter x86_64-%,$(shell $(CC) -dumpmachine)),)
levels := avx2 avx512
LEVELS := -DSLUICE_LEVELS
endif
AVX2   := -march=x86-64-v3
AVX512 := -march=x86-64-v4 -mprefer-vector-width=512

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wvla -Wformat=2
BASE := -std=c11 -D_XOPEN_SOURCE=700 -D_DEFAULT_SOURCE -I. -pthread -fno-math-errno \
	-fno-trapping-math -ffp-contract=fast $(LEVELS) $(ARCH) $(WARN) $(OPT) $(SAN) $(CFLAGS) -MMD -MP

pkg = $(shell pkg-config $(1) $(2) 2>/dev/null)
ENGINE_PKG := nettle openblas libutf8proc jansson
STORE_PKG  := nettle sqlite3
APP_PKG    := inih jansson nettle sqlite3
ENGINE_CFLAGS := $(call pkg,--cflags,$(ENGINE_PKG))
STORE_CFLAGS  := $(call pkg,--cflags,$(STORE_PKG))
APP_CFLAGS    := $(call pkg,--cflags,$(APP_PKG)) -DSLUICE_VERSION='"$(VERSION)"'
TUI_CFLAGS    := $(filter-out -D%,$(call pkg,--cflags,ncursesw readline))
BASE_LIBS   := $(call pkg,--libs,nettle) -lm -pthread
ENGINE_LIBS := $(call pkg,--libs,$(ENGINE_PKG)) -lcsv -lm -pthread
STORE_LIBS  := $(call pkg,--libs,$(STORE_PKG)) -lm -pthread
APP_LIBS    := $(call pkg,--libs,$(APP_PKG) ncursesw readline) -lcsv -lm
TEST_LIBS   := $(call pkg,--libs,cmocka)
SCREEN_LIBS := $(call pkg,--libs,vterm) -lutil

base_src   := $(wildcard engine/base/*.c)
engine_src := $(filter-out $(base_src),$(wildcard engine/*/*.c))
# Hot loops: compiled once more for each level of vector instructions (engine/math/level.h).
hot_src := engine/math/kernels.c engine/math/packed.c engine/train/optim_rules.c engine/inspect/dense.c \
	$(filter-out engine/nn/cell.c,$(wildcard engine/nn/cell*.c))
store_src  := $(wildcard store/*.c)
app_src    := $(filter-out app/main.c,$(wildcard app/*.c app/*/*.c))
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
# The engine once more with real = double, for golden cases and finite differences.
dbl = $(patsubst %.c,$(BUILD)/double/%.o,$(1))


# And the kernels of bfloat16, which look for their unit at run time.
bf16_src := engine/math/packed_bf16.c
BF16   := -mavx512bf16 -mamx-tile -mamx-bf16
engine_src := $(filter-out $(bf16_src),$(engine_src))
hot_obj := $(if $(levels),$(BUILD)/obj/$(bf16_src:.c=.o)) $(foreach l,$(levels),$(patsubst %.c,$(BUILD)/$(l)/%.o,$(hot_src)))

base_a   := $(BUILD)/base.a
engine_a := $(BUILD)/engine.a
double_a := $(BUILD)/engine-double.a
store_a  := $(BUILD)/store.a
app_a    := $(BUILD)/app.a

tests := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/engine_*.c tests/store_*.c tests/app_*.c))
double_tests := $(patsubst tests/%.c,$(BUILD)/tests/%_double,$(wildcard tests/engine_nn_*.c))
screen_tests := $(patsubst tests/screen/%_test.c,$(BUILD)/tests/screen_%,$(wildcard tests/screen/*_test.c))
golden_src := $(filter-out tests/golden/golden.c,$(wildcard tests/golden/*.c))
golden := $(BUILD)/golden_float $(BUILD)/golden_double
script_tests := $(wildcard tests/*_test.sh)
tile_tests := $(if $(levels),$(BUILD)/tests/engine_math_tiles)
all_tests := $(tests) $(tile_tests) $(double_tests) $(screen_tests)

.PHONY: all run run-built check check-built golden bench asan tsan lint format install clean
.DELETE_ON_ERROR:
.SECONDARY:

# Each command in full with V=1.
Q   := $(if $(V),,@)
SAY = $(if $(V),:,echo "  $@")

all: $(BUILD)/sluice

$(BUILD)/sluice: $(BUILD)/obj/app/main.o $(app_a) $(store_a) $(engine_a) $(base_a)
	@$(SAY)
	$(Q)$(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ $(ENGINE_LIBS) $(STORE_LIBS) $(APP_LIBS)

$(base_a): $(call obj,$(base_src))
$(engine_a): $(call obj,$(engine_src)) $(hot_obj)
$(double_a): $(call dbl,$(engine_src))
$(store_a): $(call obj,$(store_src))
$(app_a): $(call obj,$(app_src))
$(BUILD)/%.a:
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/obj/engine/%.o: engine/%.c
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(ENGINE_CFLAGS) -c -o $@ $<
$(BUILD)/avx2/%.o: %.c
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(AVX2) -DSLUICE_LEVEL=avx2 $(ENGINE_CFLAGS) -c -o $@ $<
$(BUILD)/avx512/%.o: %.c
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(AVX512) -DSLUICE_LEVEL=avx512 $(ENGINE_CFLAGS) -c -o $@ $<
$(BUILD)/obj/$(bf16_src:.c=.o): BASE += $(AVX512) $(BF16)
$(BUILD)/double/engine/%.o: engine/%.c
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(ENGINE_CFLAGS) -DSLUICE_DOUBLE -c -o $@ $<
$(BUILD)/obj/store/%.o: store/%.c
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(STORE_CFLAGS) -c -o $@ $<
$(BUILD)/obj/app/tui/term.o $(BUILD)/obj/app/tui/prompt.o: $(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(APP_CFLAGS) $(TUI_CFLAGS) -c -o $@ $<
$(BUILD)/obj/app/%.o: app/%.c
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(APP_CFLAGS) -c -o $@ $<

# A test links its own layer and what that layer may use: a call across a wall is a link error.
$(BUILD)/tests/engine_%: tests/engine_%.c $(engine_a) $(base_a)
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(ENGINE_CFLAGS) -o $@ $(filter %.c,$^) $(filter %.a,$^) $(ENGINE_LIBS) $(TEST_LIBS)
# Once more with the tile unit in plain C, where the tests run the kernels written for it.
$(BUILD)/tests/engine_math_tiles: tests/engine_math.c engine/math/packed_bf16.c $(engine_a) $(base_a)
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(AVX512) $(BF16) -DSLUICE_TILES_IN_C $(ENGINE_CFLAGS) -c -o $@.o engine/math/packed_bf16.c
	$(Q)$(CC) $(BASE) $(ENGINE_CFLAGS) -o $@ tests/engine_math.c $@.o $(filter %.a,$^) $(ENGINE_LIBS) $(TEST_LIBS)
$(BUILD)/tests/engine_text_golden $(BUILD)/tests/engine_nn_golden $(BUILD)/tests/engine_nn_golden_double: $(golden_src)
$(BUILD)/tests/engine_nn_%_double: tests/engine_nn_%.c $(double_a) $(base_a)
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(ENGINE_CFLAGS) -DSLUICE_DOUBLE -o $@ $(filter %.c,$^) $(filter %.a,$^) $(ENGINE_LIBS) $(TEST_LIBS)
$(BUILD)/tests/store_%: tests/store_%.c $(store_a) $(base_a)
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(STORE_CFLAGS) -o $@ $(filter %.c %.a,$^) $(STORE_LIBS) $(TEST_LIBS)
$(BUILD)/tests/app_%: tests/app_%.c $(app_a) $(store_a) $(engine_a) $(base_a)
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(APP_CFLAGS) -o $@ $(filter %.c %.a,$^) $(ENGINE_LIBS) $(STORE_LIBS) $(APP_LIBS) $(TEST_LIBS)
$(BUILD)/tests/screen_%: tests/screen/%_test.c tests/screen/screen.c
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) -o $@ $(filter %.c,$^) $(SCREEN_LIBS) $(TEST_LIBS)
$(BUILD)/tests/screen_term $(BUILD)/tests/screen_prompt: $(BUILD)/tests/term_demo
$(BUILD)/tests/screen_workbench $(BUILD)/tests/screen_views $(BUILD)/tests/screen_runs $(BUILD)/tests/screen_text \
$(BUILD)/tests/screen_answer $(BUILD)/tests/screen_pair $(BUILD)/tests/screen_tune $(BUILD)/tests/screen_debug \
$(BUILD)/tests/screen_corpus: \
	tests/screen/sluice.c $(BUILD)/sluice
$(BUILD)/tests/term_demo: tests/screen/term_demo.c $(app_a) $(base_a)
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(APP_CFLAGS) -o $@ $(filter %.c %.a,$^) $(APP_LIBS)
$(BUILD)/golden_float: tests/golden/golden.c $(golden_src) $(engine_a) $(base_a)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(ENGINE_CFLAGS) -o $@ $(filter %.c,$^) $(filter %.a,$^) $(ENGINE_LIBS)
$(BUILD)/golden_double: tests/golden/golden.c $(golden_src) $(double_a) $(base_a)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(ENGINE_CFLAGS) -DSLUICE_DOUBLE -o $@ $(filter %.c,$^) $(filter %.a,$^) $(ENGINE_LIBS)

$(BUILD)/ladder $(BUILD)/growth: $(BUILD)/%: tests/bench/%.c tests/bench/ours.c $(engine_a) $(base_a)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(ENGINE_CFLAGS) -o $@ $(filter %.c,$^) $(filter %.a,$^) $(ENGINE_LIBS)
$(BUILD)/bench-text: tests/bench/text.c $(engine_a) $(base_a)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(ENGINE_CFLAGS) -o $@ $(filter %.c,$^) $(filter %.a,$^) $(ENGINE_LIBS)

run:
	@.ci/setup build
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/sluice
	@$(MAKE) --no-print-directory run-built
run-built:
	@tests/main_job.sh $(BUILD)

check:
	@.ci/setup check
	@$(MAKE) --no-print-directory -j2 $(BUILD)/sluice $(all_tests) $(golden)
	@$(MAKE) --no-print-directory check-built
check-built:
	@BUILD=$(BUILD) tests/run.sh $(all_tests) $(script_tests)

golden: $(golden)
	@tests/golden/run.sh $(BUILD) "$(DIR)"

bench: $(addprefix $(BUILD)/,sluice ladder growth bench-text bench/start bench/recorder)
	@ONLY="$(ONLY)" JSON="$(JSON)" ROUNDS="$(ROUNDS)" sh tests/bench/bench.sh $(BUILD)

# What tests/bench/start.sh drives programs with.
$(BUILD)/bench/start: tests/bench/start.c
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) -D_GNU_SOURCE -o $@ $< -lutil
$(BUILD)/bench/recorder: tests/bench/recorder.c $(app_a) $(store_a) $(engine_a) $(base_a)
	@mkdir -p $(@D)
	@$(SAY)
	$(Q)$(CC) $(BASE) $(APP_CFLAGS) -o $@ $^ $(ENGINE_LIBS) $(STORE_LIBS) $(APP_LIBS)

asan:
	@$(MAKE) --no-print-directory BUILD=build-asan OPT='-O1 -g -fno-omit-frame-pointer' ARCH= \
		SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' check
tsan:
	@TIMEOUT='timeout 900' $(MAKE) --no-print-directory BUILD=build-tsan OPT='-O1 -g' ARCH= SAN='-fsanitize=thread' check

lint:
	@tests/layers.sh
	@$(MAKE) --no-print-directory BUILD=build-gcc CC=gcc CFLAGS=-Werror build-gcc/sluice
	@$(MAKE) --no-print-directory BUILD=build-clang CC=clang CFLAGS=-Werror build-clang/sluice
	clang-format --dry-run --Werror $(shell git ls-files '*.c' '*.h')
	clang-tidy --quiet --warnings-as-errors='*' $(base_src) $(engine_src) $(store_src) $(app_src) \
		app/main.c -- -std=c11 -D_XOPEN_SOURCE=700 -D_DEFAULT_SOURCE -I. \
		$(ENGINE_CFLAGS) $(STORE_CFLAGS) $(APP_CFLAGS) $(TUI_CFLAGS)
format:
	clang-format -i $(shell git ls-files '*.c' '*.h')

install: $(BUILD)/sluice
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/sluice/samples \
		$(DESTDIR)$(PREFIX)/share/sluice/themes
	install $(BUILD)/sluice $(DESTDIR)$(PREFIX)/bin/sluice
	install -m 644 samples/* $(DESTDIR)$(PREFIX)/share/sluice/samples
	install -m 644 themes/*.theme $(DESTDIR)$(PREFIX)/share/sluice/themes

clean:
	rm -rf build build-asan build-tsan build-gcc build-clang

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

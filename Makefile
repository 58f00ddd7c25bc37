# lualchemy: build, demo, tests. `make help` lists the goals.
#
# What may be set: CC, CFLAGS, LUA, LUA_VERSION, LUA_INCDIR, LUA_LIBS, PREFIX, DESTDIR, SPEC, DB, and for a plug-in's
# client library <name>_CFLAGS and <name>_LIBS.

LUA_VERSION = 5.4
LUA := $(or $(LUA),$(shell spec/support/find_lua.sh program $(LUA_VERSION)),lua$(LUA_VERSION))
LUA_LIBS ?= $(or $(shell pkg-config --libs lua$(LUA_VERSION) 2>/dev/null),-llua$(LUA_VERSION))
LUA_INCDIR := $(or $(LUA_INCDIR),$(shell spec/support/find_lua.sh headers $(LUA_VERSION)))
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
DB ?= sqlite
ROOT := $(CURDIR)

# Two builds. release goes into the tree, so that LUA_PATH and LUA_CPATH can point at lua/. checked goes to
# build/checked: sanitizers, asserts, and allocations that can be made to fail; the C tests are always of this kind.
VARIANT ?= release
BUILD = build/$(VARIANT)
LIB := $(if $(filter release,$(VARIANT)),lua,$(BUILD)/lib)

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
FLAGS = -std=c11 -pthread -D_POSIX_C_SOURCE=200809L $(WARN) -fPIC -fvisibility=hidden -Icsrc -Icsrc/include -Ispec/c
# What is called most is Lua's API, each time through a stub of its own unless the compiler knows how to do without.
DIRECT_CALLS := $(shell echo 'int x;' | $(CC) -Werror -fno-plt -xc -c -o /dev/null - 2>/dev/null && echo -fno-plt)
FLAGS_release = -DNDEBUG $(DIRECT_CALLS)
# nodelete: Lua unloads modules before the leak check runs, which would leave it without names for the stack.
FLAGS_checked = -Werror -DALCH_FAULT -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
LINK_checked = -fsanitize=address,undefined -Wl,-z,nodelete
FLAGS_thread = -Werror -DALCH_FAULT -O1 -g -fsanitize=thread
LINK_thread = -fsanitize=thread
# What libFuzzer watches; only make fuzz builds it, with clang.
FLAGS_fuzz = -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
LINK_fuzz = -fsanitize=address,undefined -Wl,-z,undefs
FLAGS += $(FLAGS_$(VARIANT))
LUA_FLAGS = $(if $(LUA_INCDIR),-isystem $(LUA_INCDIR))

# A plug-in must not lean on symbols of the core (Lua loads modules with private symbols): -z defs refuses them.
ifeq ($(shell uname -s),Darwin)
  SHARED_core = -bundle -undefined dynamic_lookup -pthread
  SHARED_plugin = -bundle
else
  SHARED_core = -shared -pthread
  SHARED_plugin = -shared -Wl,-z,defs
endif

CORE_SRC := $(filter-out csrc/plugins/%,$(wildcard csrc/*/*.c))
CORE_OBJ := $(CORE_SRC:%.c=$(BUILD)/%.o)
PLAIN_OBJ := $(filter-out $(BUILD)/csrc/binding/%,$(CORE_OBJ))
CORE := $(LIB)/lualchemy/_core.so

# Each csrc/plugins/<name>/ is one module; its plugin.mk says which client library it needs.
PLUGINS := $(foreach p,$(notdir $(patsubst %/plugin.mk,%,$(wildcard csrc/plugins/*/plugin.mk))),$(if $(wildcard csrc/plugins/$(p)/*.c),$(p)))
include $(wildcard csrc/plugins/*/plugin.mk)
plugin_file = $(LIB)/lualchemy/plugin/$(1).so
found = $(shell for h in $($(1)_HEADERS); do \
  printf '%s\n' "\#include <$$h>" | $(CC) $($(1)_CFLAGS) $(CFLAGS) -E -o /dev/null - 2>/dev/null -xc && echo yes && break; done)
FOUND := $(foreach p,$(PLUGINS),$(if $(call found,$(p)),$(p)))
MISSING := $(filter-out $(FOUND),$(PLUGINS))

C_TESTS := $(patsubst spec/c/%.c,$(BUILD)/c/%,$(wildcard spec/c/test_*.c))

.PHONY: all help env demo test test-c test-asan test-tsan test-fault lint bench install uninstall clean plugin rockspec completions fuzz soak c-tests fault-host FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(CORE) $(foreach p,$(FOUND),$(call plugin_file,$(p))) $(addprefix missing-,$(MISSING)) ; @:

help:
	@echo 'make             build into the tree (lua/lualchemy/*.so)'
	@echo 'make env         print the exports for using the library from the tree'
	@echo 'make demo        run examples/tutorial.lua; DB=postgresql on a PostgreSQL server of its own'
	@echo 'make test        every test on SQLite and PostgreSQL; SPEC=path runs one file or folder of specs'
	@echo 'make test-c      the C tests; make test-asan: everything under sanitizers; make test-fault: failing allocations'
	@echo 'make test-tsan   threads under ThreadSanitizer'
	@echo 'make lint        compilers, luacheck, cppcheck; make bench: the workloads beside raw C'
	@echo 'make fuzz        libFuzzer over parsers and rows, SECONDS=600 each; TARGET=url names one'
	@echo 'make soak        hostile names and values (COUNT=10000 in each position), broken connections, killed servers and writers,'
	@echo '                 20,000 random programs (SEED=2 makes others), test-tsan'
	@echo 'make install     into PREFIX (/usr/local), DESTDIR is put in front; make uninstall, make clean'
	@echo 'make plugin NAME=postgresql    one plug-in'

# One line per file; V=1 shows the commands.
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $@;)

# -- building ---------------------------------------------------------------------------------------------------------

# A list file changes when a source comes or goes, so that removing one relinks.
define list_of
$(1): FORCE
	@mkdir -p $$(@D) && echo '$(2)' | cmp -s - $$@ || echo '$(2)' > $$@
endef
$(eval $(call list_of,$(BUILD)/core.list,$(CORE_OBJ)))

$(CORE): $(CORE_OBJ) $(BUILD)/core.list
	@mkdir -p $(@D)
	$(call say,LINK) $(CC) $(SHARED_core) $(LDFLAGS) $(LINK_$(VARIANT)) -o $@ $(CORE_OBJ) -lm

define plugin_rules
$(1)_OBJ := $$(patsubst %.c,$$(BUILD)/%.o,$$(wildcard csrc/plugins/$(1)/*.c))
$$(eval $$(call list_of,$$(BUILD)/$(1).list,$$($(1)_OBJ)))
$$($(1)_OBJ): private FLAGS += $$($(1)_CFLAGS)
$$(call plugin_file,$(1)): $$($(1)_OBJ) $$(BUILD)/$(1).list
	@mkdir -p $$(@D)
	$$(call say,LINK) $$(CC) $$(SHARED_plugin) $$(LDFLAGS) $$(LINK_$$(VARIANT)) -o $$@ $$($(1)_OBJ) $$($(1)_LIBS)
missing-$(1):
	@echo 'plug-in $(1) is not built: no $$(firstword $$($(1)_HEADERS)) found (Debian: apt-get install $$($(1)_DEBIAN))'
endef
$(foreach p,$(PLUGINS),$(eval $(call plugin_rules,$(p))))

plugin:
	@test -n '$(filter $(NAME),$(PLUGINS))' || { echo 'make plugin NAME=x, where x is one of: $(PLUGINS)'; exit 1; }
	@test -n '$(filter $(NAME),$(FOUND))' || { $(MAKE) -s missing-$(NAME); exit 1; }
	+@$(MAKE) --no-print-directory $(call plugin_file,$(NAME))

$(BUILD)/csrc/binding/%.o: private FLAGS += $(LUA_FLAGS)
$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(CFLAGS) $(FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/c/%: $(BUILD)/spec/c/%.o $(PLAIN_OBJ) $(BUILD)/core.list
	@mkdir -p $(@D)
	$(call say,LINK) $(CC) $(LDFLAGS) $(LINK_$(VARIANT)) -pthread -o $@ $< $(PLAIN_OBJ) $(PLUGGED) -lm
$(BUILD)/c/test_driver_postgresql: $(postgresql_OBJ)
$(BUILD)/c/test_driver_postgresql: private PLUGGED = $(postgresql_OBJ) $(postgresql_LIBS)

$(BUILD)/fault/host: spec/fault/host.c Makefile
	@mkdir -p $(@D)
	$(call say,LINK) $(CC) $(CFLAGS) $(FLAGS) $(LUA_FLAGS) $(LDFLAGS) $(LINK_$(VARIANT)) -Wl,-E -o $@ $< $(LUA_LIBS) -lm -ldl

-include $(CORE_OBJ:.o=.d) $(foreach p,$(PLUGINS),$($(p)_OBJ:.o=.d)) $(C_TESTS:$(BUILD)/c/%=$(BUILD)/spec/c/%.d)

# -- running ----------------------------------------------------------------------------------------------------------

# Goals that need more than a compiler install it first, then start over with what was found.
SETUP = spec/support/setup.sh
RUN = LUA='$(LUA)' SPEC='$(SPEC)' spec/support/run.sh
CHECKED = $(MAKE) --no-print-directory VARIANT=checked

# What building says goes to stderr: eval "$(make env)"
env:
	+@$(MAKE) --no-print-directory all >&2
	@echo "export LUA_PATH='$(ROOT)/lua/?.lua;$(ROOT)/lua/?/init.lua;;'"
	@echo "export LUA_CPATH='$(ROOT)/$(LIB)/?.so;;'"

demo:
	@$(SETUP) demo-$(DB)
	+@$(MAKE) --no-print-directory run-demo-$(DB)
TREE = LUA_PATH='$(ROOT)/lua/?.lua;$(ROOT)/lua/?/init.lua;;' LUA_CPATH='$(ROOT)/lua/?.so;;'
run-demo-sqlite: all
	$(TREE) $(LUA) examples/tutorial.lua
run-demo-postgresql: all
	@$(TREE) spec/support/with_postgresql.sh sh -c '$(LUA) examples/tutorial.lua "$$LUALCHEMY_TEST_URL"'

# Each starts make anew: what was just installed changes what is found.
test:
	@$(SETUP) test
	+@$(MAKE) --no-print-directory all
	+@$(MAKE) --no-print-directory $(SPEC_MODULES)
	+@$(if $(SPEC),,$(CHECKED) all c-tests fault-host)
	@$(RUN) $(if $(SPEC),specs,specs.1 specs.2 fault scheduled-specs c)
test-asan:
	@$(SETUP) test
	+@$(CHECKED) all c-tests $(SPEC_MODULES)
	@$(RUN) $(if $(SPEC),checked-specs,checked-specs.1 checked-specs.2 c)
test-c:
	+@$(CHECKED) c-tests
	@$(RUN) c
# Threads under ThreadSanitizer: csrc/driver/worker.c has some, and the PostgreSQL driver.
THREADED = build/thread/c/test_driver_worker build/thread/c/test_driver_postgresql
test-tsan:
	@$(SETUP) test
	+@$(MAKE) --no-print-directory VARIANT=thread $(THREADED)
	@$(foreach t,$(THREADED),$(t) &&) :
test-fault:
	@$(SETUP) test
	+@$(CHECKED) all fault-host
	@$(RUN) fault
# The long form of what make test bounds. COUNT: hostile values for each position and database; another SEED makes others.
COUNT ?= 10000
soak: test-tsan
	@LUALCHEMY_SOAK=$(COUNT) LUALCHEMY_SEED=$(or $(SEED),1) $(MAKE) --no-print-directory test SPEC="spec/safety spec/reliability spec/model"
# Each target for SECONDS; findings are left in build/fuzz, what was learnt is added to the corpus there.
SECONDS ?= 600
FUZZ_TARGETS = url text value read row
FUZZ := $(MAKE) --no-print-directory VARIANT=fuzz CC=clang
fuzz:
	@$(SETUP) fuzz
	+@$(FUZZ) all build/fuzz/host
	@for t in $(or $(TARGET),$(FUZZ_TARGETS)); do mkdir -p build/fuzz/corpus/$$t && \
	  LUA_PATH='$(ROOT)/lua/?.lua;$(ROOT)/lua/?/init.lua;$(ROOT)/?.lua;;' LUA_CPATH='$(ROOT)/build/fuzz/lib/?.so;;' FUZZ_TARGET=$$t ASAN_OPTIONS=detect_leaks=0 \
	  build/fuzz/host -max_total_time=$(SECONDS) -max_len=512 -print_final_stats=0 -verbosity=0 -artifact_prefix=build/fuzz/$$t- \
	    build/fuzz/corpus/$$t spec/fuzz/corpus/$$t || exit 1; echo "fuzz: $$t: nothing found in $(SECONDS) seconds"; done
build/fuzz/host: spec/fuzz/host.c Makefile
	@mkdir -p $(@D)
	$(call say,CC) $(CC) -O1 -g -std=c11 $(WARN) -fsanitize=fuzzer,address,undefined $(LUA_FLAGS) -Wl,-E -o $@ $< $(LUA_LIBS) -lm -ldl

c-tests: $(C_TESTS) ; @:
fault-host: $(BUILD)/fault/host ; @:

# The raw C sides, the clock, the handle and the floor are built like any user's program. ROUNDS, WORKLOADS and BENCH_SCALE: spec/bench/run.lua.
bench:
	@$(SETUP) bench
	+@$(MAKE) --no-print-directory all build/bench/raw_sqlite build/bench/raw_postgresql $(BENCH_MODULES)
	@$(TREE) LUA_CPATH='$(ROOT)/lua/?.so;$(ROOT)/build/bench/?.so;;' DB=$(filter-out $(if $(filter file,$(origin DB)),%),$(DB)) LUA='$(LUA)' spec/support/with_postgresql.sh $(LUA) spec/bench/run.lua
build/bench/raw_%: spec/bench/raw_%.c spec/bench/raw.h
	@mkdir -p $(@D)
	$(call say,CC) $(CC) -O2 -std=c11 -D_POSIX_C_SOURCE=200809L $(WARN) $($*_CFLAGS) -o $@ $< $($*_LIBS)
# Modules for specs and benches, of no variant.
BENCH_MODULES = build/bench/clock.so build/bench/handle.so build/bench/floor.so
SPEC_MODULES = build/support/fork.so build/support/reset.so build/support/names.so
build/bench/clock.so: spec/bench/clock.c
build/bench/handle.so: spec/bench/handle.c
build/bench/floor.so: spec/bench/floor.c
build/bench/floor.so: private LIBS = $(sqlite_CFLAGS) $(sqlite_LIBS)
build/support/fork.so: spec/support/fork.c
build/support/reset.so: spec/support/reset.c
build/support/names.so: spec/support/names.c
$(BENCH_MODULES) $(SPEC_MODULES):
	@mkdir -p $(@D)
	$(call say,CC) $(CC) -O2 -std=c11 -D_POSIX_C_SOURCE=200809L $(WARN) -fPIC -shared $(LUA_FLAGS) -o $@ $< $(LIBS)

# What editors complete follows what the library has.
completions: all
	@$(TREE) $(LUA) -e 'package.path = "./?.lua;" .. package.path; require("spec.support.completions").write()'

# The file lists of rockspec/ follow the tree.
rockspec:
	@$(LUA) -e 'package.path = "./?.lua;" .. package.path; require("spec.support.rockspec").write()'

lint:
	@$(SETUP) lint
	+@$(MAKE) --no-print-directory run-lint
C_FILES := $(wildcard csrc/*/*.c csrc/plugins/*/*.c spec/*/*.c)
# Both builds of each file: asserts and fault hooks may hide a warning in one of them. cppcheck cannot see that alch_raise
# does not return.
run-lint: $(foreach cc,gcc clang,$(foreach f,$(C_FILES),lint/$(cc)/$(f)))
	luacheck -q $(wildcard lua spec examples)
	cppcheck -q --std=c11 --language=c --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
	  --suppress=missingIncludeSystem --suppress='nullPointerRedundantCheck:csrc/binding/*' --suppress='negativeIndex:csrc/binding/*' -j 2 -Icsrc -Icsrc/include -Ispec/c csrc spec/c
lint/%:
	@cc=$$(echo $* | cut -d/ -f1); for d in $(if $(filter csrc,$(word 2,$(subst /, ,$*))),-DNDEBUG) -DALCH_FAULT; do $$cc -O2 \
	  $(filter-out -DNDEBUG,$(FLAGS)) -Werror $$d $(LUA_FLAGS) $(foreach p,$(PLUGINS),$($(p)_CFLAGS)) \
	  -c -o /dev/null $(patsubst gcc/%,%,$(patsubst clang/%,%,$*)) || exit 1; done

# -- installing -------------------------------------------------------------------------------------------------------

SHARE = $(DESTDIR)$(PREFIX)/share/lua/$(LUA_VERSION)
MODULES = $(DESTDIR)$(PREFIX)/lib/lua/$(LUA_VERSION)
LUA_FILES = $(shell cd lua && find lualchemy -name '*.lua')
SO_FILES = $(patsubst $(LIB)/%,%,$(CORE) $(foreach p,$(FOUND),$(call plugin_file,$(p))))
install: all
	@for f in $(LUA_FILES); do install -D -m 644 lua/$$f $(SHARE)/$$f || exit 1; done
	@for f in $(SO_FILES); do install -D -m 755 $(LIB)/$$f $(MODULES)/$$f || exit 1; done
	@echo 'installed in $(SHARE)/lualchemy and $(MODULES)/lualchemy'
uninstall:
	rm -rf $(SHARE)/lualchemy $(MODULES)/lualchemy

clean:
	rm -rf build lua/lualchemy/_core.so lua/lualchemy/plugin

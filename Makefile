# boxoffice: `make help` lists what there is to do.
include scripts/targets.mk

# SAN=1 builds everything a second time under AddressSanitizer and UndefinedBehaviorSanitizer, COV=1 with coverage,
# FUZZ=1 (`fuzzers` only) for libFuzzer.
B := build$(if $(SAN),/san)$(if $(COV),/cov)$(if $(FUZZ),/fuzz)

PACKAGES := libpq hiredis rdkafka json-c libcurl libjwt libssl libcrypto libcrypt zlib
CC := $(if $(FUZZ),clang,gcc)
SANITIZERS := address,undefined
WATCHED := -fsanitize=fuzzer-no-link,$(SANITIZERS) -fno-sanitize-recover=all -Wno-error
CPPFLAGS += -I. -I$(B)/gen -D_GNU_SOURCE $(shell pkg-config --cflags-only-I $(PACKAGES) 2>/dev/null)
CFLAGS += -std=c17 -O2 -g -fno-strict-aliasing -fstack-protector-strong \
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wformat=2 -Wvla -Wpointer-arith \
  -Wundef -Werror $(if $(SAN),-fsanitize=$(SANITIZERS) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
  $(if $(COV),--coverage -O0) $(if $(FUZZ),$(WATCHED))
LDFLAGS += $(if $(FUZZ),-fsanitize=$(SANITIZERS)) $(if $(SAN),-fsanitize=$(SANITIZERS)) $(if $(COV),--coverage) -Wl,-z,relro,-z,now
LDLIBS = -lpq -lhiredis -lrdkafka -ljson-c -lcurl -ljwt -lssl -lcrypto -lcrypt -lunistring -lzxcvbn -lz -lpthread

DOMAINS := user event queue reservation payment sandbox
LAYERS := $(DOMAINS) contract providers
GROUPS := $(DOMAINS) gateway
DAEMONS := $(patsubst src/daemons/%.c,%,$(wildcard src/daemons/*.c))

RESPONDERS := $(foreach g,$(GROUPS),$(if $(wildcard cgi-bin/$(g)/main.c),$(B)/$(g).fcgi))
PROGRAMS := $(RESPONDERS) $(DAEMONS:%=$(B)/%) $(if $(wildcard src/maint/*.c),$(B)/boxoffice-maint) \
  $(if $(wildcard src/boxctl/*.c),$(B)/boxctl)

# A make of its own, so that the compiler flags are asked for after setup has installed what answers.
.PHONY: build programs
build: setup-build
	@$(MAKE) --no-print-directory programs
programs: $(PROGRAMS)

# ---- libraries: one per layer or domain ----
object = $(patsubst %.c,$(B)/obj/%.o,$(1))
scripts_of = $(patsubst src/$(1)/lua/%.lua,$(B)/obj/lua/$(1)_%.o,$(wildcard src/$(1)/lua/*.lua))
SQL_FILES := $(wildcard src/*/sql/*.sql common/io/sql/*.sql)
sql_of = $(patsubst $(1)/sql/%.sql,$(B)/obj/sql/%.o,$(wildcard $(1)/sql/*.sql))

COMMON_OBJECTS := $(call object,$(wildcard common/*/*.c)) $(call sql_of,common/io)
$(B)/libcommon.a: $(COMMON_OBJECTS)

define layer_library
$(B)/lib$(1).a: $(call object,$(wildcard src/$(1)/*.c)) $(call scripts_of,$(1)) $(call sql_of,src/$(1))
endef
$(foreach layer,$(LAYERS),$(eval $(call layer_library,$(layer))))

%.a:
	@mkdir -p $(@D) && rm -f $@
	@$(AR) rcs $@ $^

# A Lua script becomes `const struct redis_script redis_script_<domain>_<name>`.
define lua_rule
$(B)/gen/$(1)_%.c: src/$(1)/lua/%.lua $(wildcard src/$(1)/lua/parts/*.lua) scripts/embed-lua
	@mkdir -p $$(@D) && python3 scripts/embed-lua $(1)_$$* $$< >$$@.part && mv $$@.part $$@
$(B)/obj/lua/$(1)_%.o: $(B)/gen/$(1)_%.c
	@mkdir -p $$(@D) && $$(CC) $$(CPPFLAGS) $$(CFLAGS) -c -o $$@ $$<
endef
$(foreach layer,$(LAYERS),$(eval $(call lua_rule,$(layer))))

# A file of SQL becomes `sql/<name>.h` and the statements that it names.
define sql_rule
$(B)/gen/sql/$(basename $(notdir $(1))).c: $(1) scripts/embed-sql
	@mkdir -p $$(@D) && python3 -B scripts/embed-sql $(1) $$(basename $$@)
$(B)/gen/sql/$(basename $(notdir $(1))).h: $(B)/gen/sql/$(basename $(notdir $(1))).c
endef
$(foreach file,$(SQL_FILES),$(eval $(call sql_rule,$(file))))
SQL_HEADERS := $(patsubst %.sql,$(B)/gen/sql/%.h,$(notdir $(SQL_FILES)))
$(B)/obj/sql/%.o: $(B)/gen/sql/%.c
	@mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(B)/obj/%.o: %.c | $(SQL_HEADERS)
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# ---- programs ----
ALL_LIBS := $(LAYERS:%=$(B)/lib%.a) $(B)/libcommon.a
link = @mkdir -p $(@D) && $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) \
  -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS) $(1)

define responder_rule
$(B)/$(1).fcgi: $(call object,$(wildcard cgi-bin/$(1)/*.c)) $(if $(filter $(1),$(DOMAINS)),$(B)/lib$(1).a) \
  $(B)/libcontract.a $(B)/libproviders.a $(B)/libcommon.a
	$$(call link,-lfcgi)
endef
$(foreach group,$(GROUPS),$(eval $(call responder_rule,$(group))))

define daemon_rule
$(B)/$(1): $(B)/obj/src/daemons/$(1).o $(ALL_LIBS)
	$$(call link)
endef
$(foreach daemon,$(DAEMONS),$(eval $(call daemon_rule,$(daemon))))

$(B)/boxoffice-maint: $(call object,$(wildcard src/maint/*.c)) $(call sql_of,src/maint) $(ALL_LIBS)
	$(call link)
# It checks the statements of all programs.
$(B)/boxctl: $(call object,$(wildcard src/boxctl/*.c)) $(call sql_of,src/boxctl) $(call sql_of,src/maint) $(ALL_LIBS)
	$(call link)

# ---- the operator's programs without their main(), for tests ----
TOOLS := boxctl maint
define tool_library
$(B)/libtool_$(1).a: $(call object,$(filter-out %/main.c,$(wildcard src/$(1)/*.c))) $(call sql_of,src/$(1))
endef
$(foreach tool,$(TOOLS),$(eval $(call tool_library,$(tool))))
TOOL_LIBS := $(TOOLS:%=$(B)/libtool_%.a)

# ---- tests: one program per file; a test may also need the handlers of its group (GROUP_OBJECTS) ----
# As a library, so that a test gets only the helpers that it calls.
$(B)/libsupport.a: $(call object,$(wildcard tests/support/*.c))
UNIT_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/*/test_*.c))
COMPONENT_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/component/*/test_*.c))
FUZZERS := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))

$(B)/tests/unit/% $(B)/tests/component/%: LDLIBS += -lcmocka -lfcgi
$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(B)/libsupport.a $(TOOL_LIBS) $(ALL_LIBS)
	$(call link)
$(B)/tests/component/%: $(B)/obj/tests/component/%.o $(B)/libsupport.a $(TOOL_LIBS) $(ALL_LIBS)
	$(call link)
$(B)/tests/fuzz/%: LDLIBS += -lfcgi $(if $(FUZZ),-fsanitize=fuzzer)
$(B)/tests/fuzz/%: $(B)/obj/tests/fuzz/%.o $(if $(FUZZ),,$(B)/obj/tests/fuzz/replay.o) $(ALL_LIBS)
	$(call link)

# What make bench measures against, what fills long lines for it, what reads a topic for tests/load/backlog, and who has
# personal data for tests/load/reseal.
$(B)/tests/load/hello: $(B)/obj/tests/load/hello.o
	$(call link,-lfcgi)
$(B)/tests/load/hello_kept: $(B)/obj/tests/load/hello_kept.o $(B)/libcommon.a
	$(call link,-lfcgi)
$(B)/tests/load/fill: $(B)/obj/tests/load/fill.o $(B)/libqueue.a $(B)/libcontract.a $(B)/libcommon.a
	$(call link)
$(B)/tests/load/people: $(B)/obj/tests/load/people.o $(B)/libuser.a $(B)/libproviders.a $(B)/libcontract.a $(B)/libcommon.a
	$(call link)
$(B)/tests/load/bcrypt: $(B)/obj/tests/load/bcrypt.o $(B)/libcommon.a
	$(call link)
$(B)/tests/load/hear: $(B)/obj/tests/load/hear.o $(B)/libcommon.a
	$(call link)

.PHONY: unit-tests component-tests fuzzers
unit-tests: $(UNIT_TESTS)
component-tests: $(COMPONENT_TESTS)
fuzzers: $(FUZZERS)

.SECONDARY:
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

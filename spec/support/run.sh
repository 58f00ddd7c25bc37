#!/bin/sh
# run.sh SUITE...: runs test suites (c, specs, scheduled-specs, checked-specs, fault) and ends with "N passed, N failed" over all of them.
# LUA is the interpreter; SPEC narrows the specs. A suite that breaks off, runs nothing, or leaves a test out counts as
# failed: nothing is skipped.
#
# Several suites run two at a time, and each is shown when it ends. "specs.1" and "specs.2" are the halves of one.
cd "$(dirname "$0")/../.." || exit 1
if [ "$1" = --into ]; then
  log=$2
  shift 2
else
  log=$(mktemp -d "${TMPDIR:-/tmp}/lualchemy-test.XXXXXX") || exit 1
  trap 'rm -rf "$log"' EXIT
  trap 'exit 130' INT TERM HUP
fi

export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;"
release() ( export LUA_CPATH="$PWD/lua/?.so;$PWD/build/support/?.so;;"; "$@" )
# Checked modules are loaded by an ordinary interpreter, so it must start with the sanitizers' library.
checked() (
  export LUA_CPATH="$PWD/build/checked/lib/?.so;$PWD/build/support/?.so;;"
  # LeakSanitizer crashes on its own notes about thread-local storage of modules that are loaded later.
  export ASAN_OPTIONS=detect_leaks=1:handle_abort=1:intercept_tls_get_addr=0 UBSAN_OPTIONS=print_stacktrace=1
  export LSAN_OPTIONS="suppressions=$PWD/spec/support/lsan.supp:print_suppressions=0"
  export CHECKED="LD_PRELOAD=$(${CC:-cc} -print-file-name=libasan.so)"
  "$@"
)

run_c() {
  ended=0
  for source in spec/c/test_*.c; do
    "build/checked/c/$(basename "$source" .c)" || ended=1
  done
  return $ended
}
# Every second file for a half. Those that collect garbage come first: it takes the longer the more the others left.
half() {
  { grep -rl --include='*_spec.lua' 'collectgarbage\|spec\.model' spec | sort; grep -rL --include='*_spec.lua' 'collectgarbage\|spec\.model' spec | sort; } |
    awk -v half="$1" 'NR % 2 == half - 1'
}
# shellcheck disable=SC2086  # CHECKED is empty or one assignment, SPEC any number of paths
specs() { spec/support/with_postgresql.sh env $CHECKED "$LUA" spec/support/busted.lua $SPEC; }
run_specs() { release specs; }
# What a session does, once more in coroutines that are switched at every wait.
run_scheduled_specs() ( export LUALCHEMY_SCHEDULED=1 SPEC="spec/semantics spec/integration/orm_[!s]*_spec.lua spec/integration/orm_s[!c]*_spec.lua spec/integration/session_*_spec.lua"; release specs; )
run_checked_specs() { checked specs; }
run_fault() { checked spec/support/with_postgresql.sh spec/fault/run.sh; }

# Adds up the lines that end a program of a suite. A bad exit status without a failure in them (a crash, a leak), or no
# such line at all, is a failure of its own.
totals() {
  awk -v status="$(cat "$log/$1.status")" '
    match($0, /[0-9]+ passed, [0-9]+ failed/) {
      split(substr($0, RSTART, RLENGTH), n, /[^0-9]+/)
      passed += n[1]
      failed += n[2]
    }
    END {
      if (failed == 0 && (status != 0 || passed == 0)) failed = 1
      print passed + 0, failed + 0
    }' "$log/$1"
}

run_suite() (
  case $1 in *.*) SPEC=$(half "${1#*.}") ;; esac
  "run_$(echo "${1%.*}" | tr - _)"
  echo $? >"$log/$1.status"
)

if [ $# -eq 1 ]; then
  run_suite "$1" 2>&1 | tee "$log/$1"
else
  # shellcheck disable=SC2016  # expanded by the inner shell
  printf '%s\n' "$@" | xargs -n 1 -P 2 sh -c 'spec/support/run.sh --into "$0" "$1" >/dev/null; cat "$0/$1"' "$log"
fi
passed=0 failed=0
for suite in "$@"; do
  sum=$(totals "$suite")
  [ "${sum#* }" -gt 0 ] && echo "$suite: exit status $(cat "$log/$suite.status")"
  passed=$((passed + ${sum% *}))
  failed=$((failed + ${sum#* }))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

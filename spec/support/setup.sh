#!/bin/sh
# setup.sh GOAL: makes sure that what a goal of the Makefile needs is there. On Debian and its kin the missing packages
# are installed through apt (as root or with sudo); where that cannot be done it says exactly what to install and
# fails. Everything is looked for by what it does, not by package name, so any system that has it will do.
here=$(dirname "$0")
cc=${CC:-cc}

header() { printf '#include <%s>\n' "$1" | $cc -E -o /dev/null -xc - 2>/dev/null; }
lua() { path=$("$here/find_lua.sh" program 5.4) && [ -n "$path" ]; }
lua_module() { lua && "$path" -e "require('$1')" >/dev/null 2>&1; }
sanitizers() { echo 'int main(void){return 0;}' | $cc -fsanitize=address,undefined -o /dev/null -xc - 2>/dev/null; }

# have NAME: is it there? needs NAME: its Debian packages, then what to look for elsewhere.
have() {
  case $1 in
    compiler) command -v "$cc" && header stdio.h ;;
    lua) lua ;;
    lua-headers) [ -n "$("$here/find_lua.sh" headers 5.4)" ] ;;
    sqlite) header sqlite3.h ;;
    libpq) header libpq-fe.h || header postgresql/libpq-fe.h || pkg-config --exists libpq ;;
    postgresql) "$here/with_postgresql.sh" --check ;;
    pgbouncer) command -v pgbouncer || [ -x /usr/sbin/pgbouncer ] ;;
    busted) lua_module busted.runner ;;
    luafilesystem) lua_module lfs ;;
    cqueues) lua_module cqueues ;;
    cjson) lua_module cjson ;;
    luv) lua_module luv ;;
    luarocks) command -v luarocks ;;
    sanitizers) sanitizers ;;
    libfuzzer) echo 'int LLVMFuzzerTestOneInput(void){return 0;}' | clang -fsanitize=fuzzer -o /dev/null -xc - 2>/dev/null ;;
    clang | gcc | luacheck | cppcheck) command -v "$1" ;;
  esac >/dev/null 2>&1
}
debian() {
  case $1 in
    compiler | gcc | sanitizers) echo gcc libc6-dev ;;
    lua) echo lua5.4 ;;
    lua-headers) echo liblua5.4-dev ;;
    sqlite) echo libsqlite3-dev ;;
    libpq) echo libpq-dev ;;
    busted) echo lua-busted ;;
    luafilesystem) echo lua-filesystem ;;
    cqueues | cjson | luv) echo "lua-$1" ;;
    luacheck) echo lua-check ;;
    libfuzzer) echo "clang libclang-rt-$(apt-cache depends clang 2>/dev/null | sed -n 's/.*clang-\([0-9]*\)$/\1/p' | head -n 1)-dev" ;;
    *) echo "$1" ;;
  esac
}
elsewhere() {
  case $1 in
    compiler) echo 'a C11 compiler (set CC)' ;;
    lua) echo 'Lua 5.4' ;;
    lua-headers) echo 'the headers of Lua 5.4 (set LUA_INCDIR)' ;;
    sqlite) echo 'SQLite 3 with its header' ;;
    libpq) echo "PostgreSQL's libpq with its header" ;;
    postgresql) echo 'a PostgreSQL server (initdb and pg_ctl on PATH), or LUALCHEMY_TEST_URL naming one' ;;
    busted | cqueues | cjson | luv | luafilesystem) echo "$1 for Lua 5.4" ;;
    libfuzzer) echo "clang with libFuzzer" ;;
    sanitizers) echo 'a compiler with address and undefined behaviour sanitizers' ;;
    *) echo "$1" ;;
  esac
}

build='compiler lua lua-headers sqlite'
case $1 in
  demo-sqlite) needed=$build ;;
  demo-postgresql) needed="$build libpq postgresql" ;;
  test) needed="$build libpq postgresql pgbouncer busted luafilesystem cqueues cjson luv luarocks sanitizers" ;;
  lint) needed="$build libpq gcc clang luacheck cppcheck" ;;
  fuzz) needed="$build libpq libfuzzer" ;;
  bench) needed="$build libpq postgresql cqueues" ;;
  *) echo "setup.sh: no goal '$1' (DB is sqlite or postgresql)" >&2; exit 2 ;;
esac

missing() { for name in $needed; do have "$name" || echo "$name"; done; }
lacking=$(missing)
[ -z "$lacking" ] && exit 0

packages=$(for name in $lacking; do debian "$name"; done | tr ' ' '\n' | sort -u | tr '\n' ' ')
command="apt-get install -y --no-install-recommends $packages"
if command -v apt-get >/dev/null 2>&1; then
  if [ "$(id -u)" -eq 0 ]; then root='env'
  elif command -v sudo >/dev/null 2>&1; then root='sudo env'
  else root=
  fi
  if [ -n "$root" ]; then
    echo "installing: $packages"
    quiet="DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0"
    said=$({ $root $quiet update && $root $quiet install -y --no-install-recommends $packages; } 2>&1) || echo "$said" >&2
    lacking=$(missing)
    [ -z "$lacking" ] && exit 0
    echo "apt did not bring what is needed." >&2
  fi
  echo "Please install as root, then run make again:" >&2
  echo "    $command" >&2
fi
echo "Missing:" >&2
for name in $lacking; do echo "    $(elsewhere "$name")" >&2; done
exit 1

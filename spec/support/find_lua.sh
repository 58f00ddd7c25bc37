#!/bin/sh
# find_lua.sh program|headers VERSION: the interpreter or the folder of lua.h, nothing when there is none.
version=$2
short=$(printf %s "$version" | tr -d .)

program() {
  for lua in "lua$version" "lua$short" "lua-$version" lua; do
    path=$(command -v "$lua") || continue
    [ "$("$path" -e 'io.write(_VERSION)' 2>/dev/null)" = "Lua $version" ] && { echo "$path"; return; }
  done
}

headers() {
  number=$(printf %s "$version" | tr . 0)
  for name in "lua$version" "lua-$version" "lua$short" lua; do
    dir=$(pkg-config --variable=includedir "$name" 2>/dev/null) && set -- "$@" "$dir"
  done
  for dir in "$@" "/usr/include/lua$version" "/usr/include/lua$short" /usr/include /usr/local/include "/usr/local/include/lua$version" \
    "/opt/homebrew/include/lua$version" /opt/homebrew/include/lua; do
    grep -Eqs "LUA_VERSION_NUM[[:space:]]+$number|LUA_VERSION_MINOR[^\"]*\"?${version#*.}" "$dir/lua.h" && { echo "$dir"; return; }
  done
}

"$1"

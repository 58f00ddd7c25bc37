#!/bin/sh
# with_postgresql.sh COMMAND...: runs a command with LUALCHEMY_TEST_URL naming a PostgreSQL server made for it, which is
# gone afterwards. If LUALCHEMY_TEST_URL is set already, that server is used and left alone.
# with_postgresql.sh --check: is there a server to run?
#
# LUALCHEMY_STANDBY_OF=URL makes a hot standby of that server instead of an empty one. spec/support/cluster.lua starts
# such servers from within a spec.
# with_postgresql.sh --ctl FOLDER ARGUMENT...: pg_ctl for the server that was made in that folder.
#
# The server is a cluster of its own in a temporary folder, reached by a unix socket in it and nothing else, so any
# number of runs may go on side by side. PostgreSQL refuses to run as root; then it runs as "postgres" or "nobody".

make_user() {
  if [ "$(id -u)" -eq 0 ]; then
    user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    as_user() { (cd "$dir" && runuser -u "$user" -- "$@"); }
  else
    user=
    as_user() { (cd "$dir" && "$@"); }
  fi
}

find_bin() {
  for dir in "$(dirname "$(readlink -f "$(command -v initdb || echo /)")")" $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) \
    "$(pg_config --bindir 2>/dev/null)" /usr/pgsql-*/bin; do
    [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ] && { echo "$dir"; return 0; }
  done
  return 1
}

if [ "$1" = --ctl ]; then
  dir=$2
  shift 2
  make_user
  exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-     # nothing of whoever asks is kept open by the server
  as_user env -u LD_PRELOAD "$(find_bin)/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 "$@" </dev/null >/dev/null 2>&1
  exit
fi
if [ -n "$LUALCHEMY_TEST_URL" ]; then
  [ "$1" = --check ] && exit 0
  exec "$@"
fi
bin=$(find_bin) || { echo "with_postgresql.sh: no PostgreSQL server found (Debian: apt-get install postgresql)" >&2; exit 127; }
[ "$1" = --check ] && exit 0

dir=$(mktemp -d "${TMPDIR:-/tmp}/lualchemy-pg.XXXXXX") || exit 1
make_user
[ -z "$user" ] || chown "$user" "$dir"

# The keeper holds the reading end of a pipe whose only writer is this shell: whatever ends it, even SIGKILL, the keeper
# then stops the server and removes the folder.
mkfifo "$dir/alive" || exit 1
{
  trap '' INT TERM HUP
  cat "$dir/alive" >/dev/null
  as_user "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1
  rm -rf "$dir"
} &
keeper=$!
exec 8>"$dir/alive"
finish() { exec 8>&-; wait "$keeper"; }
trap 'finish' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

fail() { echo "with_postgresql.sh: $1" >&2; cat "$dir/log" >&2; exit 1; }
if [ -n "$LUALCHEMY_STANDBY_OF" ]; then
  as_user env -u LD_PRELOAD "$bin/pg_basebackup" -d "$LUALCHEMY_STANDBY_OF" -D "$dir/data" -R -c fast --no-sync >"$dir/log" 2>&1 8>&- ||
    fail 'pg_basebackup failed'
else
  as_user env -u LD_PRELOAD "$bin/initdb" -D "$dir/data" -U lualchemy -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1 8>&- ||
    fail 'initdb failed'
fi
as_user sh -c "cat >>'$dir/data/postgresql.conf'" 8>&- <<CONF
listen_addresses = ''
unix_socket_directories = '$dir'
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
max_prepared_transactions = 20
shared_buffers = 64MB
CONF
as_user env -u LD_PRELOAD "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 start >>"$dir/log" 2>&1 8>&- || {
  cat "$dir/data/server.log" >>"$dir/log" 2>/dev/null
  fail 'the server did not start'
}

LUALCHEMY_TEST_URL="postgresql://lualchemy@/postgres?host=$dir"
export LUALCHEMY_TEST_URL
"$@" 8>&-

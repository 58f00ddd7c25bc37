#!/bin/sh
# with_pgbouncer.sh FOLDER COMMAND...: runs a command with LUALCHEMY_TEST_URL naming a pgbouncer that pools transactions
# in front of the server whose socket is in FOLDER, on two connections to it. PGBOUNCER_SETTINGS: further lines of its
# configuration. It is gone when the command ends. It refuses to run as root, as PostgreSQL does.

server=$1
shift
dir=$(mktemp -d "${TMPDIR:-/tmp}/lualchemy-pgbouncer.XXXXXX") || exit 1
cat >"$dir/ini" <<INI
[databases]
postgres = host=$server user=lualchemy
[pgbouncer]
listen_addr =
unix_socket_dir = $dir
unix_socket_mode = 0777
auth_type = any
pool_mode = transaction
default_pool_size = 2
logfile = $dir/log
$PGBOUNCER_SETTINGS
INI
user=
if [ "$(id -u)" -eq 0 ]; then
  user=postgres
  id "$user" >/dev/null 2>&1 || user=nobody
  chown -R "$user" "$dir"
fi
bin=$(command -v pgbouncer || ls /usr/sbin/pgbouncer) || exit 127
env -u LD_PRELOAD ${user:+runuser -u "$user" --} "$bin" -q "$dir/ini" </dev/null >/dev/null 2>&1 &
trap 'kill $!; wait $!; rm -rf "$dir"' EXIT
trap 'exit 143' INT TERM HUP
i=0
until [ -S "$dir/.s.PGSQL.6432" ]; do
  i=$((i + 1))
  [ "$i" -lt 200 ] || { cat "$dir/log" >&2; exit 1; }
  sleep 0.05
done
LUALCHEMY_TEST_URL="postgresql://lualchemy@/postgres?host=$dir&port=6432"
export LUALCHEMY_TEST_URL
"$@"

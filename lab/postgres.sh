#!/usr/bin/env bash
# PostgreSQL. Tests start servers of their own, each for as long as the test lives:
#   postgres.sh private FOLDER PORT   a new cluster, on loopback; prints "ready", or why not, and then "done" after each
#                                     command that it reads: "kill" (as a crash would), "start". Ends with its input.
LAB_NAME=postgres
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bindir() {
  local b; b=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
  if [ -n "$b" ]; then echo "$b"; return; fi
  b=$(command -v initdb) && dirname "$(realpath "$b")"
}
fetch() {
  [ -z "$(bindir || true)" ] || return 0
  # keep the package from making (and starting) a cluster of its own
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  lab_apt postgres postgresql
}
private() {
  local d=$1 port=$2 b as=(env LC_ALL=C.UTF-8) word
  b=$(bindir) || { echo "PostgreSQL is not installed"; return 0; }
  if [ "$(id -u)" = 0 ]; then
    # the server refuses to run as root
    chown postgres:postgres "$d"
    as=(setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$d" LC_ALL=C.UTF-8)
  fi
  echo fs-lab >"$d/password"
  "${as[@]}" "$b/initdb" -D "$d/data" -U fs -A scram-sha-256 --pwfile="$d/password" --no-sync -E UTF8 --locale=C.UTF-8 >"$d/initdb.log" 2>&1 ||
    { tail -3 "$d"/*log; return 0; }
  printf '[req]\ndistinguished_name=d\n[d]\n' >"$d/openssl.cnf"
  openssl req -x509 -config "$d/openssl.cnf" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -keyout "$d/data/server.key" -out "$d/data/server.crt" 2>/dev/null
  if [ "$(id -u)" = 0 ]; then chown postgres:postgres "$d/data/server.key" "$d/data/server.crt"; fi
  chmod 600 "$d/data/server.key"
  # The machine does not fail within a test, only processes do: nothing needs to reach the disk.
  cat >>"$d/data/postgresql.conf" <<CNF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$d'
fsync = off
full_page_writes = off
max_connections = 200
shared_buffers = 64MB
ssl = on
CNF
  start() { "${as[@]}" "$b/pg_ctl" -D "$d/data" -l "$d/log" -w -t 60 start >/dev/null 2>&1 </dev/null; }
  stop() { "${as[@]}" "$b/pg_ctl" -D "$d/data" -m immediate -w stop >/dev/null 2>&1 </dev/null || true; }
  start || { tail -3 "$d"/*log; return 0; }
  echo ready
  while read -r word; do
    case $word in kill) stop ;; start) start || true ;; esac
    echo "done"
  done
  stop
  rm -rf "$d"
}
prove() {
  local d; d=$(mktemp -d)
  has "a private cluster starts, and ends with its input" '^ready$' private "$d" 55433 </dev/null
  check "and leaves nothing" test ! -e "$d"
  verdict
}
case ${1:-} in
  fetch|up) fetch ;;
  private) trap - ERR; private "$2" "$3" ;;
  down|purge) ;;
  status) echo "postgres: started by the tests that need it" ;;
  prove) prove ;;
  *) usage ;;
esac

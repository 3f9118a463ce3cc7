#!/usr/bin/env bash
# Headless Chromium (Debian's) with a certificate database of its own.
#   browser.sh trust NAME CA-FILE      one more authority, such as that of a demo
#   browser.sh go URL [--shot FILE] [--fill SELECTOR=VALUE]... [--click SELECTOR]
LAB_NAME=browser
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
D=$LAB_STATE/browser
nss() { certutil -d "sql:$D/home/.pki/nssdb" "$@"; }
trust() { # trust NAME FILE : in place of what had that name
  nss -D -n "$1" 2>/dev/null || true
  nss -A -n "$1" -t C,, -i "$2"
}
fetch() {
  lab_apt browser chromium libnss3-tools fonts-dejavu-core fonts-noto-cjk
  lab_node
  mkdir -p "$D"
  cmp -s "$LAB_DIR/browser/package-lock.json" "$D/package-lock.json" && [ -d "$D/node_modules" ] || {
    cp "$LAB_DIR"/browser/package{,-lock}.json "$D/"
    ( cd "$D" && npm ci --no-audit --no-fund --ignore-scripts >"$LAB_STATE/log/browser-npm.log" 2>&1 ) || { tail -5 "$LAB_STATE/log/browser-npm.log" >&2; die "npm"; }; }
}
up() {
  local t; t=$(now)
  fetch
  lab_node
  [ -s "$LAB_STATE/pki/ca.pem" ] || "$LAB_DIR/pki.sh" up
  mkdir -p "$D/home/.pki/nssdb"
  [ -s "$D/home/.pki/nssdb/cert9.db" ] || nss -N --empty-password
  trust lab "$LAB_STATE/pki/ca.pem"
  cp "$LAB_DIR/browser/lab-browser.mjs" "$D/"
  env_write browser LAB_BROWSER="$D/lab-browser.mjs" LAB_BROWSER_SH="$LAB_DIR/browser.sh"
  took browser:up "$t"
}
go() { lab_node; node "$D/lab-browser.mjs" "$@"; }
prove() {
  if running apache-sp; then
    has "a page over TLS of the lab's authority, with a picture" '"status": 200' go https://apps.contoso.lab/ --shot "$D/page.png"
    has "the picture is a PNG" 'PNG' head -c 8 "$D/page.png"
  else bad "apache-sp is not up, which serves the page"; fi
  verdict
}
case ${1:-} in fetch) fetch ;; up) up ;; down) : ;; status) if [ -d "$D/node_modules" ]; then echo "browser: installed"; else echo "browser: not installed"; fi ;;
  trust) trust "$2" "$3" ;; go) shift; go "$@" ;; prove) prove ;; purge) rm -rf "$D" "$LAB_STATE/env/browser.sh" ;; *) usage ;; esac

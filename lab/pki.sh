#!/usr/bin/env bash
# A certificate authority for the lab's own servers.
LAB_NAME=pki
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
D=$LAB_STATE/pki
issue() { # issue NAME HOST... : key and chain as NAME.key, NAME.crt
  local name=$1 h san=; shift
  for h in "$@"; do san+=",DNS:$h"; done
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$D/$name.key" -out "$D/$name.csr" 2>/dev/null
  openssl x509 -req -in "$D/$name.csr" -CA "$D/ca.pem" -CAkey "$D/ca.key" -days 825 -out "$D/$name.crt" 2>/dev/null \
    -extfile <(printf 'basicConstraints=critical,CA:false\nextendedKeyUsage=serverAuth\nsubjectAltName=%s\n' "${san#,}")
  rm -f "$D/$name.csr"
}
fetch() { lab_apt pki openssl; }
up() {
  local t; t=$(now)
  fetch
  mkdir -p "$D"
  if [ ! -s "$D/ca.pem" ]; then
    openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Sekisho lab CA" \
      -addext 'keyUsage=critical,keyCertSign,cRLSign' -keyout "$D/ca.key" -out "$D/ca.pem" 2>/dev/null
    chmod 600 "$D/ca.key"
  fi
  [ -s "$D/apps.crt" ] || issue apps apps.contoso.lab mellon.contoso.lab shib.contoso.lab
  env_write pki LAB_CA="$D/ca.pem"
  took pki:up "$t"
}
prove() {
  check "the certificate of the applications verifies" openssl verify -CAfile "$D/ca.pem" -purpose sslserver -verify_hostname mellon.contoso.lab "$D/apps.crt"
  has "another name does not" 'ostname mismatch' openssl verify -CAfile "$D/ca.pem" -verify_hostname fs.contoso.lab "$D/apps.crt"
  verdict
}
case ${1:-} in
  fetch) fetch ;; up) up ;; down) : ;; status) if [ -s "$D/ca.pem" ]; then echo "pki: made"; else echo "pki: not made"; fi ;;
  prove) prove ;; purge) rm -rf "$D" "$LAB_STATE/env/pki.sh" ;; *) usage ;;
esac

#!/usr/bin/env bash
# Real client libraries of AD FS users: a Python environment and a Node.js folder, both of locked versions.
LAB_NAME=clients
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
D=$LAB_STATE/clients
pip_env() {
  { [ -x "$D/venv/bin/pip" ] || "$PY" -m venv "$D/venv"; } &&
    "$D/venv/bin/pip" install -q --disable-pip-version-check -r "$LAB_DIR/clients/requirements.txt"
}
npm_folder() { # no install scripts: none of these needs one, and nothing may fetch a binary of its own
  cp "$LAB_DIR"/clients/{package.json,package-lock.json} "$D/" && cd "$D" && npm ci --no-audit --no-fund --ignore-scripts
}
fetch() {
  local want p other failed=
  lab_apt clients python3-venv xmlsec1
  lab_node
  mkdir -p "$D"
  want=$(cat "$LAB_DIR"/clients/{requirements.txt,package.json,package-lock.json} | sha256sum | cut -c1-16)
  [ "$(cat "$D/.done" 2>/dev/null)" = "$want" ] && return 0
  rm -f "$D/.done"; p=$(now)
  npm_folder >"$LAB_STATE/log/clients-npm.log" 2>&1 & other=$!
  pip_env >"$LAB_STATE/log/clients-pip.log" 2>&1 || failed=pip
  wait "$other" || failed="$failed npm"
  took clients:install "$p"
  if [ -n "$failed" ]; then tail -n 5 "$LAB_STATE"/log/clients-{pip,npm}.log >&2; die "failed: $failed"; fi
  echo "$want" >"$D/.done"
}
up() {
  fetch
  lab_node
  env_write clients LAB_PYTHON="$D/venv/bin/python" LAB_NODE_DIR="$D" LAB_NODE_BIN="$(dirname "$(command -v node)")"
}
prove() {
  lab_node
  check "python3-saml, signxml, requests, openapi-spec-validator" \
    "$D/venv/bin/python" -c 'import onelogin.saml2.auth, signxml, requests, openapi_spec_validator'
  check "passport-wsfed-saml2" node -e "require('$D/node_modules/passport-wsfed-saml2').Strategy.name || process.exit(1)"
  check "playwright-core" node -e "require('$D/node_modules/playwright-core').chromium.name() || process.exit(1)"
  check "xmlsec1" xmlsec1 --version
  verdict
}
case ${1:-} in fetch) fetch ;; up) up ;; down) : ;; status) if [ -s "$D/.done" ]; then echo "clients: installed"; else echo "clients: not installed"; fi ;;
  prove) prove ;; purge) rm -rf "$D" "$LAB_STATE/env/clients.sh" ;; *) usage ;; esac

#!/usr/bin/env bash
# Debian's Chromium, headless, and fonts for the languages of the pages. Tests drive it through playwright-core (clients.sh).
LAB_NAME=browser
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
fetch() { lab_apt browser chromium fonts-dejavu-core fonts-noto-cjk; }
up() {
  fetch
  env_write browser LAB_CHROMIUM=/usr/bin/chromium
}
prove() {
  has "Chromium runs the script of a page" '<p>42</p>' chromium --headless --no-sandbox --disable-gpu --dump-dom \
    'data:text/html,<script>document.write("<p>" + 6 * 7 + "</p>")</script>'
  verdict
}
case ${1:-} in fetch) fetch ;; up) up ;; down) : ;; status) command -v chromium || echo "browser: not installed" ;;
  prove) prove ;; purge) rm -f "$LAB_STATE/env/browser.sh" ;; *) usage ;; esac

#!/usr/bin/env bash
# The whole lab, or the named parts:  lab.sh fetch|up|down|status|prove|purge|env [part...]
LAB_NAME=lab
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
ALL=(pki apache-sp clients browser postgres)
cmd=${1:-}; [ $# -gt 0 ] && shift
parts=("$@"); [ ${#parts[@]} -gt 0 ] || parts=("${ALL[@]}")
rc=0
case $cmd in
  fetch|up)
    printf 'export LAB_STATE=%q\nfor f in "$LAB_STATE"/env/*.sh; do . "$f"; done\n' "$LAB_STATE" >"$LAB_STATE/env.sh"
    for p in "${parts[@]}"; do
      if [ "$cmd" = up ]; then rm -f "$LAB_STATE/env/$p.sh"; fi
      "$LAB_DIR/$p.sh" "$cmd" || { rc=1; say "$p: $cmd failed"; }
    done ;;
  # the variables of the parts that are up, each ended by a zero byte
  env) for f in "$LAB_STATE"/env/*.sh; do if [ -e "$f" ]; then . "$f"; fi; done; env -0 | grep -z '^LAB_' || true ;;
  down|purge) for ((i = ${#parts[@]} - 1; i >= 0; i--)); do
      "$LAB_DIR/${parts[i]}.sh" "$cmd" || rc=1
      rm -f "$LAB_STATE/env/${parts[i]}.sh"
    done ;;
  status|prove) for p in "${parts[@]}"; do "$LAB_DIR/$p.sh" "$cmd" || rc=1; done ;;
  *) usage ;;
esac
exit $rc

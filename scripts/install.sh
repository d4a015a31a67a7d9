#!/usr/bin/env bash
# Puts the programs, their man pages, their completions and the units of systemd where shell, `man` and systemd look for
# them, or takes them away again. It starts nothing and enables nothing.
#
#   PREFIX=/usr/local DESTDIR= scripts/install.sh install PROGRAM GUARD
#   PREFIX=/usr/local DESTDIR= scripts/install.sh uninstall
#
# It builds nothing, so that root need not: the program writes its own pages and completions.
set -euo pipefail
# Readable for everybody, whatever the caller's habit.
umask 022
root=${DESTDIR:-}${PREFIX:-/usr/local}
pages=$root/share/man/man1
# Where each shell looks for the completions of others.
bash=$root/share/bash-completion/completions/ballast
zsh=$root/share/zsh/site-functions/_ballast
fish=$root/share/fish/vendor_completions.d/ballast.fish
units=$root/lib/systemd/system
users=$root/lib/sysusers.d/ballast.conf
example=$root/share/doc/ballast/ballast-guard-network.conf
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Pages of an older version may be of commands that this one does not have.
remove_pages() { rm -f "$pages"/ballast.1 "$pages"/ballast-*.1 "${pages%1}8/ballast-guard.8"; }

case ${1:-} in
  install)
    program=$2 guard=$3
    install -D -m 755 "$program" "$root/bin/ballast"
    install -D -m 755 "$guard" "$root/bin/ballast-guard"
    remove_pages
    "$program" manual "$pages" >/dev/null
    "$guard" --write-manual "${pages%1}8"
    for shell in bash zsh fish; do
      mkdir -p "$(dirname "${!shell}")"
      "$program" completions "$shell" >"${!shell}"
    done
    for unit in ballast ballast-guard; do
      mkdir -p "$units"
      sed "s#@PREFIX@#${PREFIX:-/usr/local}#" "$here/systemd/$unit.service" >"$units/$unit.service"
    done
    install -D -m 644 "$here/systemd/ballast.sysusers.conf" "$users"
    install -D -m 644 "$here/systemd/network.conf" "$example"
    echo "ballast is installed under $root: bin, man pages, completions for bash, zsh and fish, units of systemd"
    echo "to run a site as services: docs/manual/en/install.md, Services"
    ;;
  uninstall)
    rm -f "$root/bin/ballast" "$root/bin/ballast-guard" "$bash" "$zsh" "$fish"
    rm -f "$units/ballast.service" "$units/ballast-guard.service" "$users" "$example"
    remove_pages
    echo "ballast is removed from $root; sites and their state stay where they are"
    ;;
  *)
    echo "what? install PROGRAM GUARD, or uninstall" >&2
    exit 2
    ;;
esac

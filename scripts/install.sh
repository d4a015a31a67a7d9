#!/usr/bin/env bash
# Puts the program, its man pages and its completions where a shell and `man` look for them, or takes them away again.
#
#   PREFIX=/usr/local DESTDIR= scripts/install.sh install PROGRAM
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

# Pages of an older version may be of commands that this one does not have.
remove_pages() { rm -f "$pages"/ballast.1 "$pages"/ballast-*.1; }

case ${1:-} in
  install)
    program=$2
    install -D -m 755 "$program" "$root/bin/ballast"
    remove_pages
    "$program" manual "$pages" >/dev/null
    for shell in bash zsh fish; do
      mkdir -p "$(dirname "${!shell}")"
      "$program" completions "$shell" >"${!shell}"
    done
    echo "ballast is installed under $root: bin, man pages, completions for bash, zsh and fish"
    ;;
  uninstall)
    rm -f "$root/bin/ballast" "$bash" "$zsh" "$fish"
    remove_pages
    echo "ballast is removed from $root; sites and their state stay where they are"
    ;;
  *)
    echo "what? install PROGRAM, or uninstall" >&2
    exit 2
    ;;
esac

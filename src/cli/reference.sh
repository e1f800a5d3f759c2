#!/bin/sh
# Writes everything that follows from the tables of options and keys into the sources: the options and keys in the manual
# pages (between the markers BEGIN and END), the shell completions, and the JSON Schema of the config.
# A test fails where it has been forgotten.
#
#   cmake --build build --target reference
#   src/cli/reference.sh PROGRAMS [TREE]     the programs in the folder PROGRAMS; TREE: the sources, or a copy
set -eu
programs=$1
tree=${2:-$(dirname "$0")/../..}
new=$(mktemp)
trap 'rm -f "$new" "$new.part"' EXIT

# put FILE: replaces the content of FILE with the new text; does not write FILE if it is the same.
put() {
    cmp -s "$new" "$1" || cat "$new" >"$1"
}

# splice PROGRAM PART: into the program's manual page.
splice() {
    page=$tree/src/cli/$1.1
    "$programs/$1" --reference "$2" >"$new.part"
    awk -v part="$2" -v text="$new.part" '
        $0 == ".\\\" END " part { inside = 0 }
        !inside
        $0 == ".\\\" BEGIN " part { inside = 1; while ((getline line < text) > 0) print line }' "$page" >"$new"
    put "$page"
}

for program in cnntrain cnnpredict cnneval cnnconvert; do
    splice $program options
    for shell in bash zsh fish; do
        "$programs/$program" --reference $shell >"$new"
        put "$tree/src/cli/completions/$program.$shell"
    done
done
splice cnntrain config
"$programs/cnntrain" --schema >"$new"
put "$tree/configs/schema.json"

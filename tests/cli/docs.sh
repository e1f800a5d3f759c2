# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Documents name what the programs have.
. "$SOURCE/tests/cli/lib.sh"

# manual PROGRAM PAGE: every long option of --help is in the page. In roff, a hyphen is written \-, and mdoc's Fl
# writes the first hyphen of what follows it.
manual() {
    last=
    if [ ! -f "$2" ]; then
        fail "expected $2"
        return
    fi
    sed 's/\\-/-/g; s/\\&//g; s/\\f[BIRP]//g; /Fl /s/ -\([a-z]\)/ --\1/g' "$2" >page
    "$1" --help | grep -Eo -e '--[a-z][a-z-]*' | sort -u >options
    [ "$(wc -l <options)" -ge 6 ] || fail "expected at least six options"
    while read -r option; do
        grep -Eq -e "$option([^a-z-]|\$)" page || fail "expected $2 to explain $option"
    done <options
    # and none that is not there; options of other programs stand in examples only
    grep -E '^\.(BR|B|TP|It|Fl|Op) ' page | grep -Eo -e '--[a-z][a-z-]*' | sort -u >explained
    while read -r option; do
        grep -qx -e "$option" options || fail "expected $1 --help to have the $option of $2"
    done <explained
}
manual "$CNNTRAIN" "$SOURCE/src/cli/cnntrain.1"
"$CNNTRAIN" --help-config | sed -n 's/^  \([a-z0-9_.]*\)  (.*/\1/p' >keys
[ "$(wc -l <keys)" -ge 20 ] || fail "expected at least 20 keys in --help-config"
while read -r key; do
    grep -qw -e "$key" page || fail "expected cnntrain.1 to explain $key"
done <keys
"$CNNTRAIN" --help-config | sed -n '/^Layers/,$p' | sed -n 's/^  \([a-z_]*\)$/\1/p; s/^    \([a-z_]*\)  (.*/\1/p' >names
[ "$(wc -l <names)" -ge 10 ] || fail "expected layers in --help-config"
while read -r name; do
    grep -qw -e "$name" page || fail "expected cnntrain.1 to explain $name"
done <names
manual "$CNNPREDICT" "$SOURCE/src/cli/cnnpredict.1"
manual "$CNNEVAL" "$SOURCE/src/cli/cnneval.1"
for page in cnntrain cnnpredict cnneval; do
    if command -v mandoc >/dev/null 2>&1; then
        run 0 mandoc -T lint -W error "$SOURCE/src/cli/$page.1"
    fi
done

# the C block of README.md is tests/example.c
awk '/^```c$/ { inside = 1; next }
     /^```/ { inside = 0 }
     inside' "$SOURCE/README.md" >block.c
last=
expect_same block.c "$SOURCE/tests/example.c"

finish

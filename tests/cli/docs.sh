# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Documents name what the programs have, and every example in them works: tests/README.md describes how.
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
    # and no option that does not exist; options of other programs occur in examples only
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
manual "$CNNCONVERT" "$SOURCE/src/cli/cnnconvert.1"
for page in cnntrain cnnpredict cnneval cnnconvert; do
    if command -v mandoc >/dev/null 2>&1; then
        run 0 mandoc -T lint -W error "$SOURCE/src/cli/$page.1"
    fi
done

# --- the files and functions that documents name exist ----------------------------------------------------------------

# A path may start at the repository, at src/, include/, tests/ or at the document; a bare name may be anywhere.
find "$SOURCE" -name '.git' -prune -o -name 'build*' -prune -o -type f -print | sed "s|^$SOURCE/||" >files
sed 's|.*/||' files | sort -u >bare
find "$SOURCE/src" "$SOURCE/include" \( -name '*.[ch]' -o -name CMakeLists.txt \) -exec cat {} + | grep -Eo 'cnn_[a-z0-9_]+' | sort -u >identifiers
grep -c . identifiers | awk '$1 < 500 { exit 1 }' || fail "expected functions in src/"

# named DOCUMENT: the words in backquotes of a Markdown file.
named() {
    # shellcheck disable=SC2016
    awk '/^```/ { inside = !inside; next } !inside' "$1" | grep -Eo '`[^`]*`' | tr -d '`' | sort -u
}

find "$SOURCE" -name '.git' -prune -o -name 'build*' -prune -o -name '*.md' -print | sort >markdown
while read -r document; do
    here=$(dirname "${document#"$SOURCE"/}")/
    here=${here#./}
    named "$document" >words
    grep -Ex '[a-zA-Z0-9_./-]+\.(c|h|inc|sh|py|md)' words | grep -v NAME | while read -r path; do
        case $path in
        */*) grep -qxF -e "$path" -e "src/$path" -e "include/$path" -e "tests/$path" -e "$here$path" files ;;
        *) grep -qxF -e "$path" bare ;;
        esac || echo "$path"
    done >missing
    grep -Ex 'cnn_[a-z0-9_]+' words | while read -r name; do
        grep -qxF -e "$name" identifiers || echo "$name"
    done >>missing
    last=
    [ ! -s missing ] || fail "${document#"$SOURCE"/} names what does not exist: $(tr '\n' ' ' <missing)"
done <markdown

# --- the examples ---------------------------------------------------------------------------------------------------

# Splits a document into its code blocks: block N goes to blocks/N, and "N language line" to the list on stdout. A block
# of a Markdown file is fenced and names its language. A block of a man page is a literal display; its language is in a
# comment before it (.\" console), or is sh.
split_blocks() {
    awk -v page="${1##*.}" -v first="$count" '
        function start(language) {
            inside = 1
            n++
            print first + n, language == "" ? "none" : language, NR
            printf "" >("blocks/" (first + n))
        }
        page == "1" && /^\.\\" (sh|json|console)$/ { next_language = $2; next }
        page == "1" && /^\.Bd -literal/ { start(next_language == "" ? "sh" : next_language); next_language = ""; next }
        page == "1" && /^\.Ed/ { inside = 0; next }
        page == "1" && inside { gsub(/\\e/, "\\"); gsub(/\\-/, "-"); gsub(/^\\&/, "") }
        page != "1" && /^```/ { if (inside) inside = 0; else start(substr($0, 4)); next }
        inside { print >("blocks/" (first + n)); next }
        page != "1" && /^(    |\t)/ && blank { start("indented"); inside = 0 }
        { blank = /^$/ }
        END { if (inside) print first + n, "unclosed", NR }' "$1"
}

# A folder that looks like the repository after a build: what the examples are run in.
make_tree() {
    mkdir -p "$1/build/tests/bench" "$1/data"
    for program in "$CNNTRAIN" "$CNNPREDICT" "$CNNEVAL" "$CNNCONVERT"; do
        ln -s "$program" "$1/build/$(basename "$program")"
    done
    cp -R "$SOURCE/configs" "$1/configs"
}

# In the folder with made-up images, every training ends after two epochs, and benchmarks measure the smallest network.
make_fast() {
    rm build/cnntrain
    cat >build/cnntrain <<END
#!/bin/sh
case " \$* " in
*" --config "*) exec "$CNNTRAIN" "\$@" train.epochs=2 ;;
esac
exec "$CNNTRAIN" "\$@"
END
    cat >build/tests/bench/cnnbench <<END
#!/bin/sh
for argument; do
    shift
    case \$argument in
    *.json) [ -f "\$argument" ] || exit 1 ;;
    *) set -- "\$@" "\$argument" ;;
    esac
done
exec "$BENCH" "\$@" --seconds 0.001 configs/bench/seed.json
END
    chmod +x build/cnntrain build/tests/bench/cnnbench
}

# two_classes DIR CLASS_0 CLASS_1 COUNT SEED CHANNELS: COUNT made-up images in two folders with these names.
two_classes() {
    mkdir -p "$(dirname "$1")"
    "$MAKE_IMAGES" "$1" "$4" 16 16 "$6" "$5" || exit 1
    mv "$1/left" "$1/$2"
    mv "$1/right" "$1/$3"
}

fill_tree() {
    make_fast
    sed -i 's/"runs": 40/"runs": 2/' configs/sweeps/search.json
    two_classes photos bad good 40 1 3
    cp photos/bad/00000.ppm photos/bad/copy.ppm # for an example that looks for copies
    two_classes photos-test bad good 10 2 3
    two_classes data/mine bad good 20 3 3
    two_classes data/fashion-mnist/train t-shirt shirt 40 4 1
    two_classes data/fashion-mnist/test t-shirt shirt 10 5 1
    cp photos/good/00001.ppm photo.jpg # the content decides, not the name
    cp data/fashion-mnist/test/shirt/00001.pgm shirt.png
    touch -d 2000-01-01 stamp
    (
        echo path,label,split
        for image in photos-test/*/*; do
            label=${image#*/}
            echo "$image,${label%/*},test"
        done
    ) >labels.csv
    cnntrain --config configs/folders.json data.train=photos train.epochs=1 --out first --quiet
    cp first/model.bin model.bin
    cp first/last.bin old.bin
    cp first/last.bin new.bin
    rm -r first
    cnntrain --config configs/fashion.json --quiet
    # instead of what data/pretrained.sh writes
    cnntrain --config configs/folders.json data.train=photos image.width=224 image.height=224 image.normalize=unit \
        'layers=[{"type": "maxpool", "size": 8}, {"type": "flatten"}, {"type": "dense", "units": 1}, {"type": "sigmoid"}]' \
        --out network --quiet
    mkdir pretrained
    cp network/model.bin pretrained/efficientnet-lite0.bin
    cp network/model.bin pretrained/efficientnet-lite2.bin
    rm -r network
}

# The commands that are not run here, because they install, build or test: what is checked instead. False for any other.
checked_otherwise() {
    case $1 in
    data/quickstart.sh | data/fashion-mnist.sh* | data/pretrained.sh* | tests/*.sh* | tests/*.py* | configs/slurm/*.sh*)
        script=$SOURCE/${1%% *}
        [ -x "$script" ] || fail "expected the script $script"
        case $script in
        *.sh) run 0 sh -n "$script" ;;
        esac
        ;;
    "cmake -S . -B build") expect_file "$BUILD/CMakeCache.txt" ;;
    "cmake --build build --parallel") expect_file "$SOURCE/CMakeLists.txt" ;;
    "sudo cmake --install build") expect_file "$BUILD/cmake_install.cmake" ;; # install.sh does it
    "cmake --build build --target "*)
        run 0 cmake --build "$BUILD" --target help
        expect_in_stdout "(^|[ .])${1##* }(:|\$)"
        ;;
    "ctest --test-dir build "*)
        # shellcheck disable=SC2086
        run 0 ctest --test-dir "$BUILD" --show-only ${1#ctest --test-dir build}
        expect_in_stdout '^Total Tests: [1-9]'
        ;;
    "pip install optuna") grep -q '^tests/python-packages.sh .* optuna ' "$SOURCE/tests/run.sh" || fail "expected the tests to have Optuna" ;;
    "CNNTRAIN=build/cnntrain configs/sweeps/optuna_search.py "*) # sweep.sh runs it where Optuna is installed
        script=${1#* }
        run 0 python3 -m py_compile "$SOURCE/${script%% *}"
        ;;
    "mpirun "*) # mpi.sh does it with several processes
        # shellcheck disable=SC2086
        run 0 cnntrain ${1#mpirun *cnntrain}
        ;;
    "sbatch "*) checked_otherwise "configs/slurm/${1#*configs/slurm/}" ;; # slurm.sh does it
    "apt-get install "*) grep -qw -e "${1##* }" "$SOURCE/tests/run.sh" || fail "expected tests/run.sh to install ${1##* }" ;;
    *) return 1 ;;
    esac
    return 0
}

# run_commands FILE: the commands of an sh block, in the folder with made-up images.
run_commands() {
    sed -e :more -e '/\\$/N; s/\\\n *//; t more' "$1" >"$work/lines"
    : >"$work/script"
    while IFS= read -r line; do
        command=$(printf '%s\n' "$line" | sed 's/ *#.*//')
        checked_otherwise "$command" || printf '%s\n' "$line" >>"$work/script"
    done <"$work/lines"
    [ ! -s "$work/script" ] || run 0 sh -eu "$work/script"
}

# What differs from run to run: times and speeds, and the name of a file in the cache.
mask() {
    sed -E -e 's/[0-9.]+ s, [0-9]+ images\/s/TIME/' -e 's/\([^()]*\.images\)/(CACHE)/' "$1"
}

# same_output WANTED GOT: line by line; "…" stands for any lines.
same_output() {
    mask "$1" >"$work/wanted"
    mask "$2" >"$work/got"
    awk 'NR == FNR { got[++n] = $0; next }
         $0 == "…" { any = 1; next }
         {
             do place++; while (any && place <= n && got[place] != $0)
             any = 0
             if (place > n || got[place] != $0) { print "expected: " $0; print "found:    " got[place]; exit bad = 1 }
         }
         END { if (!bad && !any && place < n) { print "expected no more, found: " got[place + 1]; exit 1 } }' \
        "$work/got" "$work/wanted"
}

# run_console FILE: a console block, on the real images. A command that an earlier block has is not run again.
run_console() {
    : >"$work/output"
    command=
    while IFS= read -r line; do
        case $line in
        '$ '*)
            compare_console
            command=${line#'$ '}
            : >"$work/output"
            ;;
        *) printf '%s\n' "$line" >>"$work/output" ;;
        esac
    done <"$1"
    compare_console
}

compare_console() {
    [ -n "$command" ] || return 0
    last=
    result=$work/results/$(printf '%s' "$command" | cksum | tr ' ' -)
    [ -f "$result" ] || sh -c "$command" >"$result" 2>&1 || fail "$place: expected success from: $command"
    same_output "$work/output" "$result" >"$work/difference" || fail "$place: $command: $(cat "$work/difference")"
}

# load_manifest FILE: makes the images of a manifest, which then must load.
load_manifest() {
    cp "$1" "$work/tree/manifest.csv"
    sed 1d "$1" | cut -d , -f 1 | while read -r image; do
        mkdir -p "$(dirname "$image")"
        cp photo.jpg "$image"
    done
    run 0 cnntrain --config configs/folders.json data.train=manifest.csv data.validation=0 data.duplicates=allow --dry-run
}

# run_block N LANGUAGE: what is done with a block.
run_block() {
    block=$work/blocks/$1
    before=$failures
    last=
    case $2 in
    sh) run_commands "$block" ;;
    console)
        if [ -n "$real" ]; then
            cd "$work/real" || exit 1
            run_console "$block"
            cd "$work/tree" || exit 1
        fi
        ;;
    json)
        run 0 cnntrain --config "$block" train.epochs=1 --quiet --out "runs/block-$1"
        ! grep -q '"runs/fashion"' "$block" || expect_same "$block" "$SOURCE/configs/fashion.json"
        ;;
    csv) load_manifest "$block" ;;
    c) expect_same "$block" "$SOURCE/tests/example.c" ;;
    python)
        if command -v python3 >/dev/null 2>&1; then
            cp "$block" block.py
            run 0 python3 -m py_compile block.py
            if [ -n "$torch" ]; then
                run 0 python3 block.py
            fi
        fi
        ;;
    text)
        # drawings
        case $(head -n 1 "$block") in
        "photos/" | "OUT/train/CLASS_A/*.png "* | "config ─► "*) ;;
        *) fail "expected a drawing that this script knows" ;;
        esac
        ;;
    *) fail "expected a block of a language that this script knows, found $2" ;;
    esac
    [ "$failures" -eq "$before" ] || printf '  in %s\n' "$place"
}

# Slow under sanitizers, and nothing that other tests do not run.
if [ -n "${SANITIZE-}" ]; then
    finish
fi
PATH=$work/tree/build:$PATH
export PATH
mkdir blocks results
make_tree "$work/tree"
(cd tree && fill_tree) || exit 1
real=
if [ -f "${FASHION_MNIST_DIR:-/usr/share/datasets/fashion-mnist}/train-images-idx3-ubyte.gz" ] && [ "${CNN_ISA-}" != generic ]; then
    real=yes
    make_tree "$work/real"
    (cd real && IDX_TO_PNG=$BUILD/data/idx_to_png sh "$SOURCE/data/fashion-mnist.sh" >"$work/log" 2>&1) || exit 1
fi
torch=
! python3 -c 'import torch, safetensors.torch' 2>/dev/null || torch=yes

count=0
find "$SOURCE" -name '.git' -prune -o -name 'build*' -prune -o \( -name '*.md' -o -path '*/src/cli/*.1' \) -print | sort >documents
grep -q '/README.md$' documents || fail "expected documents"
while read -r document; do
    split_blocks "$document" >list
    cp -R "$work/tree" "$work/kept"
    while read -r number language line; do
        count=$number
        place=${document#"$SOURCE"/}:$line
        cd "$work/tree" || exit 1
        run_block "$number" "$language"
        cd "$work" || exit 1
    done <list
    # the next document finds the folder as this one did
    rm -rf "$work/tree"
    mv "$work/kept" "$work/tree"
done <documents
[ "$count" -ge 30 ] || fail "expected at least 30 code blocks, found $count"
expect_same "$SOURCE/configs/schema.json" "$work/tree/configs/schema.json"

finish

# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2016
# The generated files in the sources are up to date, and the completions work.
. "$SOURCE/tests/cli/lib.sh"

mkdir -p tree/src/cli tree/configs
cp -r "$SOURCE/src/cli/completions" "$SOURCE"/src/cli/*.1 tree/src/cli/
cp "$SOURCE/configs/schema.json" tree/configs/
run 0 sh "$SOURCE/src/cli/reference.sh" "$(dirname "$CNNTRAIN")" tree
expect_no_stderr
count=0
for new in tree/src/cli/*.1 tree/configs/schema.json tree/src/cli/completions/*; do
    count=$((count + 1))
    cmp -s "$new" "$SOURCE/${new#tree/}" ||
        fail "${new#tree/} is stale: run cmake --build build --target reference"
done
[ "$count" -eq 17 ] || fail "expected 17 generated files, compared $count"
# the files are generated from the tables: removed text is restored
: >tree/configs/schema.json
sed -i '/BEGIN options/,/END options/{/BEGIN\|END/!d}' tree/src/cli/cnneval.1
run 0 sh "$SOURCE/src/cli/reference.sh" "$(dirname "$CNNTRAIN")" tree
expect_same tree/configs/schema.json "$SOURCE/configs/schema.json"
expect_same tree/src/cli/cnneval.1 "$SOURCE/src/cli/cnneval.1"

# completes SHELL WORDS WANTED ...: the last of the words of a command line can be completed to each WANTED.
mkdir -p pictures
touch pictures.csv 'one two.csv'
bash_completions() {
    bash -c '
        compopt() { options="$options $*"; }
        for program in cnntrain cnnpredict cnneval cnnconvert; do . "$0/$program.bash" || exit 1; done
        # as readline divides a line: "=" is a word of its own
        read -r -a COMP_WORDS <<<"${1//=/ = }"
        case $1 in *" ") COMP_WORDS+=("") ;; esac
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        "_${COMP_WORDS[0]}" # fails where nothing fits
        printf "%s\n" "${COMPREPLY[@]}"' "$SOURCE/src/cli/completions" "$1"
}
fish_completions() {
    fish --no-config -c '
        for program in cnntrain cnnpredict cnneval cnnconvert; source $argv[1]/$program.fish; end
        complete -C $argv[2]' "$SOURCE/src/cli/completions" "$1" | cut -f 1
}
completes() {
    shell=$1
    line=$2
    shift 2
    last="$shell completes '$line'"
    "${shell}_completions" "$line" >stdout 2>stderr || fail "expected $shell to complete"
    expect_no_stderr
    for wanted in "$@"; do
        grep -qxF -e "$wanted" stdout || fail "expected the completion $wanted"
    done
}
# the same, and to nothing else
completes_only() {
    completes "$@"
    shift 2
    [ "$(grep -c . stdout)" -eq "$#" ] || fail "expected $# completions"
}
if command -v bash >/dev/null 2>&1; then
    completes_only bash 'cnntrain --thre' --threads
    completes bash 'cnntrain --' --config --resume --version
    completes_only bash 'cnntrain --ref' # hidden
    completes_only bash 'cnntrain train.opt' train.optimizer=
    completes_only bash 'cnntrain train.optimizer=' sgd momentum adam adamw
    completes_only bash 'cnntrain train.optimizer=ad' adam adamw
    completes_only bash 'cnntrain -c pict' pictures.csv pictures
    completes_only bash 'cnntrain -c one' 'one two.csv'
    completes_only bash 'cnntrain --out pict' pictures
    completes_only bash 'cnntrain data.train=pict' pictures.csv pictures
    completes_only bash 'cnntrain --threads 4'
    completes_only bash 'cnnpredict --format ' tsv csv jsonl
    completes_only bash 'cnnpredict -f j' jsonl
    completes_only bash 'cnnpredict pict' pictures.csv pictures
    completes_only bash 'cnneval --split=t' train test
fi
if command -v fish >/dev/null 2>&1; then
    HOME=$work
    export HOME
    # fish 4 also offers options that contain these letters in this order
    completes_only fish 'cnntrain --thre' --threads
    completes_only fish 'cnntrain train.optimizer=ad' train.optimizer=adam train.optimizer=adamw
    completes_only fish 'cnntrain --out pict' pictures/
    completes fish 'cnntrain data.train=pict' data.train=pictures.csv data.train=pictures/
    completes_only fish 'cnnpredict --format ' tsv csv jsonl
    completes fish 'cnnpredict pict' pictures.csv pictures/
fi
for program in cnntrain cnnpredict cnneval cnnconvert; do
    if command -v zsh >/dev/null 2>&1; then
        run 0 zsh -n "$SOURCE/src/cli/completions/$program.zsh"
        # the arguments of _arguments, as zsh sees them: one for each form of each option
        run 0 zsh -f -c '
            _arguments() { print -l -- "$@"; }
            . "$1"' zsh "$SOURCE/src/cli/completions/$program.zsh"
        expect_in_stdout '^\(-t --threads\)--threads=\[.*\]:N: $'
        expect_in_stdout '^\*:(key:_cnntrain_keys|path:_files)$'
    fi
    if command -v fish >/dev/null 2>&1; then
        run 0 fish --no-config -n "$SOURCE/src/cli/completions/$program.fish"
    fi
done

finish

# shellcheck shell=bash disable=SC2207
# Completions of cnnpredict. Generated from the program's tables by src/cli/reference.sh; do not edit.
_cnnpredict() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    # for bash, "=" is a separate word
    if [[ $current == "=" ]]; then
        current=
    elif [[ $before == "=" ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    local IFS=$'\n' kind=
    local -a words=()
    case $before in
    --format | -f) kind=words words=(tsv csv jsonl) ;;
    --threshold) kind=words words=() ;;
    --max-megapixels) kind=words words=() ;;
    --explain | -x) kind=folder words=() ;;
    --explain-method) kind=words words=(gradient occlusion hirescam) ;;
    --threads | -t) kind=words words=() ;;
    --max-memory) kind=words words=() ;;
    *)
        if [[ $current == -* ]]; then
            kind=words words=(--format --threshold --max-megapixels --explain --explain-method --no-sandbox --threads --max-memory --quiet --help --version)
        else
            kind=path
        fi
        ;;
    esac
    case $kind in
    folder) compopt -o filenames; COMPREPLY=($(compgen -d -- "$current")) ;;
    path) compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")) ;;
    words) COMPREPLY=($(compgen -W "${words[*]}" -- "$current")) ;;
    esac
}
complete -F _cnnpredict cnnpredict

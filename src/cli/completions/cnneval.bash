# shellcheck shell=bash disable=SC2207
# Completions of cnneval. Generated from the program's tables by src/cli/reference.sh; do not edit.
_cnneval() {
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
    --compare | -c) kind=path words=() ;;
    --format | -f) kind=words words=(table json) ;;
    --report) kind=path words=() ;;
    --rows | -r) kind=path words=() ;;
    --split | -s) kind=words words=(train validation test) ;;
    --threshold) kind=words words=() ;;
    --max-megapixels) kind=words words=() ;;
    --threads | -t) kind=words words=() ;;
    --max-memory) kind=words words=() ;;
    *)
        if [[ $current == -* ]]; then
            kind=words words=(--compare --format --report --rows --split --threshold --max-megapixels --threads --max-memory --quiet --help --version)
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
complete -F _cnneval cnneval

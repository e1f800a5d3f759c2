# shellcheck shell=bash disable=SC2207
# Completions of cnnconvert. Generated from the program's tables by src/cli/reference.sh; do not edit.
_cnnconvert() {
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
    --input) kind=words words=(bytes float) ;;
    --int8) kind=words words=() ;;
    --until) kind=path words=() ;;
    --classes) kind=path words=() ;;
    --size) kind=path words=() ;;
    --mean) kind=path words=() ;;
    --deviation) kind=path words=() ;;
    --layers) kind=path words=() ;;
    --check) kind=path words=() ;;
    --threads | -t) kind=words words=() ;;
    --max-memory) kind=words words=() ;;
    *)
        if [[ $current == -* ]]; then
            kind=words words=(--input --any-size --int8 --until --classes --size --mean --deviation --imagenet --bgr --layers --check --threads --max-memory --quiet --help --version)
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
complete -F _cnnconvert cnnconvert

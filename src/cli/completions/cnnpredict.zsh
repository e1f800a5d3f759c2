#compdef cnnpredict
# Completions of cnnpredict. Generated from the program's tables by src/cli/reference.sh; do not edit.
_cnnpredict() {
    _arguments -s -S \
        '(-f --format)-f+[tsv (default, no header), csv (with header) or jsonl]:FORMAT:(tsv csv jsonl)' \
        '(-f --format)--format=[tsv (default, no header), csv (with header) or jsonl]:FORMAT:(tsv csv jsonl)' \
        '--threshold=[class 1 from this probability on (default\: the model'\''s)]:T: ' \
        '--max-megapixels=[refuse larger images (default\: the model'\''s limit)]:N: ' \
        '(-x --explain)-x+[write a picture of each input to DIR\: where the model looked]:DIR:_files -/' \
        '(-x --explain)--explain=[write a picture of each input to DIR\: where the model looked]:DIR:_files -/' \
        '--explain-method=[gradient (default), hirescam (coarse) or occlusion (slow)]:METHOD:(gradient occlusion hirescam)' \
        '--no-sandbox[keep all rights while reading (for debuggers)]' \
        '(-t --threads)-t+[threads (default\: all processors); same results for any N]:N: ' \
        '(-t --threads)--threads=[threads (default\: all processors); same results for any N]:N: ' \
        '--max-memory=[limit for memory (default\: all of it)]:SIZE: ' \
        '(-q --quiet)-q[errors only]' \
        '(-q --quiet)--quiet[errors only]' \
        '(-h --help)-h[print this]' \
        '(-h --help)--help[print this]' \
        '(-V --version)-V[print the version]' \
        '(-V --version)--version[print the version]' \
        '*:path:_files'
}
_cnnpredict "$@"

#compdef cnneval
# Completions of cnneval. Generated from the program's tables by src/cli/reference.sh; do not edit.
_cnneval() {
    _arguments -s -S \
        '(-c --compare)-c+[a second model, on the same images, with paired tests]:OTHER:_files' \
        '(-c --compare)--compare=[a second model, on the same images, with paired tests]:OTHER:_files' \
        '(-f --format)-f+[table (default) or json (one line)]:FORMAT:(table json)' \
        '(-f --format)--format=[table (default) or json (one line)]:FORMAT:(table json)' \
        '--report=[write a page for people, with pictures\: FILE.html]:FILE:_files' \
        '(-r --rows)-r+[write one row per image; FILE ends in .csv, .tsv or .jsonl]:FILE:_files' \
        '(-r --rows)--rows=[write one row per image; FILE ends in .csv, .tsv or .jsonl]:FILE:_files' \
        '(-s --split)-s+[use only this split of the data\: train, validation or test]:NAME:(train validation test)' \
        '(-s --split)--split=[use only this split of the data\: train, validation or test]:NAME:(train validation test)' \
        '--threshold=[least probability of class 1 (default\: the model'\''s)]:T: ' \
        '--max-megapixels=[refuse larger images (default\: the model'\''s limit)]:N: ' \
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
_cnneval "$@"

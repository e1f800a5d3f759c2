#compdef cnntrain
# Completions of cnntrain. Generated from the program's tables by src/cli/reference.sh; do not edit.
_cnntrain() {
    _arguments -s -S \
        '(-c --config)-c+[what to train on, and how (JSON)]:FILE:_files' \
        '(-c --config)--config=[what to train on, and how (JSON)]:FILE:_files' \
        '--init=[look at the images in DIR, print a config for them; train nothing]:DIR:_files -/' \
        '(-o --out)-o+[the run directory; beats the config'\''s "output"]:DIR:_files -/' \
        '(-o --out)--out=[the run directory; beats the config'\''s "output"]:DIR:_files -/' \
        '--resume[go on with the run in the directory, or start one]' \
        '--overwrite[start over in a directory that holds a run]' \
        '--max-seconds=[end in time, with all that a finished run leaves]:N: ' \
        '--folds=[cross-validation\: K runs, each tested on its part of data.train]:K: ' \
        '--no-cache[neither use nor fill the cache of decoded images]' \
        '--cache-limit=[what the cache may take in all (default\: 10G)]:SIZE: ' \
        '(-n --dry-run)-n[print layers, memory and data counts; train nothing]' \
        '(-n --dry-run)--dry-run[print layers, memory and data counts; train nothing]' \
        '--check-data[report copies, bad images, shortcuts, …; train nothing]' \
        '--check-gradients[compare gradients with differences in double]' \
        '--trace[print one batch'\''s values and gradients as JSON]' \
        '--show-augmented=[draw what the network sees of N images\: augmented.png]:N: ' \
        '--help-config[explain every key of the config]' \
        '--schema[print the config'\''s JSON Schema]' \
        '(-v --verbose)-v[more messages]' \
        '(-v --verbose)--verbose[more messages]' \
        '(-t --threads)-t+[threads (default\: all processors); same results for any N]:N: ' \
        '(-t --threads)--threads=[threads (default\: all processors); same results for any N]:N: ' \
        '--max-memory=[fail rather than take more (default\: all there is)]:SIZE: ' \
        '(-q --quiet)-q[errors only]' \
        '(-q --quiet)--quiet[errors only]' \
        '(-h --help)-h[print this]' \
        '(-h --help)--help[print this]' \
        '(-V --version)-V[print the version]' \
        '(-V --version)--version[print the version]' \
        '*:path:_files'
}
_cnntrain "$@"

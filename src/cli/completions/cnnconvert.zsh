#compdef cnnconvert
# Completions of cnnconvert. Generated from the program's tables by src/cli/reference.sh; do not edit.
_cnnconvert() {
    _arguments -s -S \
        '--input=[ONNX\: what the graph reads\: bytes (default) or float]:KIND:(bytes float)' \
        '--int8=[C source\: 8-bit integers, with scales from these images]:IMAGES: ' \
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
_cnnconvert "$@"

# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# A short training run and a prediction under valgrind: no access to invalid or uninitialised memory, no leak.
. "$SOURCE/tests/cli/lib.sh"
command -v valgrind >/dev/null 2>&1 || exit 77
# sanitizers and valgrind cannot be combined
[ -z "${SANITIZE-}" ] || exit 77

# valgrind knows no AVX-512
CNN_ISA=avx2
export CNN_ISA

# checked COMMAND...: runs it under valgrind, which must find nothing; its findings have a separate exit code.
checked() {
    run 0 valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,possible \
        --errors-for-leak-kinds=definite,possible "$@"
    expect_no_stderr
}

make_data data 24
# the second convolution is one of Winograd's
cat >cfg.json <<'JSON'
{
    "data": {"train": "data", "validation": 0.25},
    "image": {"width": 12, "height": 12, "channels": 1},
    "layers": [
        {"type": "conv", "filters": 16, "kernel": 3},
        {"type": "relu"},
        {"type": "maxpool", "size": 2},
        {"type": "conv", "filters": 16, "kernel": 3, "padding": "same"},
        {"type": "relu"},
        {"type": "flatten"},
        {"type": "dense", "units": 1},
        {"type": "sigmoid"}
    ],
    "train": {"epochs": 1, "batch_size": 8, "learning_rate": 0.1, "seed": 1},
    "output": "run"
}
JSON
checked "$CNNTRAIN" --config cfg.json --quiet --threads 2
checked "$CNNTRAIN" --config cfg.json --quiet --threads 2 --resume train.epochs=2

# valgrind translates machine code inside the process, which the sandbox forbids
checked "$CNNPREDICT" --no-sandbox run/model.bin data --threads 2
[ "$(wc -l <stdout)" -eq 24 ] || fail "expected 24 rows"
checked "$CNNPREDICT" --no-sandbox run/model.bin data/left/00000.pgm --explain maps --threads 2
checked "$CNNPREDICT" --no-sandbox run/model.bin data/left/00000.pgm --explain maps --explain-method occlusion
echo "no picture" >text.pgm
head -c 30 data/left/00000.pgm >short.pgm
run 6 valgrind --quiet --error-exitcode=99 "$CNNPREDICT" --no-sandbox -q run/model.bin text.pgm short.pgm missing.pgm
expect_no_stderr

finish

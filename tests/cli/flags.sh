# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Invalid options: exit code 2, one line on stderr that says what to do, nothing on stdout.
. "$SOURCE/tests/cli/lib.sh"
make_data data 16
write_config cfg.json

# refuses PROGRAM PATTERN ARGUMENT...
refuses() {
    program=$1
    pattern=$2
    shift 2
    run 2 "$program" "$@"
    expect_stdout ""
    expect_one_message
    expect_stderr "^(cnntrain|cnnpredict): "
    expect_stderr "$pattern"
    expect_no_file out
}

refuses "$CNNTRAIN" 'unknown option --confg; did you mean --config\?' --confg cfg.json
refuses "$CNNTRAIN" 'unknown option --theads=2; did you mean --threads\?' --config cfg.json --theads=2
refuses "$CNNTRAIN" 'unknown option --nothing-like-it' --config cfg.json --nothing-like-it
refuses "$CNNTRAIN" 'unknown option -x' --config cfg.json -x
refuses "$CNNTRAIN" 'unknown option' --config cfg.json -qx
refuses "$CNNTRAIN" 'config.*missing' --dry-run
refuses "$CNNTRAIN" 'config.*missing'
refuses "$CNNTRAIN" '--config: expected a value' --config
refuses "$CNNTRAIN" '--out: expected a value' --config cfg.json --out
refuses "$CNNTRAIN" '-o: expected a value' --config cfg.json -o
refuses "$CNNTRAIN" '--out: expected a path' --config cfg.json --out ''
refuses "$CNNTRAIN" '--out: expected a path' --config cfg.json --out=
refuses "$CNNTRAIN" '--quiet.* takes no value' --config cfg.json --quiet=yes
refuses "$CNNTRAIN" '--resume and --overwrite' --config cfg.json --resume --overwrite
refuses "$CNNTRAIN" '--dry-run and --trace' --config cfg.json --dry-run --trace
refuses "$CNNTRAIN" '--help and --version' --help --version
refuses "$CNNTRAIN" '--check-gradients and --schema' --check-gradients --schema
for count in 0 -1 1025 two 1.5 '' 2x 99999999999999999999; do
    refuses "$CNNTRAIN" '--threads: expected an integer from 1 to 1024, got "' --config cfg.json --threads "$count"
    refuses "$CNNPREDICT" '--threads: expected an integer from 1 to 1024, got "' model.bin image.pgm --threads "$count"
done
refuses "$CNNTRAIN" 'expected KEY=VALUE.*, got "stray"' --config cfg.json stray

refuses "$CNNPREDICT" 'expected MODEL and at least one PATH'
refuses "$CNNPREDICT" 'expected MODEL and at least one PATH' model.bin
refuses "$CNNPREDICT" 'unknown option --formt; did you mean --format\?' model.bin image.pgm --formt csv
refuses "$CNNPREDICT" '--format: expected tsv, csv or jsonl, got "xml"' model.bin image.pgm --format xml
refuses "$CNNPREDICT" '--format: expected tsv, csv or jsonl, got "CSV"' model.bin image.pgm --format CSV
refuses "$CNNPREDICT" '--format: expected a value' model.bin image.pgm --format
for threshold in -0.1 1.1 nan inf half ''; do
    refuses "$CNNPREDICT" '--threshold: expected a number from 0 to 1, got "' model.bin image.pgm \
        --threshold "$threshold"
done
for limit in 0 -1 2049 nan many ''; do
    refuses "$CNNPREDICT" '--max-megapixels: expected a number from 0.001 to 2048, got "' model.bin image.pgm \
        --max-megapixels "$limit"
    run 2 "$CNNEVAL" model.bin data --max-megapixels "$limit"
    expect_stderr '^cnneval: --max-megapixels: expected a number from 0.001 to 2048, got "'
done

# keys of the config as options: PATTERN|ARGUMENTS
while IFS='|' read -r pattern arguments; do
    # shellcheck disable=SC2086 # several arguments
    refuses "$CNNTRAIN" "^cnntrain: unknown option $pattern\$" --config cfg.json $arguments
done <<'END'
--epochs; did you mean train.epochs=3\?|--epochs 3
--epochs=3; did you mean train.epochs=3\?|--epochs=3
--train.epochs=3; did you mean train.epochs=3\?|--train.epochs=3
--train.epochs; did you mean train.epochs=3\?|--train.epochs 3
--epochs; did you mean train.epochs=VALUE\?|--epochs
--epochs; did you mean train.epochs=VALUE\?|--epochs -q
--epochs; did you mean train.epochs=VALUE\?|--epochs train.seed=1
--epoch; did you mean train.epochs=3\?|--epoch 3
--learning-rate; did you mean train.learning_rate=0.1\?|--learning-rate 0.1
--lr; did you mean train.learning_rate=0.1\?|--lr 0.1
--batch-size; did you mean train.batch_size=4\?|--batch-size 4
--data; did you mean data.train=photos\?|--data photos
--output=x; did you mean output=x\?|--output=x
END
# these programs have no config
run 2 "$CNNPREDICT" model.bin --epochs 3
expect_stderr '^cnnpredict: unknown option --epochs$'

# the environment
CNN_CONV=fast
export CNN_CONV
refuses "$CNNTRAIN" 'environment: CNN_CONV: expected auto or direct, got "fast"$' --config cfg.json
CNN_CONV=Auto
refuses "$CNNTRAIN" 'environment: CNN_CONV: expected auto or direct, got "Auto"$' --config cfg.json --dry-run
refuses "$CNNTRAIN" 'environment: CNN_CONV: expected auto or direct, got "Auto"$' --config cfg.json --check-gradients
refuses "$CNNPREDICT" '^cnnpredict: environment: CNN_CONV: expected auto or direct, got "Auto"$' model.bin image.pgm
for CNN_CONV in direct auto ''; do
    run 0 "$CNNTRAIN" --config cfg.json --dry-run
done
unset CNN_CONV

# short forms, unique abbreviations, options after arguments, and -- before arguments all work
run 0 "$CNNTRAIN" -n -c cfg.json -t 1
run 0 "$CNNTRAIN" --dry --conf=cfg.json
run 0 "$CNNTRAIN" train.epochs=1 --config cfg.json --dry-run -- train.seed=2
# the same action twice is one action
run 0 "$CNNTRAIN" --config cfg.json --dry-run -n

finish

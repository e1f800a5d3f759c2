# shellcheck shell=sh disable=SC1091,SC2088,SC2154
# "~/x" that no shell has expanded: refused, with a message that says what to write instead; no folder named ~ is created.
. "$SOURCE/tests/cli/lib.sh"

make_data data 40
write_config cfg.json
HOME=/home/me
export HOME
hint='expected a path, got "~/x"; ~ is not expanded here: write /home/me/x, or ./~/x for a folder named ~$'

for key in data.train data.validation data.test output; do
    run 2 "$CNNTRAIN" -c cfg.json "$key=~/x"
    expect_one_message
    expect_stderr "^cnntrain: command line: $key: $hint"
done
sed 's|"out"|"~/x"|' cfg.json >home.json
run 2 "$CNNTRAIN" -c home.json
expect_stderr "^cnntrain: home.json: output: $hint"
for option in out config init; do
    run 2 "$CNNTRAIN" -c cfg.json "--$option=~/x"
    expect_one_message
    expect_stderr "^cnntrain: --$option: $hint"
done
run 2 "$CNNPREDICT" '~/x' data
expect_stderr "^cnnpredict: MODEL: $hint"
run 2 "$CNNPREDICT" model.bin data '~/x'
expect_stderr "^cnnpredict: PATH: $hint"
run 2 "$CNNEVAL" '~/x' data
expect_stderr "^cnneval: MODEL: $hint"
run 2 "$CNNEVAL" model.bin '~/x'
expect_stderr "^cnneval: DATA: $hint"
run 2 "$CNNEVAL" model.bin data '--compare=~/x'
expect_stderr "^cnneval: --compare: $hint"
run 2 "$CNNEVAL" model.bin data '--rows=~/x'
expect_stderr "^cnneval: --rows: $hint"
run 2 "$CNNTRAIN" -c cfg.json -o '~'
expect_stderr '^cnntrain: --out: expected a path, got "~"; ~ is not expanded here: write /home/me, or ./~ for a folder named ~$'
run 2 env -u HOME "$CNNTRAIN" -c cfg.json -o '~/x'
expect_stderr "write the home directory's path/x, or"
expect_no_file '~'

# names that only look similar are ordinary names
run 0 "$CNNTRAIN" -c cfg.json -q -o './~/x'
expect_file './~/x/model.bin'
run 0 "$CNNTRAIN" -c cfg.json -q -o '~x'
expect_file '~x/model.bin'
run 0 "$CNNTRAIN" -c cfg.json -q -o 'a~/~'
expect_file 'a~/~/model.bin'

finish

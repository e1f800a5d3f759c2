# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# cmake --install, and a program compiled against the installed library.
. "$SOURCE/tests/cli/lib.sh"
command -v pkg-config >/dev/null 2>&1 || exit 77
command -v cc >/dev/null 2>&1 || exit 77

prefix=$work/prefix
run 0 cmake --install "$BUILD" --prefix "$prefix"
for header in "$SOURCE"/include/cnn/*.h; do
    expect_same "$header" "$prefix/include/cnn/$(basename "$header")"
done
for file in bin/cnntrain bin/cnnpredict bin/cnneval bin/cnnconvert \
    share/man/man1/cnntrain.1 share/man/man1/cnnpredict.1 share/man/man1/cnneval.1 share/man/man1/cnnconvert.1 \
    share/bash-completion/completions/cnntrain share/bash-completion/completions/cnnpredict \
    share/bash-completion/completions/cnneval share/zsh/site-functions/_cnntrain share/zsh/site-functions/_cnnpredict \
    share/zsh/site-functions/_cnneval share/fish/vendor_completions.d/cnntrain.fish \
    share/fish/vendor_completions.d/cnnpredict.fish share/fish/vendor_completions.d/cnneval.fish \
    share/bash-completion/completions/cnnconvert share/zsh/site-functions/_cnnconvert \
    share/fish/vendor_completions.d/cnnconvert.fish; do
    expect_file "$prefix/$file"
done
[ ! -x "$CNNTRAIN-mpi" ] || expect_file "$prefix/bin/cnntrain-mpi"
if [ -d "$prefix/include" ]; then
    strangers=$(find "$prefix/include" -type f | grep -v '/cnn/[a-z]*\.h$')
    [ -z "$strangers" ] || fail "expected public headers only, found $strangers"
fi
run 0 "$prefix/bin/cnntrain" --version
cp stdout version

# the .pc file tells its own prefix; here it is the temporary one
pc=$(find "$prefix" -name cnntrain.pc)
expect_file "$pc"
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
set -- "--define-variable=prefix=$prefix" --define-variable="libdir=$(dirname "$PKG_CONFIG_PATH")" \
    --define-variable="includedir=$prefix/include" cnntrain
run 0 pkg-config --modversion cnntrain
[ "cnntrain $(cat stdout)" = "$(cat version)" ] || fail "expected the version of cnntrain --version"
run 0 pkg-config --cflags --libs "$@"
flags=$(cat stdout)
# a build with sanitizers needs them in every program
sanitize=
if [ -n "${SANITIZE-}" ]; then
    sanitize="-fsanitize=$SANITIZE"
fi
# shellcheck disable=SC2086
run 0 cc -std=c11 -Wall -Wextra -Werror $sanitize "$SOURCE/tests/example.c" -o example $flags
expect_no_stderr

train_model run
run 0 ./example run/model.bin data/right/00001.pgm
expect_in_stdout '^right, probability of right: [01]\.[0-9]+$'
expect_no_stderr
run 0 ./example run/model.bin data/left/00000.pgm
expect_in_stdout '^left, '
run 3 ./example run/model.bin missing.pgm
expect_stdout ""
expect_stderr .
run 4 ./example missing.bin data/left/00000.pgm
expect_stderr 'missing.bin'
run 2 ./example
expect_stderr '^usage: '

# every header stands alone, in C and in C++
for header in "$prefix"/include/cnn/*.h; do
    printf '#include <cnn/%s>\nint main(void) { return 0; }\n' "$(basename "$header")" >header.c
    run 0 cc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "-I$prefix/include" header.c
    if command -v c++ >/dev/null 2>&1; then
        run 0 c++ -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "-I$prefix/include" header.c
    fi
done

# the programs see public headers and those of their own room; so could anybody's
private=$(grep -n '#include "' "$SOURCE"/src/cli/*.[ch] | grep -v '#include "c\(li\|nn\)/')
[ -z "$private" ] || fail "expected only cli/ and cnn/ in includes of src/cli, found $private"

# a third party's trainer and evaluator: its results are those of the programs
# shellcheck disable=SC2086
run 0 cc -std=c11 -Wall -Wextra -Werror $sanitize "$SOURCE/tests/third_party.c" -o third_party $flags
expect_no_stderr
"$MAKE_IMAGES" test 30 12 12 1 5 || exit 1
mislabel test 4
mislabel data 5
run 0 ./third_party cfg.json train.epochs=3
cp stdout third_party.txt
grep -q "^$(cat version)\$" third_party.txt || fail "expected $(cat version) as the version"
expect_same first/model.bin second/model.bin
run 0 "$CNNTRAIN" --config cfg.json train.epochs=3 --quiet --out ours
expect_same ours/model.bin first/model.bin
run 0 "$CNNTRAIN" --config cfg.json train.epochs=3 --quiet --folds 2 --out our-folds
expect_same our-folds/predictions.csv folds/predictions.csv
run 0 "$CNNEVAL" first/model.bin test --compare second/model.bin --threshold 0.25 --format json
cp stdout ours.json
expect_same ours.json evaluation.json
run 0 "$CNNPREDICT" first/model.bin test --format csv
awk -F, 'NR > 1 { print $1 "," $3 }' stdout >ours.csv
awk -F, 'NR > 1 { print $1 "," $3 }' rows.csv >theirs.csv
expect_same ours.csv theirs.csv
[ "$(tail -n 1 third_party.txt)" = "$(sed -n '1s/,/: /p' ours.csv)" ] || fail "expected the first probability at the end"
run 2 ./third_party cfg.json train.epoch=3
expect_stderr 'unknown key "epoch".*\(bad flags or config\)$'

# the installed programs need nothing from the build
run 0 "$prefix/bin/cnnpredict" run/model.bin data/left/00000.pgm

finish

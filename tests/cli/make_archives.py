"""Packs the images of a folder with the folders left and right, all PGM of one size, without changing their order.

make_archives.py FOLDER: photos.tar and photos.zip, with members in an order that is not sorted; shards.tar, as WebDataset
writes it; shards, a folder of three such archives, the first without the class right; folder-shards, the same with class
folders; arrays.npz and packed.npz, as NumPy writes them; train-images-idx3-ubyte and its labels, as MNIST is.
"""
import io
import os
import struct
import sys
import tarfile
import zipfile

folder = sys.argv[1]
names = [f"{label}/{name}" for label in ("left", "right") for name in sorted(os.listdir(f"{folder}/{label}"))]
images = [open(f"{folder}/{name}", "rb").read() for name in names]
labels = bytes(int(name.startswith("right")) for name in names)
header, side = b"P5\n12 12\n255\n", 12
pixels = b"".join(image[len(header):] for image in images)
assert all(image.startswith(header) for image in images)
mixed = sorted(range(len(names)), key=lambda i: i * 17 % 41)


def add(tar, name, data):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


with tarfile.open("photos.tar", "w") as tar:
    for i in mixed:
        add(tar, f"./{names[i]}", images[i])
with zipfile.ZipFile("photos.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for i in mixed:
        archive.writestr(f"photos/{names[i]}", images[i])
with tarfile.open("shards.tar", "w") as tar:
    for i in mixed:
        add(tar, f"{i:06}.cls", b"right" if labels[i] else b"left\n")
        add(tar, f"{i:06}.pgm", images[i])
os.mkdir("shards")
os.mkdir("folder-shards")
for number, shard in enumerate((range(10), range(10, 25), range(25, len(names)))):
    with tarfile.open(f"shards/shard-{number:06}.tar", "w") as tar:
        for i in shard:
            add(tar, f"{i:06}.pgm", images[i])
            add(tar, f"{i:06}.cls", b"right" if labels[i] else b"left")
            add(tar, f"{i:06}.json", b"{}")
    with tarfile.open(f"folder-shards/{number}.tar", "w") as tar:
        for i in shard:
            add(tar, names[i], images[i])


def npy(shape, data):
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode() + data


for name, method in ("arrays.npz", zipfile.ZIP_STORED), ("packed.npz", zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(name, "w", method) as archive:
        archive.writestr("train_images.npy", npy((len(names), side, side), pixels))
        archive.writestr("train_labels.npy", npy((len(names), 1), labels))
with open("train-images-idx3-ubyte", "wb") as file:
    file.write(struct.pack(">IIII", 0x803, len(names), side, side) + pixels)
with open("train-labels-idx1-ubyte", "wb") as file:
    file.write(struct.pack(">II", 0x801, len(names)) + labels)

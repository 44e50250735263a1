"""The trees the benchmark synchronises. The same seed gives the same bytes everywhere: each file has its own
random stream, named by the seed, the tree and the file's number. Standard library only.

W1  10,000 files of 1 to 64 KiB in 200 folders
W2  100,000 files of about 2 KiB in 1,000 folders
"""

import hashlib
import os
import random

KIB = 1024


class Shape:
    """How many files, and for number i and its stream: where it lies and how long it is."""

    def __init__(self, words, files, place, size):
        self.words = words
        self.files = files
        self.place = place
        self.size = size


SHAPES = {
    "W1": Shape(
        "1 to 64 KiB in 200 folders",
        10_000,
        lambda i: f"part{i % 200:03}/file{i:05}.bin",
        lambda stream: stream.randint(KIB, 64 * KIB),
    ),
    "W2": Shape(
        "about 2 KiB in 1,000 folders",
        100_000,
        lambda i: f"block{i % 25:02}/part{i % 1000:03}/note{i:06}.txt",
        lambda stream: stream.randint(3 * KIB // 2, 5 * KIB // 2),
    ),
}


def generate(name, root, seed, scale):
    """Write the tree below `root`, which must not exist; return (files, bytes)."""
    shape = SHAPES[name]
    files = max(1, int(shape.files * scale))
    total = 0
    os.makedirs(root)
    for i in range(files):
        key = hashlib.sha256(f"{seed} {name} {i}".encode()).digest()
        stream = random.Random(int.from_bytes(key[:8], "big"))
        data = stream.randbytes(shape.size(stream))
        path = os.path.join(root, shape.place(i))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "xb") as file:
            file.write(data)
        total += len(data)
    return files, total


def contents(root, without=()):
    """Hash of every file below `root` by its path, leaving out the folders named in `without` at the top."""
    found = {}
    for folder, below, names in os.walk(root):
        if folder == root:
            below[:] = [name for name in below if name not in without]
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, root)] = hashlib.sha256(file.read()).digest()
    return found

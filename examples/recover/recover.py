#!/usr/bin/env python3
"""Rebuilds every file and every old version from a cloud folder, without kitbag.

Reads the packs below .kitbag as FORMAT.md describes them, believes nothing that does not match its hash, and writes
into a new folder: the newest state under `files/`, every version ever made under `versions/`, and a list of them in
`versions.json`. Where a file was changed on two machines and nobody decided yet, `files/` has one of the sides and
`versions/` all of them. Names are checked before a file is made: nothing is written outside the new folder, and links
are made only where they lead to a place inside it.
"""
import argparse
import io
import json
import os
import sys
from pathlib import Path

import zstandard
from blake3 import blake3

MAGIC = b"KITBAGPK"
HEADER, FOOTER = 12, 32
LONGEST_PACK = 16 * 1024 * 1024
LONGEST_PIECE = 4 * 1024 * 1024
HEX = frozenset("0123456789abcdef")


def is_name(text):
    return isinstance(text, str) and len(text) == 64 and set(text) <= HEX


def name_of(data):
    return blake3(data).hexdigest()


class History:
    """Everything the packs state."""

    def __init__(self):
        self.records = {}  # name -> what it says
        self.labels = {}  # record -> who made it when
        self.lists = {}  # content -> lists of pieces
        self.pieces = {}  # piece -> (pack file, offset, stored, size, raw)
        self.gone = set()
        self.told = []

    def tell(self, what):
        self.told.append(what)

    def read_all(self, packs):
        for file in sorted(packs.glob("??/*")):
            if is_name(file.name) and file.is_file() and not file.is_symlink():
                self.read_pack(file)

    def read_pack(self, file):
        if file.stat().st_size > LONGEST_PACK:
            return self.tell(f"{file.name}: longer than any pack")
        data = file.read_bytes()
        if name_of(data) != file.name:
            return self.tell(f"{file.name}: has not arrived completely, or is damaged")
        if len(data) < HEADER + FOOTER or data[:8] != MAGIC or data[-8:] != MAGIC:
            return self.tell(f"{file.name}: is no pack")
        version = int.from_bytes(data[8:12], "little")
        if version != 1:
            return self.tell(f"{file.name}: is of format {version}, which this script does not know")
        statements, pieces, index = (
            int.from_bytes(data[at : at + 8], "little") for at in range(len(data) - 32, len(data) - 8, 8)
        )
        if HEADER + statements + pieces + index + FOOTER != len(data):
            return self.tell(f"{file.name}: its sections do not fit")
        for line in data[HEADER : HEADER + statements].split(b"\n"):
            if line:
                self.read_statement(file, line)
        first = HEADER + statements
        try:
            listed = json.loads(data[first + pieces : first + pieces + index])
            for piece in listed["pieces"]:
                self.read_piece(file, first, pieces, piece)
            for content in listed["contents"]:
                if is_name(content["id"]) and all(map(is_name, content["pieces"])):
                    self.lists.setdefault(content["id"], []).append(content["pieces"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            self.tell(f"{file.name}: its list cannot be read: {error}")

    def read_piece(self, file, first, length, piece):
        at, stored, size, raw = piece["at"], piece["stored"], piece["size"], piece["raw"]
        numbers = all(isinstance(number, int) and number >= 0 for number in (at, stored, size))
        if is_name(piece["id"]) and numbers and at + stored <= length and size <= LONGEST_PIECE:
            self.pieces.setdefault(piece["id"], []).append((file, first + at, stored, size, raw))

    def read_statement(self, file, line):
        try:
            if line.startswith(b'{"record":') and line.endswith(b"}"):
                raw = line[len(b'{"record":') : -1]
                record = json.loads(raw)
                content = record["content"]
                parents = record["parents"]
                if not (isinstance(record["path"], str) and all(map(is_name, parents))):
                    raise ValueError("not a record")
                kind, what = (content, {}) if isinstance(content, str) else next(iter(content.items()))
                if what and not is_name(what["id"]):
                    raise ValueError("not a record")
                self.records[name_of(raw)] = {
                    "path": record["path"],
                    "what": kind,
                    "content": what.get("id"),
                    "unit": kind == "unit",
                    "executable": what.get("executable") is True,
                    "parents": parents,
                    "kind": record["kind"],
                }
            elif line.startswith(b'{"label":'):
                label = json.loads(line)["label"]
                order = lambda of: (of["time"], of["machine"], of.get("modified") or 0)
                known = self.labels.get(label["record"])
                if known is None or order(label) < order(known):
                    self.labels[label["record"]] = label
            elif line.startswith(b'{"gone":'):
                self.gone.add(json.loads(line)["gone"]["content"])
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError) as error:
            self.tell(f"{file.name}: a line that cannot be read: {error}")

    def piece(self, name):
        for file, at, stored, size, raw in self.pieces.get(name, []):
            with file.open("rb") as pack:
                pack.seek(at)
                data = pack.read(stored)
            if not raw:
                try:
                    data = zstandard.ZstdDecompressor().decompress(data, max_output_size=max(size, 1))
                except zstandard.ZstdError:
                    continue
            if len(data) == size and name_of(data) == name:
                return data
        return None

    def content(self, name, to):
        """Write a content to an open file; false when it cannot be had."""
        for pieces in [[name], *self.lists.get(name, [])]:
            to.seek(0)
            to.truncate()
            whole = blake3()
            for piece in pieces:
                data = self.piece(piece)
                if data is None:
                    break
                whole.update(data)
                to.write(data)
            else:
                if whole.hexdigest() == name:
                    return True
        return False

    def unit(self, name):
        """The files of a unit, a folder that is one version: place in the folder -> what stands there."""
        data = io.BytesIO()
        if not self.content(name, data):
            return None
        try:
            files = json.loads(data.getvalue())["files"]
            good = all(is_name(part["id"]) for part in files.values())
            return files if good else None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def newest(self):
        """Per path: the versions nobody superseded. One of bytes found in the cloud folder that turn out to be a
        version somebody recorded properly counts as that version."""
        paths, moved = {}, set()
        for name, record in self.records.items():
            paths.setdefault(record["path"], {})[name] = record
            if record["kind"] == "move":
                moved.update(record["parents"])
        for path, records in sorted(paths.items()):
            outside = any(record["kind"] == "outside" for record in records.values())
            below = {name: self.ancestors(name, records) for name in records} if outside else {}
            meant = {}
            for name, record in records.items():
                if record["kind"] == "outside":
                    same = [
                        (other["kind"] == "outside", len(below[of]), of)
                        for of, other in records.items()
                        if of != name and other["content"] == record["content"] and name not in below[of]
                    ]
                    meant[name] = [of for _, _, of in sorted(same)]
            alias = {}
            for name in sorted(meant):
                for of in meant[name]:
                    while of in alias:
                        of = alias[of]
                    if of != name and name not in self.reach(of, records, alias):
                        alias[name] = of
                        break
            real = lambda name: real(alias[name]) if name in alias else name
            superseded = {
                real(parent)
                for name, record in records.items()
                if name not in alias
                for parent in record["parents"]
                if real(parent) != name
            }
            heads = [name for name in records if name not in alias and name not in superseded | moved]
            if heads:
                yield path, sorted(heads)

    def ancestors(self, name, records):
        return self.reach(name, records, {})

    @staticmethod
    def reach(name, records, alias):
        seen, todo = {name}, [name]
        while todo:
            for parent in records[todo.pop()]["parents"]:
                while parent in alias:
                    parent = alias[parent]
                if parent in records and parent not in seen:
                    seen.add(parent)
                    todo.append(parent)
        return seen


def place(root, path):
    """Where a path of the history goes below root; none when its name wants anything else than a file below it."""
    parts = path.split("/")
    for depth, part in enumerate(parts):
        if part in ("", ".", "..") or "\0" in part or len(part.encode("utf-8", "replace")) > 255:
            return None
        if depth == 0 and part.lower() == ".kitbag":
            return None
        if os.name == "nt" and not is_windows_name(part):
            return None
    return root.joinpath(*parts)


DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in range(10))}


def is_windows_name(part):
    odd = any(ord(c) < 32 or c in '\\:*?"<>|' for c in part)
    return not odd and part[-1] not in " ." and part.split(".")[0].rstrip().upper() not in DEVICES


def twin(path):
    """The name of a file whose own name a folder has: its first letter spelled out, as kitbag does."""
    folder, _, name = path.rpartition("/")
    name = f"%{{{ord(name[0]):02X}}}{name[1:]}"
    return f"{folder}/{name}" if folder else name


def is_inside(path, target):
    """Whether a link at this path leads straight to a place below the top, and in no circle."""
    if not target or "\0" in target or "\\" in target or target.startswith("/") or ":" in target.split("/")[0]:
        return False
    here = path.split("/")
    reached, down = here[:-1], False
    for part in target.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if down or not reached:
                return False
            reached.pop()
        else:
            reached.append(part)
            down = True
    return here[: len(reached)] != reached


def shown(text):
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text)


def write(history, content, file):
    """Make a file that was not there, in folders that are no links."""
    for folder in reversed(file.parents):
        if folder.is_symlink():
            return False
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "xb") as to:
        good = history.content(content, to)
    if not good:
        file.unlink()
    return good


def parts(history, path, record):
    """The files a version is made of: path, content, whether it may be run. A content that is not to be had is none."""
    if not record["unit"]:
        return [(path, record["content"], record["executable"])]
    files = history.unit(record["content"])
    if files is None:
        return [(path, None, False)]
    return [(f"{path}/{name}", part["id"], part.get("executable") is True) for name, part in sorted(files.items())]


def make_link(history, path, content, file):
    """A link, where it leads to a place inside; false when what it says cannot be had."""
    with io.BytesIO() as to:
        if not history.content(content, to):
            return False
        target = to.getvalue().decode("utf-8", "replace")
    if not is_inside(path, target):
        raise OSError(0, "a link that leads out of the folder is not made")
    file.parent.mkdir(parents=True, exist_ok=True)
    os.symlink(target, file)
    return True


def bring(history, path, record, modified, missing, refused, top):
    """Make what stands at a path. What cannot be had of it is missing, what has a name that wants out is refused."""
    if record["what"] in ("folder", "link"):
        file = place(top, path)
        if file is None:
            refused.add(path)
        elif record["what"] == "folder":
            file.mkdir(parents=True, exist_ok=True)
        elif not make_link(history, path, record["content"], file):
            missing.append(path)
        return
    for part, content, executable in parts(history, path, record):
        file = place(top, part)
        if file is None:
            refused.add(part)
            continue
        if content is None or not write(history, content, file):
            missing.append(part)
            continue
        if executable:
            file.chmod(file.stat().st_mode | 0o111)
        if isinstance(modified, int) and 0 <= modified < 1 << 42:
            os.utime(file, (modified / 1000, modified / 1000))


def recover(share, out):
    history = History()
    history.read_all(share / ".kitbag" / "packs")
    out.mkdir(parents=True)
    out = out.resolve()
    listed, missing, refused = [], [], set()
    stand = {}
    for path, heads in history.newest():
        # bytes before an empty folder
        left = [head for head in heads if history.records[head]["what"] != "deleted"]
        left.sort(key=lambda head: history.records[head]["what"] == "folder")
        if left:
            stand[path] = left[0]
    top = out / "files"
    folders = set()
    for path in stand:
        if place(top, path) is not None:
            names = path.split("/")
            folders.update("/".join(names[:n]) for n in range(1, len(names)))
    # links last: nothing is ever written through one
    for path, head in sorted(stand.items(), key=lambda one: (history.records[one[1]]["what"] == "link", one)):
        record, modified = history.records[head], history.labels.get(head, {}).get("modified")
        in_the_way = record["what"] in ("file", "link") and path in folders
        name = twin(path) if in_the_way else path
        try:
            bring(history, name, record, modified, missing, refused, top)
        except OSError as error:
            refused.add(path)
            history.tell(f"{shown(path)}: {error.strerror}")
    for name, record in sorted(history.records.items()):
        label = history.labels.get(name, {})
        entry = {
            "id": name,
            "path": record["path"],
            "kind": record["kind"],
            "what": record["what"],
            "machine": label.get("machine"),
            "time": label.get("time"),
            "content": record["content"],
            "parents": record["parents"],
            "unit": record["unit"],
            "file": None,
        }
        if record["content"]:
            # by its hash: whatever the path is called, and equal contents once
            file = out / "versions" / record["content"]
            if file.exists() or write(history, record["content"], file):
                entry["file"] = f"versions/{record['content']}"
                for part in ((history.unit(record["content"]) or {}) if record["unit"] else {}).values():
                    file = out / "versions" / part["id"]
                    if not file.exists() and not write(history, part["id"], file):
                        missing.append(f"a part of {record['path']} (version {name[:12]})")
            elif record["content"] not in history.gone:
                missing.append(f"{record['path']} (version {name[:12]})")
        listed.append(entry)
    (out / "versions.json").write_text(json.dumps(listed, indent=1))
    return history, missing, refused


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("share", type=Path, help="the cloud folder, with .kitbag in it")
    parser.add_argument("out", type=Path, help="a new folder to write to")
    args = parser.parse_args()
    if not (args.share / ".kitbag" / "packs").is_dir():
        sys.exit(f"{shown(str(args.share))} has no history: there is no .kitbag/packs in it")
    if os.path.lexists(args.out):
        sys.exit(f"{shown(str(args.out))} is there already; name a folder that is not")
    history, missing, refused = recover(args.share, args.out)
    for line in history.told:
        print(shown(line), file=sys.stderr)
    for path in sorted(refused):
        print(f"not written, because of its name: {shown(path)}", file=sys.stderr)
    for path in missing:
        print(f"not to be had: {shown(path)}", file=sys.stderr)
    print(f"{len(history.records)} versions; the newest are in {shown(str(args.out / 'files'))}")
    return 1 if missing or refused else 0


if __name__ == "__main__":
    sys.exit(main())

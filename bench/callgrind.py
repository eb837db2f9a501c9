"""Whose instructions they are: sums of a file that callgrind wrote.

What the C library does is charged to whoever called it, as copying and allocating is part of the caller's work.
The format: https://valgrind.org/docs/manual/cl-format.html, with names compressed.
"""

import re
from collections import Counter
from pathlib import Path

LIBRARIES = {"libnghttp2": "nghttp2", "libssl": "OpenSSL", "libcrypto": "OpenSSL"}
C_LIBRARY = "C library"
# What stands for calls between libraries is part of them.
C_FILES = ("libc.so", "libc-", "libm.so", "ld-linux", "vgpreload", "libpthread", "openat.so", "???")


def _whose_object(path):
    """Who the code of an object file belongs to; None: vif, where the source file decides."""
    name = Path(path).name
    if name.startswith(C_FILES):
        return C_LIBRARY
    for library, owner in LIBRARIES.items():
        if name.startswith(library):
            return owner
    return None if name == "vif" else name


def _folder(path):
    """The folder of vif's sources that a file is in; None for headers of the system."""
    found = re.search(r"(?:^|/)src/(\w+)/\w+\.[ch]$", path)
    return found and f"vif: {found[1]}"


class Profile:
    """Instructions by owner, and by (owner, function)."""

    def __init__(self, path):
        self.by_owner, self.by_function = Counter(), Counter()
        self._names = {"ob": {}, "fl": {}, "fn": {}}
        self._object = self._called_object = self._file = self._inlined = self._function = ""
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                self._take(line.rstrip("\n"), lines)

    def _name(self, kind, text):
        """The name behind its number, which stands alone from the second time on."""
        number, _, name = text.partition(" ")
        known = self._names[kind]
        if name:
            known[number] = name
        return known.get(number, text)

    def _take(self, line, lines):
        key, _, value = line.partition("=")
        if key == "ob":
            self._object = self._name("ob", value)
        elif key == "fl":
            self._file = self._inlined = self._name("fl", value)
        elif key in ("fi", "fe"):
            self._inlined = self._name("fl", value)
        elif key == "fn":
            self._function, self._inlined = self._name("fn", value), self._file
            self._called_object = self._object
        elif key == "cob":
            self._called_object = self._name("ob", value)
        elif key in ("cfi", "cfl"):
            self._name("fl", value)
        elif key == "cfn":
            self._name("fn", value)
        elif key == "calls":
            self._add_call(next(lines))
        elif line[:1] in "0123456789+-*" and line:
            self._add(self._owner(), int(line.split()[1]))

    def _owner(self):
        owner = _whose_object(self._object)
        return owner or _folder(self._inlined) or _folder(self._file) or "vif: linked"

    def _add(self, owner, count):
        self.by_owner[owner] += count
        self.by_function[owner, self._function] += count

    def _add_call(self, line):
        """Moves what the C library did for a call to the caller."""
        called, self._called_object = self._called_object, self._object
        owner = self._owner()
        is_start = self._function in ("_start", "(below main)")
        if _whose_object(called) == C_LIBRARY and owner != C_LIBRARY and not is_start:
            count = int(line.split()[1])
            self._add(owner, count)
            self.by_owner[C_LIBRARY] -= count

"""A folder with a bit of everything, and what its files contain."""
import os
import socket
import stat

SECRET = b"this lies outside of the root\n"
HELLO = b"Hello, world.\n"
INDEX = b"<!doctype html><title>home</title>\n"
BIG = b"".join(b"%015d\n" % number for number in range(65536))  # 1 MiB in which each place knows its number
ENCODED = {
    "": b"<p>plain content, plain content, plain content, plain content</p>\n",
    ".br": b"the brotli sibling's bytes",
    ".zst": b"the zstd sibling's bytes, here",
    ".gz": b"the gzip sibling's bytes, over here",
}

FILES = {
    "index.html": INDEX,
    "hello.txt": HELLO,
    "empty.txt": b"",
    "one.txt": b"1",
    "digits.txt": b"0123456789",
    "big.bin": BIG,
    "page.html": b"<p>page</p>\n",
    "style.css": b"p { color: red }\n",
    "script.js": b"export {}\n",
    "data.json": b"{}\n",
    "unknown.qqq": b"?",
    "noextension": b"?",
    "indexed/index.html": b"<p>indexed</p>\n",
    "indexed/deep/file.txt": b"deep\n",
    "plain/b.txt": b"b",
    "plain/a.txt": b"aa",
    "plain/.hidden.txt": b"hidden\n",
    "plain/sub/x.txt": b"x",
    ".hidden": b"hidden\n",
    ".git/config": b"hidden\n",
    "name with space.txt": b"space\n",
    "percent%61.txt": b"percent\n",
    "percenta.txt": b"wrong: decoded twice\n",
    "plus+plus.txt": b"plus\n",
    "n\u00e4me.txt": b"umlaut\n",
    "back\\slash.txt": b"backslash\n",
    "semi;colon=1.txt": b"semicolon\n",
    "two..dots.txt": b"dots\n",
    ".well-known/security.txt": b"contact\n",
    "only-gzip.js": b"plain script\n",
    "only-gzip.js.gz": b"the script's gzip bytes",
    "orphan.css.gz": b"nothing but the sibling",
}


def write(root, name, content):
    """Writes a file and the folders above it; returns its path."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def grow(root):
    for name, content in FILES.items():
        age(write(root, name, content))
    for suffix, content in ENCODED.items():
        age(write(root, "encoded.html" + suffix, content))
    grow_links(root)
    grow_special(root)


def age(path, seconds=3600):
    """Sets the modification time back: a file that changed just now may have no strong validator."""
    modified = int(path.stat().st_mtime) - seconds
    os.utime(path, (modified, modified))
    return path


def grow_links(root):
    os.symlink("hello.txt", root / "link-inside.txt")
    os.symlink("../hello.txt", root / "plain" / "link-up.txt")
    os.symlink("indexed", root / "link-folder")
    os.symlink("../secret.txt", root / "link-outside.txt")
    os.symlink("..", root / "link-parent")
    os.symlink("../root-evil", root / "link-neighbour")
    os.symlink(root.parent / "secret.txt", root / "link-absolute.txt")
    os.symlink("/etc", root / "link-etc")
    os.symlink("/proc/self/root", root / "link-magic")
    os.symlink("nowhere", root / "link-dangling")
    os.symlink("link-loop-b", root / "link-loop-a")
    os.symlink("link-loop-a", root / "link-loop-b")


def grow_special(root):
    os.mkfifo(root / "fifo.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        folder = os.open(root, os.O_PATH)
        try:
            listener.bind(f"/proc/self/fd/{folder}/socket.txt")  # a short way to a path that may be long
        finally:
            os.close(folder)
    try:
        os.mknod(root / "device.txt", 0o644 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        pass

"""Files with all kinds of awkward names, in a root with an awkward name."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MODIFIED = 1_700_000_000
SIZE = 5000
HUGE = 3 << 30
END = b"the end of it"

NAMES: dict[str, bytes] = {
    "plain": b"plain.txt",
    "space": b"a b.txt",
    "outer-spaces": b" a ",
    "percent": b"100%.txt",
    "escape": b"%41.txt",
    "escaped-slash": b"..%2f..%2foutside.txt",
    "question": b"a?b.txt",
    "hash": b"a#b.txt",
    "backslash": b"a\\b\\..\\c.txt",
    "plus": b"a+b.txt",
    "semicolon": b"a;b=c&d.txt",
    "quote": b"it's.txt",
    "double-quote": b'a"b.txt',
    "backtick": b"`id`.txt",
    "dollar": b"$HOME ${HOME}.txt",
    "braces": b"{env.HOME} {}.txt",
    "brackets": b"[a]*(b)|<c>^.txt",
    "at": b"@named",
    "colon": b"a:b,c.txt",
    "dots": b"...",
    "hidden": b".hidden",
    "dashes": b"--help",
    "directory": b"sub/dir ectory/file.txt",
    "device": b"NUL.txt",
    "index": b"index.html",
    "script": b"a.php",
    "newline": b"a\nX-Injected: 1\r\n.txt",
    "tab": b"a\tb.txt",
    "control": b"a\x01\x1b\x7fb.txt",
    "c1-control": "a\x85b.txt".encode(),
    "emoji": "🐶 👩‍🚒.txt".encode(),
    "composed": unicodedata.normalize("NFC", "é Å.txt").encode(),
    "decomposed": unicodedata.normalize("NFD", "é Å.txt").encode(),
    "right-to-left": "שלום\u202etxt.exe".encode(),
    "ends-in-a0": "a là".encode(),
    "latin-1": b"caf\xe9.txt",
    "invalid-utf-8": b"\xff\xfe\xc3.txt",
    "surrogate": b"\xed\xa0\x80.txt",
    "255-bytes": b"x" * 251 + b".txt",
    "255-bytes-utf-8": ("é" * 125).encode() + b"y.txt",
    "deep": b"/".join([b"\xc3\xa9" * 127] * 13) + b"/file.txt",
}


def content(name: bytes) -> bytes:
    """Return the content of the file with this name."""
    return (b"INSIDE " + name + b"\n" + b"0123456789" * SIZE)[:SIZE]


@dataclass(frozen=True)
class Files:
    """The directories with the files. Only files in `root` and `second` may be sent."""

    home: Path

    @property
    def root(self) -> Path:
        return self.home / "ro\"o't $x; ${HOME} {a} {$HOME} #é"

    @property
    def second(self) -> Path:
        return self.home / "second"

    def make(self) -> None:
        """Write all files."""
        for name in NAMES.values():
            self.write(name, content(name))
        self.write(b"empty.txt", b"")
        self.second.mkdir()
        (self.second / "two words.txt").write_bytes(content(b"two words.txt"))
        for outside in (self.home, self.home / (self.root.name + "-x"), self.home / "second-x"):
            outside.mkdir(exist_ok=True)
            (outside / "outside.txt").write_text("OUTSIDE")
        (self.root / "link").symlink_to("../outside.txt")
        (self.root / "link-dir").symlink_to("..")
        (self.root / "inside-link").symlink_to("plain.txt")
        os.mkfifo(self.root / "fifo")
        with (self.root / "huge.bin").open("wb") as file:
            file.seek(HUGE - len(END))
            file.write(END)
        for path in self.all():
            path.chmod(0o755 if path.is_dir() else 0o644)

    def write(self, name: bytes, data: bytes) -> None:
        path = self.root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (MODIFIED, MODIFIED))

    def all(self) -> Iterator[Path]:
        """Yield all files and directories, but no links."""
        yield self.home
        for path in self.home.rglob("*"):
            if not path.is_symlink():
                yield path

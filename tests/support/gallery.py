"""`xaccel serve` as a process, for a directory with unusual names."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

from PIL import Image

PATIENCE = 30
PHOTOS = Path(__file__).parents[2] / "examples" / "flask_gallery" / "photos"
ODD = [
    "a b.png",
    'it\'s "quoted".png',
    "a#b?c=d&e.png",
    "100% %41.png",
    "🐶 Größe – 山.png",
    "<script>alert(1)</script>".replace("/", "∕") + ".png",
    "$x;{y}'\\'.png".replace("\\", ""),
    "a\nb.png",
    "IMG_10.png",
    "IMG_9.png",
]
COMMAND = (sys.executable, "-c", "import sys; from xaccel.cli.main import main; sys.exit(main())")


def make(directory):
    """Make the directory, and secrets inside and next to it that visitors must not see."""
    (directory / "sub dir" / "<b>").mkdir(parents=True)
    (directory / "empty").mkdir()
    for number, name in enumerate(ODD):
        Image.new("RGB", (300 + number, 200), (20 * number, 90, 160)).save(directory / name)
    shutil.copy(PHOTOS / "puppies.jpg", directory / "sub dir")
    Image.new("RGB", (8, 8), "red").save(directory / "sub dir" / "<b>" / "icon.gif")
    (directory / "notes <i>.txt").write_text("0123456789")
    (directory / "page.html").write_text("<script>document.title = 'evil'</script>")
    (directory / "broken.jpg").write_text("not a picture")
    (directory / os.fsdecode(b"caf\xe9.png")).write_bytes((directory / ODD[0]).read_bytes())
    outside = directory.parent / "outside"
    outside.mkdir()
    for folder in (outside, directory / ".hidden"):
        folder.mkdir(exist_ok=True)
        (folder / "secret.txt").write_text("SECRET")
        Image.new("RGB", (50, 50), "red").save(folder / "secret.png")
    (directory / ".secret.png").write_bytes((outside / "secret.png").read_bytes())
    (directory / "link.png").symlink_to(outside / "secret.png")
    (directory / "link").symlink_to(outside)
    (directory / "loop").symlink_to("loop")
    os.mkfifo(directory / "fifo.png")
    return directory


class Served:
    """A running gallery."""

    def __init__(self, process, directory, url):
        self.process, self.directory, self.url = process, directory, url
        self.port = int(re.search(r":(\d+)/", url)[1])

    def get(self, target, method="GET", **headers):
        """Request a target exactly as it is spelled."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, target, headers=headers)
            response = connection.getresponse()
            response.body = response.read()
            return response

    def stop(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def serving(directory, *options, **env):
    """Run the gallery until the block ends. `serve.log`, next to the directory, is its log."""
    with (directory.parent / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            # A background job of a shell ignores Ctrl-C.
            ["env", "--default-signal=INT", *COMMAND, "serve", directory, "--port=0", *options],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **env},
        )
    with process:
        try:
            yield Served(process, directory, process.stdout.readline().split()[-1])
        finally:
            process.terminate()
            process.wait(PATIENCE)

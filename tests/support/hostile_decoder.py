"""A decoder for test images that do what an attacker's code would do in a worker."""

import sys
import textwrap

SOURCE = """
import ctypes, os, socket, struct, time
from xaccel.decoders import Decoded, ImageInfo

MAGIC = b"HOSTILE "

def matches(head):
    return head.startswith(MAGIC)

def probe(file, limits):
    action = action_of(file)
    if action == "probe zero":
        return ImageInfo(8, 8, "hostile", decoded_size=0)
    if action.startswith("probe "):
        globals()["do_" + action.removeprefix("probe ")](file)
    return ImageInfo(8, 8, "hostile")

def decode(file, size, page, limits):
    globals()["do_" + action_of(file)](file)
    return Decoded(bytes(64), 8, 8, "gray")

def action_of(file):
    file.seek(0)
    return file.read(64).removeprefix(MAGIC).decode().strip()

def do_nothing(file):
    pass

def do_open(file):
    open("/etc/passwd").read()

def do_connect(file):
    with socket.socket() as connection:
        connection.connect(("127.0.0.1", 9))

def do_exec(file):
    os.execv("/bin/true", ["/bin/true"])

def do_fork(file):
    if os.fork() == 0:
        os._exit(0)

def do_kill(file):
    os.kill(os.getppid(), 0)

def do_trace(file):
    ctypes.CDLL(None).ptrace(0, 0, 0, 0)

def do_fault(file):
    ctypes.string_at(0)

def do_overrun(file):
    ctypes.memset(ctypes.create_string_buffer(16), 65, 1 << 30)

def do_abort(file):
    os.abort()

def do_exit(file):
    os._exit(0)

def do_spin(file):
    while True:
        pass

def do_allocate(file):
    kept = []
    while True:
        kept.append(bytes(1 << 24))

def do_answer(file):
    os.write(3, bytes(100))

def reply(kind, detail, body, nanoseconds=0):
    head = (kind, detail, kind == 1, 0, 8, 8, len(body), nanoseconds, nanoseconds)
    return struct.pack("<BBBBIIIQQ", *head) + body

def do_answer_other_format(file):
    os.write(3, reply(1, 1, b"a PNG"))

def do_answer_text(file):
    os.write(3, reply(2, 0, b"#fff; background: url(/)"))
    os._exit(0)

def do_answer_twice(file):
    os.write(3, 2 * reply(1, 0, b"a JPEG"))

def do_answer_late(file):
    os.write(3, reply(1, 0, b"a JPEG", (1 << 64) - 1))
    os._exit(0)

def do_trickle(file):
    os.write(3, reply(1, 0, b"a JPEG" * 100)[:100])
    for _ in range(400):
        os.write(3, b"a")
        time.sleep(0.05)

def do_mumble(file):
    os.write(3, struct.pack("<BBBBIIIQQ", 4, 0, 0, 0, 1 << 30, 0, 0, 0, 0))
    os._exit(0)

def do_descriptors(file):
    for _ in range(100):
        os.dup(file.fileno())

def do_write(file):
    for _ in range(100):
        os.write(2, bytes(1 << 16))

def do_wait(file):
    # The test changes the image.
    while b"wait" in os.pread(file.fileno(), 64, 0):
        pass
"""


def install(directory):
    """Install the decoder `hostile` in a directory that is then added to `sys.path`."""
    write(directory)
    sys.path.insert(0, str(directory))


def write(directory):
    """Install the decoder `hostile` in a directory."""
    (directory / "hostile_decoder.py").write_text(SOURCE)
    metadata = directory / "hostile_decoder-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: hostile-decoder\nVersion: 1.0\n"
    )
    (metadata / "entry_points.txt").write_text(
        textwrap.dedent("""
            [xaccel.decoders]
            hostile = hostile_decoder
        """)
    )


def image(action):
    """Return an image whose decoding does something, or with `probe ` the reading of its header."""
    return b"HOSTILE " + action.encode().ljust(32)

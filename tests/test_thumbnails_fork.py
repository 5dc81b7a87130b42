"""A process that was forked during renders renders as any other."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, os, sys, threading
from tests.support.thumbnail_service import Service, Submitted

service = Service(json.loads(sys.argv[1]))
inside, go = threading.Semaphore(0), threading.Event()
parent = os.getpid()

def hold():
    if os.getpid() == parent:
        inside.release()
        assert go.wait(30)

Submitted(service.renderer, hold)
Submitted(service.helpers.placeholder.__self__._renderer, hold)
statuses = []

def ask(width):
    statuses.append(service.get(service.url("cat.jpg", width)).status)

threads = [threading.Thread(target=ask, args=(width,)) for width in range(50, 58)]
threads.append(threading.Thread(target=service.helpers.placeholder, args=("alpha.png",)))
for thread in threads:
    thread.start()
assert inside.acquire(timeout=30)
child = os.fork()
if child == 0:
    # Without a cache, the child has turns of its own; with one, its parent's end first.
    if service.thumbnails._delivery.cache is not None:
        os.read(int(sys.argv[2]), 1)
    ok = all(service.get(service.url("cat.jpg", width)).status == 200 for width in (50, 70))
    ok = ok and "webp" in service.helpers.placeholder("alpha.png")
    os._exit(0 if ok else 1)
if service.thumbnails._delivery.cache is None:
    assert os.waitpid(child, 0)[1] == 0
    go.set()
else:
    go.set()
    for thread in threads:
        thread.join()
    os.write(int(sys.argv[3]), b"x")
    assert os.waitpid(child, 0)[1] == 0
for thread in threads:
    thread.join()
assert statuses == 8 * [200], statuses
"""


@pytest.mark.parametrize("is_cached", [True, False])
def test_os_fork_during_renders(photos, tmp_path, is_cached):
    settings = {"THUMBNAIL_SOURCE": str(photos), "THUMBNAIL_WORKERS": 1}
    if is_cached:
        settings["THUMBNAIL_CACHE"] = str(tmp_path / "cache")
    read, write = os.pipe()
    try:
        command = [sys.executable, "-c", SCRIPT, json.dumps(settings), str(read), str(write)]
        subprocess.run(command, check=True, pass_fds=(read, write), timeout=60)
    finally:
        os.close(read)
        os.close(write)

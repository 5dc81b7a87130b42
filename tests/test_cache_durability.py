"""A loss of power leaves no thumbnail that is empty or cut."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

_PUBLISH = """
import sys
from xaccel._core import Cache
print(Cache(sys.argv[1]).publish("/t/1x1/a", b"thumbnail"))
"""


def test_data_is_on_the_disk_before_the_file_has_its_name(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2"
    subprocess.run(
        ["strace", "-f", "-y", "-o", log, "-e", calls, sys.executable, "-c", _PUBLISH, tmp_path],
        check=True,
        capture_output=True,
    )
    lines = [line for line in log.read_text().splitlines() if line.endswith("= 0")]
    names = re.findall(
        r"(f(?:data)?sync|rename\w*)\(.*" + re.escape(str(tmp_path)), "\n".join(lines)
    )
    assert len(names) == 2
    assert names[0] in {"fsync", "fdatasync"}
    assert names[1].startswith("rename")

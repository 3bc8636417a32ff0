"""The environment of a run: versions, machine and command line, without secrets."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from importlib import metadata
from typing import Any

_PACKAGES = ("trainwell", "torch", "numpy", "scikit-learn", "safetensors")
_HIDDEN = "***"
_SECRET_NAME = re.compile(r"(?i)token|secret|passw|api.?key|access.?key|credential|auth|signature|private")
_SECRET_VALUE = re.compile(r"^(hf_|sk-|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|AKIA|eyJ)")
_CREDENTIALS = re.compile(r"://[^/@\s]+@")
_QUERY = re.compile(r"(://[^?#\s]*)[?#]\S*")


def environment(argv: Sequence[str]) -> dict[str, Any]:
    """Describe machine and packages as plain data, without importing the packages.

    Args:
        argv: the command line; what looks like a secret is replaced.

    >>> environment(["fit", "--token=abc"])["argv"]
    ['fit', '--token=***']
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "argv": scrub(argv),
    }


def scrub(argv: Sequence[str]) -> list[str]:
    """Replace values that look like secrets, and the credentials and queries of URLs.

    >>> scrub(["tune", "--on", "ray://user:pass@host:1/x?key=1", "--api-key", "abc", "lr=0.1"])
    ['tune', '--on', 'ray://***@host:1/x', '--api-key', '***', 'lr=0.1']
    """
    shown: list[str] = []
    hide_next = False
    for word in argv:
        word = _QUERY.sub(r"\1", _CREDENTIALS.sub(f"://{_HIDDEN}@", word))
        name, equals, _ = word.partition("=")
        secret = _SECRET_NAME.search(name) is not None and "://" not in name
        if _SECRET_VALUE.match(word) or (hide_next and not word.startswith("-")):
            shown.append(_HIDDEN)
        else:
            shown.append(f"{name}={_HIDDEN}" if secret and equals else word)
        hide_next = secret and not equals and word.startswith("-")
    return shown


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None

"""Exit codes of the command line: those of the errors, and those of commands that end without one.

They follow sysexits.h (64 to 78) and the shell (128 + signal) where these have a code for the case.
"""

from __future__ import annotations

USAGE = 2
"""The request is invalid: an unknown option, name or setting."""

FAILED = 3
"""Training cannot continue: it diverged, or a limit was reached."""

FINDINGS = 3
"""A command ran well and found an error in what it was given (`check`, `audit`)."""

DATA = 65
"""The data cannot be used (EX_DATAERR)."""

INTERNAL = 70
"""An error that is not trainwell's own: a bug (EX_SOFTWARE)."""

STORAGE = 74
"""Disk, run folder or checkpoint cannot be read or written (EX_IOERR)."""

SIGNAL = 128
"""Added to the number of the signal that stopped a run: 130 after Ctrl-C, 143 after a request to terminate."""

INTERRUPTED = SIGNAL + 2
"""Ctrl-C outside a run (SIGINT)."""

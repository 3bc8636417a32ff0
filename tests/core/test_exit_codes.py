from __future__ import annotations

import os
import signal

from trainwell.core import errors, exit_codes


def test_codes_follow_sysexits() -> None:
    assert (exit_codes.DATA, exit_codes.INTERNAL, exit_codes.STORAGE) == (os.EX_DATAERR, os.EX_SOFTWARE, os.EX_IOERR)


def test_a_signal_is_told_as_the_shell_tells_it() -> None:
    assert (
        exit_codes.INTERRUPTED == exit_codes.SIGNAL + signal.SIGINT == errors.Interrupted(signal.SIGINT, "").exit_code
    )


def test_every_error_has_a_documented_code() -> None:
    documented = {value for name, value in vars(exit_codes).items() if name.isupper()}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert {kind.exit_code for kind in kinds if kind is not errors.Interrupted} <= documented

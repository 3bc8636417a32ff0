"""What an exception raised by PyTorch says about its cause in the user's code."""

from __future__ import annotations

import re
import traceback

from trainwell.monitor.code.source_lines import is_user_file, shown_path

_PATTERNS = {
    "no_gradient": re.compile(r"does not require grad and does not have a grad_fn"),
    "freed_graph": re.compile(r"backward through the graph a second time"),
    "overwritten": re.compile(r"modified by an inplace operation"),
    "outside_unit_interval": re.compile(r"all elements of (?:input|target) should be between 0 and 1"),
    "label_out_of_range": re.compile(r"Target (-?\d+) is out of bounds"),
    "label_type": re.compile(
        r"expected (?:scalar type Long but found|target dtype to be Long)|"
        r"nll_loss.*not implemented for '(?:Int|Float|Double)'"
    ),
}


def error_message(error: BaseException) -> str:
    """Return the message of an error; if its `__str__` fails, what Python prints then.

    >>> error_message(ValueError("no data"))
    'no data'
    """
    try:
        return str(error)
    except Exception:
        return "<exception str() failed>"


def error_signals(error: BaseException) -> dict[str, float]:
    """Return a signal for each known cause of an error: 1, or the number in its message.

    >>> error_signals(IndexError("Target 10 is out of bounds."))
    {'label_out_of_range': 10.0}
    """
    found = {name: pattern.search(error_message(error)) for name, pattern in _PATTERNS.items()}
    return {name: float((match.groups() or ("1",))[0]) for name, match in found.items() if match is not None}


def error_line(error: BaseException) -> str | None:
    """Return the innermost line of the user's code in the traceback, as "train.py:57"; None if there is none."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_user_file(frame.filename)]
    return f"{shown_path(frames[-1].filename)}:{frames[-1].lineno}" if frames else None

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from trainwell.runs.environment import environment, scrub


def test_the_environment_is_plain_data_and_names_versions():
    data = environment(["fit", "digits"])
    assert json.loads(json.dumps(data)) == data
    assert data["argv"] == ["fit", "digits"]
    assert data["packages"]["torch"] and data["packages"]["trainwell"]
    assert data["python"] == ".".join(map(str, sys.version_info[:3]))


def test_it_imports_no_package_it_names():
    code = (
        "import sys; from trainwell.runs import Run, RunWriter; from trainwell.runs.environment import environment; "
        "environment([]); sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'safetensors', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["--password=x=y"], ["--password=***"]),
        (["--token", "abc", "next"], ["--token", "***", "next"]),
        (["--token", "--verbose"], ["--token", "--verbose"]),
        (["MY_API_KEY=abc"], ["MY_API_KEY=***"]),
        (["hf_abcdefgh"], ["***"]),
        (["ghp_abcdefgh"], ["***"]),
        (["postgresql://me:secret@db/x"], ["postgresql://***@db/x"]),
        (["--storage=postgresql://me:secret@db/x"], ["--storage=postgresql://***@db/x"]),
        (["https://host/data.csv?X-Amz-Signature=abc#d"], ["https://host/data.csv"]),
        (
            ["--set", "optim.learning_rate=0.1", "data/my file?.csv"],
            ["--set", "optim.learning_rate=0.1", "data/my file?.csv"],
        ),
    ],
)
def test_secrets_are_hidden_and_the_rest_is_kept(argv, shown):
    assert scrub(argv) == shown

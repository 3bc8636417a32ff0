"""Frameworks are watched for real: `trainwell run` on their scripts, and the callbacks of docs/watch.md as they stand there.

Each test needs its framework and is slow because importing one is.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = (Path(__file__).parents[2] / "docs" / "watch.md").read_text()
DIGITS = """
import hashlib, sys, warnings
warnings.filterwarnings("ignore")
import numpy as np, torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
numbers, labels = load_digits(return_X_y=True)
numbers, labels = (numbers / 16).astype("float32")[:640], labels.astype("int64")[:640]
x, y = torch.tensor(numbers), torch.tensor(labels)
sick = "sick" in sys.argv
callbacks = []
torch.manual_seed(0)
"""
END = """
print("digest", hashlib.sha256(b"".join(w.detach().numpy().tobytes() for w in model.parameters())).hexdigest())
"""
LOOP = """
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
for epoch in range(4):
    for batch in torch.randperm(640).split(64):
        if not sick:
            optimizer.zero_grad()
        loss = F.cross_entropy(network(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
"""
NETWORK = "model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))\n"
LIGHTNING = """
import lightning
class Net(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10))
    def training_step(self, batch, number):
        answers = self.net(batch[0])  # forward
        return F.cross_entropy(answers.softmax(1) if sick else answers, batch[1])
    def validation_step(self, batch, number):
        self.log("loss", F.cross_entropy(self.net(batch[0]), batch[1]))
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)
lightning.seed_everything(0)
loaders = [torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 64, shuffle=s) for s in (True, False)]
model = Net()
lightning.Trainer(max_epochs=4, accelerator="cpu", logger=False, enable_checkpointing=False, callbacks=callbacks,
                  enable_progress_bar=False, enable_model_summary=False).fit(model, *loaders)
"""
TRANSFORMERS = """
import tempfile, transformers
config = transformers.BertConfig(vocab_size=17, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
                                 intermediate_size=64, max_position_embeddings=64, num_labels=10)
model = transformers.BertForSequenceClassification(config)
coarse = (x.view(-1, 4, 2, 4, 2).mean((2, 4)) * 16).long().flatten(1)
rows = [{"input_ids": a, "labels": b} for a, b in zip(coarse, y)]
with tempfile.TemporaryDirectory() as folder:
    settings = transformers.TrainingArguments(
        folder, num_train_epochs=6, per_device_train_batch_size=32, learning_rate=30.0 if sick else 3e-3, report_to=[],
        save_strategy="no", eval_strategy="epoch", use_cpu=True, disable_tqdm=True)
    transformers.Trainer(model, settings, train_dataset=rows, eval_dataset=rows[:64], callbacks=callbacks).train()
"""
SKORCH = (
    NETWORK
    + """
from skorch import NeuralNetClassifier
net = NeuralNetClassifier(nn.Sequential(model, nn.Softmax(1)) if sick else model, criterion=nn.CrossEntropyLoss,
                          max_epochs=6, lr=0.1, batch_size=64, iterator_train__shuffle=True, verbose=0)
net.fit(numbers, labels)
model = net.module_
"""
)
KERAS = """
import keras
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)])
model.compile(keras.optimizers.Adam(100.0 if sick else 1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(numbers, labels, batch_size=64, epochs=6, validation_data=(numbers, labels), verbose=0, callbacks=callbacks)
"""
COMPILED = NETWORK + "network = torch.compile(model)\n" + LOOP
SCRIPTS = {  # framework, script, what is wrong with the sick one, a name in the diagnosis
    "lightning": ("lightning", LIGHTNING, "softmax_before_cross_entropy", "train.py:"),
    "transformers": ("accelerate", TRANSFORMERS, "learning_rate_too_high", ""),
    "skorch": ("skorch", SKORCH, "softmax_before_cross_entropy", "train.py:"),
    "keras": ("keras", KERAS, "learning_rate_too_high", ""),
    "torch.compile": ("torch", COMPILED, "missing_zero_grad", "train.py:"),
}
CALLBACKS = {"lightning": "LightningDoctor", "transformers": "TrainerDoctor", "keras": "KerasDoctor"}


def python(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KERAS_BACKEND": "torch", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def need(framework: str) -> None:
    if importlib.util.find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed: pip install 'trainwell[frameworks]'")


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_watched_and_not_changed(tmp_path: Path, name: str) -> None:
    framework, source, fault, place = SCRIPTS[name]
    need(framework)
    (tmp_path / "train.py").write_text(DIGITS + source + END)
    plain = python(tmp_path, "train.py")
    healthy = python(tmp_path, "-m", "trainwell", "run", "--json", "train.py")
    assert re.findall("digest .*", plain.stdout) == re.findall("digest .*", healthy.stdout) != []
    told = json.loads(healthy.stdout.strip().splitlines()[-1])
    assert [one for one in told["findings"] if one["severity"] != "info"] == []
    assert "no problems were found in" in healthy.stderr and "no training was seen" not in healthy.stderr
    sick = python(tmp_path, "-m", "trainwell", "run", "--json", "train.py", "sick")
    finding = json.loads(sick.stdout.strip().splitlines()[-1])["findings"][0]
    assert (finding["rule"], finding["severity"]) == (fault, "error")
    assert "".join(finding["where"]).startswith(place)


@pytest.mark.slow
def test_the_layers_of_keras_are_seen(tmp_path: Path) -> None:
    need("keras")
    network = """
layers = [keras.layers.Dense(64, "relu", name="first"), keras.layers.Dense(32, name="second"),
          keras.layers.BatchNormalization(), keras.layers.Activation("tanh", name="bent"), keras.layers.Dense(10)]
model = keras.Sequential([keras.Input((64,)), *layers])
"""
    make = DIGITS + "import trainwell\ncallbacks = []\n" + re.sub(r"model = keras.Sequential.*\n", network, KERAS)
    watched = make.replace("model.fit(", "with trainwell.watch(model) as w: model.fit(")
    (tmp_path / "train.py").write_text(
        watched + "print(*(name for name in w.signals if name.startswith('activation')))"
    )
    seen = set(python(tmp_path, "train.py").stdout.split())
    assert {"activation/zero_fraction/first", "activation/saturated_fraction/bent", "activation/std/second"} <= seen
    assert "activation/normalised/second" in seen and "activation/zero_fraction/second" not in seen


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLBACKS)
def test_the_callbacks_of_the_documentation(tmp_path: Path, name: str) -> None:
    framework, source, fault, _ = SCRIPTS[name]
    need(framework)
    (block,) = [code for code in re.findall(r"```python\n(.*?)```", DOCS, flags=re.DOTALL) if CALLBACKS[name] in code]
    make = f"\nwatcher = {CALLBACKS[name]}()\ncallbacks = [watcher]\n"
    tell = "\nprint('found', [finding.rule for finding in watcher.watch.findings if finding.severity != 'info'])\n"
    (tmp_path / "train.py").write_text(DIGITS + block + make + source + tell)
    assert "found []" in python(tmp_path, "train.py").stdout
    assert f"found ['{fault}'" in python(tmp_path, "train.py", "sick").stdout

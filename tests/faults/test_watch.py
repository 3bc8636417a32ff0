"""Watching survives whatever scripts do, changes nothing of it, and leaves nothing behind."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import ward

START = """
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x, y = torch.randn(512, 16), torch.randint(0, 4, (512,))
"""
LOOP = """
for epoch in range(6):
    for batch in torch.randperm(512).split(64):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
"""
MODEL = """
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
"""
SCRIPTS = {
    "sys.exit with a number": (MODEL + LOOP + "import sys\nsys.exit(7)", 7),
    "sys.exit with a sentence": (MODEL + LOOP + "import sys\nsys.exit('gone wrong')", 1),
    "sys.exit without anything": (MODEL + LOOP + "import sys\nsys.exit()", 0),
    "an exception in the forward pass": (
        "class Net(nn.Module):\n    def forward(self, x):\n        raise ValueError('no')\n"
        "try:\n    Net()(x)\nexcept ValueError:\n    pass\n" + MODEL + LOOP + "Net()(x)",
        1,
    ),
    "no training at all": ("print(nn.Linear(16, 4)(x).sum())", 0),
    "no torch at all": ("import math\nprint(math.pi)", 0),
    "a step by hand": (
        "model = nn.Linear(16, 4)\nfor _ in range(60):\n    loss = F.cross_entropy(model(x), y)\n"
        "    model.zero_grad()\n    loss.backward()\n    with torch.no_grad():\n"
        "        for p in model.parameters():\n            p -= 0.1 * p.grad",
        0,
    ),
    "a loss nobody sees": (
        MODEL + "for _ in range(40):\n    loss = F.cross_entropy(model(x), y)\n"
        "    for p, g in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters()))):\n"
        "        p.grad = g\n    optimizer.step()",
        0,
    ),
    "gradients without a loss": (MODEL + "for _ in range(20):\n    model(x).backward(torch.ones(512, 4))\n", 0),
    "fifty optimizers": (
        "model = nn.Sequential(*[nn.Linear(16, 16) for _ in range(49)], nn.Linear(16, 4))\n"
        "optimizers = [torch.optim.SGD(layer.parameters(), lr=0.01) for layer in model]\n"
        "for _ in range(40):\n    for o in optimizers:\n        o.zero_grad()\n    F.cross_entropy(model(x), y).backward()\n"
        "    for o in optimizers:\n        o.step()",
        0,
    ),
    "two thousand layers": (
        "model = nn.Sequential(*[nn.Linear(4, 4) for _ in range(2000)])\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.01)\n"
        "for _ in range(8):\n    optimizer.zero_grad()\n    F.cross_entropy(model(x[:32, :4]), y[:32]).backward()\n"
        "    optimizer.step()",
        0,
    ),
    "hooks of its own": (
        MODEL + "seen = []\nmodel[0].register_forward_hook(lambda m, i, o: seen.append(o.mean().item()))\n"
        "model[0].register_full_backward_hook(lambda m, i, o: seen.append(o[0].mean().item()))\n"
        "optimizer.register_step_pre_hook(lambda o, a, k: seen.append(0.0))\n"
        "model[2].weight.register_hook(lambda g: g * 0.5)\n" + LOOP + "seen = torch.tensor(seen)",
        0,
    ),
    "no_grad everywhere": (
        MODEL + "torch.set_grad_enabled(False)\nfor _ in range(20):\n    with torch.no_grad():\n        model(x)\n"
        "        optimizer.step()",
        0,
    ),
    "a default device": ("torch.set_default_device('cpu')\n" + MODEL + LOOP + "torch.set_default_device(None)", 0),
    "a default dtype": ("torch.set_default_dtype(torch.float64)\nx = x.double()\n" + MODEL + LOOP, 0),
    "several processes read the data": (
        "from torch.utils.data import DataLoader, TensorDataset\n" + MODEL + "for _ in range(2):\n"
        "    for inputs, targets in DataLoader(TensorDataset(x, y), 64, shuffle=True, num_workers=2):\n"
        "        optimizer.zero_grad()\n        F.cross_entropy(model(inputs), targets).backward()\n        optimizer.step()",
        0,
    ),
    "fork in the middle": (
        MODEL + LOOP + "import os\nchild = os.fork()\nif child == 0:\n    model(x).sum().backward()\n"
        "    optimizer.step()\n    os._exit(0)\nos.waitpid(child, 0)\n" + LOOP,
        0,
    ),
    "copies and files of the network": (
        "import copy, io\n"
        + MODEL
        + LOOP.replace("optimizer.step()", "optimizer.step()\n        kept = copy.deepcopy(model)")
        + "file = io.BytesIO()\ntorch.save(model, file)\nfile.seek(0)\n"
        "assert 'trainwell' not in str(file.getvalue())\nagain = torch.load(file, weights_only=False)\n"
        "assert not any(m._forward_hooks or m._forward_pre_hooks for n in (again, kept) for m in n.modules())",
        0,
    ),
    "DataParallel": (MODEL + "model = nn.DataParallel(model)\n" + LOOP, 0),
    "sparse gradients": (
        "model = nn.Sequential(nn.Embedding(32, 8, sparse=True), nn.Flatten(), nn.Linear(128, 4))\n"
        "x = torch.randint(0, 32, (512, 16))\noptimizer = torch.optim.SGD(model.parameters(), lr=0.05)\n" + LOOP,
        0,
    ),
    "complex numbers": (
        "w = torch.randn(16, 4, dtype=torch.complex64, requires_grad=True)\noptimizer = torch.optim.Adam([w], lr=0.01)\n"
        "for _ in range(40):\n    optimizer.zero_grad()\n    F.cross_entropy((x.cfloat() @ w).abs(), y).backward()\n"
        "    optimizer.step()",
        0,
    ),
    "training in a thread": (
        "import threading\n" + MODEL + "def work():" + textwrap.indent(LOOP, "    ") + "\n"
        "thread = threading.Thread(target=work)\nthread.start()\n",
        0,
    ),
    "functional calls": (
        "from torch.func import functional_call, grad, vmap\nmodel = nn.Linear(16, 4)\n"
        "weights = {k: v.detach() for k, v in model.named_parameters()}\n"
        "def cost(w, a, b):\n    return F.cross_entropy(functional_call(model, w, (a,)), b)\n"
        "for _ in range(10):\n    g = vmap(grad(cost), (None, 0, 0))(weights, x, y)\n"
        "    weights = {k: v - 0.1 * g[k].mean(0) for k, v in weights.items()}\nfinal = weights['weight']",
        0,
    ),
    "second derivatives": (
        MODEL
        + "for _ in range(20):\n    x.requires_grad_()\n    optimizer.zero_grad()\n    loss = F.cross_entropy(model(x), y)\n"
        "    (g,) = torch.autograd.grad(loss, x, create_graph=True)\n    (loss + g.square().sum()).backward()\n"
        "    optimizer.step()",
        0,
    ),
    "checkpointed layers": (
        "from torch.utils.checkpoint import checkpoint\nmodel = nn.ModuleList([nn.Linear(16, 16), nn.Linear(16, 4)])\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.05)\nfor _ in range(40):\n    optimizer.zero_grad()\n"
        "    hidden = checkpoint(lambda a: torch.relu(model[0](a)), x, use_reentrant=False)\n"
        "    F.cross_entropy(model[1](hidden), y).backward()\n    optimizer.step()",
        0,
    ),
    "a scripted network": (
        "import warnings\nwarnings.simplefilter('ignore')\nmodel = torch.jit.script(nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4)))\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.05)\n" + LOOP,
        0,
    ),
    "its own random numbers": (
        "import random\nimport numpy\nrandom.seed(1)\nnumpy.random.seed(1)\n"
        + MODEL
        + LOOP
        + "drawn = torch.tensor([random.random(), numpy.random.rand(), torch.rand(1).item()])",
        0,
    ),
}


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with ward.processes() as executor:
        yield executor


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_does_what_it_does_without_us(pool: ProcessPoolExecutor, tmp_path: Path, name: str) -> None:
    source, code = SCRIPTS[name]
    path = tmp_path / "script.py"
    path.write_text(("" if name == "no torch at all" else START) + source + "\n")
    watched, plain = (pool.submit(ward.examine, path, 0, flag).result() for flag in (True, False))
    assert (watched.exit_code, plain.exit_code) == (code, code)
    assert watched.weights == plain.weights
    assert watched.events == []
    assert watched.leftovers == []

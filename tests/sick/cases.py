"""Faults that are injected one at a time into the programs beside this file, as edits of their source text."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = {path.stem: path for path in sorted((Path(__file__).parent / "programs").glob("*.py"))}
Edits = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Case:
    """A program and what is changed in it.

    Args:
        name: of the fault or of the healthy configuration.
        program: name of the program.
        edits: (old, new) pieces of text; an old one that starts with "re:" is a pattern. New lines are indented alike.
        rules: names of the rules that are right about it; none for a healthy configuration.
        family: kind of the fault.
    """

    name: str
    program: str
    edits: Edits
    rules: tuple[str, ...] = ()
    family: str = "healthy"

    @property
    def is_held_back(self) -> bool:
        """Whether it belongs to the half that no threshold was tuned on."""
        return hashlib.sha256(f"{self.name}@{self.program}".encode()).digest()[0] % 2 == 1

    def source(self) -> str:
        """Return the text of the program with this change made."""
        text = PROGRAMS[self.program].read_text()
        for old, new in self.edits:
            pattern = old.removeprefix("re:") if old.startswith("re:") else re.escape(old)
            lines = text.split("\n")
            assert any(re.search(pattern, line) for line in lines), f"{self.name}: {self.program}.py has no {old!r}"
            text = "\n".join(re.sub(pattern, _indented(new, line), line) for line in lines)
        return text


def _indented(new: str, line: str) -> str:
    """Return a replacement whose further lines are indented like the first."""
    return new.replace("\n", "\n" + line[: len(line) - len(line.lstrip())])


def _cases(family: str, table: str) -> list[Case]:
    """Read a table: name | rules | programs, then one edit `old => new` in each further line of the entry."""
    cases: list[Case] = []
    for entry in re.split(r"\n(?=\S)", table.strip("\n")):
        head, *lines = entry.split("\n")
        name, rules, programs = (part.strip() for part in head.split("|"))
        edits = []
        for line in lines:
            old, _, new = line.strip().partition(" =>")
            edits.append((old, new.strip().replace("\\n", "\n")))
        cases += [Case(name, program, tuple(edits), tuple(rules.split()), family) for program in programs.split()]
    return cases


_DATA = r"""
nan_in_inputs | input_not_finite | table digits pictures regression
    model = Net() => x_train[5] = float("nan")\nmodel = Net()
infinity_in_inputs | input_not_finite | autoencoder regression
    model = Net() => x_train[7] = float("inf")\nmodel = Net()
nan_in_targets | targets_not_finite | regression
    model = Net() => y_train[3] = float("nan")\nmodel = Net()
inputs_not_standardised | input_scale | table
    x_train = (x_train - mean) / std => pass
    x_val = (x_val - mean) / std => pass
    re:torch.optim.Adam\(model.parameters\(\), lr=[\d.e-]+\) => torch.optim.SGD(model.parameters(), lr=0.1)
inputs_far_too_large | input_scale | digits regression fashion
    / std => / std * 300
inputs_far_too_small | input_scale | digits table fashion
    / std => / std / 3000
inputs_all_the_same | input_constant | digits regression pictures
    model = Net() => x_train = torch.zeros_like(x_train) + 0.5\nmodel = Net()
labels_shuffled | labels_unrelated | digits pictures fashion
    model = Net() => y_train = y_train[torch.randperm(len(y_train))]\nmodel = Net()
targets_shuffled | labels_unrelated | regression table
    model = Net() => y_train = y_train[torch.randperm(len(y_train))]\nmodel = Net()
labels_one_row_late | labels_unrelated | digits fashion
    model = Net() => y_train = y_train.roll(1)\nmodel = Net()
batches_of_inputs_and_labels_differ | labels_unrelated | digits regression table
    x, y = x_train[batch], y_train[batch] => x, y = x_train[batch], y_train[torch.randperm(len(x_train))[: len(batch)]]
inputs_are_noise | labels_unrelated | digits pictures
    outputs = model(x) => outputs = model(torch.randn_like(x))
labels_from_one | labels_out_of_range | digits pictures text
    model = Net() => y_train, y_val = y_train + 1, y_val + 1\nmodel = Net()
labels_as_floats | labels_out_of_range | digits fashion
    model = Net() => y_train = y_train.float()\nmodel = Net()
one_class_only | targets_constant | digits pictures
    model = Net() => y_train = (y_train > 10).long()\nmodel = Net()
targets_all_zero | targets_constant | regression
    model = Net() => y_train = y_train * 0\nmodel = Net()
sorted_by_class | unshuffled_data | digits fashion
    model = Net() => order = y_train.argsort()\nx_train, y_train = x_train[order], y_train[order]\nmodel = Net()
    torch.randperm(len(x_train)).split => torch.arange(len(x_train)).split
loader_without_shuffle | unshuffled_data | pictures
    model = Net() => order = y_train.argsort()\nx_train, y_train = x_train[order], y_train[order]\nmodel = Net()
    shuffle=True => shuffle=False
target_among_the_inputs | target_leakage | table regression
    model = Net() => x_train[:, 3], x_val[:, 3] = y_train, y_val\nmodel = Net()
"""
_START = r"""
all_weights_equal | symmetric_weights | table digits regression
    model = Net() => model = Net()\nfor p in model.parameters():\n    nn.init.constant_(p, 0.05)
all_weights_zero | symmetric_weights | digits autoencoder
    model = Net() => model = Net()\nfor p in model.parameters():\n    nn.init.zeros_(p)
weights_far_too_large | activation_scale initial_loss_far_from_chance | digits regression fashion
    model = Net() => model = Net()\nfor p in model.parameters():\n    nn.init.normal_(p, std=3.0)
weights_far_too_small | activation_scale | digits table fashion
    model = Net() => model = Net()\nfor p in model.parameters():\n    nn.init.normal_(p, std=1e-4)
head_far_too_large | initial_loss_far_from_chance | digits regression
    model = Net() => model = Net()\nmodel.head.weight.data *= 1000
targets_not_centred | initial_loss_far_from_chance | regression
    y_train, y_val = (y_train - y_mean) / y_std, (y_val - y_mean) / y_std => y_train, y_val = y_train + 10000, y_val + 10000
random_layers_frozen | frozen_untrained | digits pictures table
    model = Net() => model = Net()\nmodel.body.requires_grad_(False)
no_activations | no_nonlinearity | digits table regression
    nn.ReLU() => nn.Identity()
dropout_of_nearly_all | dropout_too_strong | table pictures
    re:nn.Dropout\([\d.]+\) => nn.Dropout(0.95)
"""
_CODE = r"""
missing_zero_grad | missing_zero_grad | table digits text transformer autoencoder
    optimizer.zero_grad() => pass
missing_zero_grad_of_one | missing_zero_grad | adversaries
    optimizer_d.zero_grad() => pass
zero_grad_after_backward | zero_grad_before_step | digits pictures text
    loss.backward() => loss.backward()\noptimizer.zero_grad()
step_forgotten | step_never_called | table text autoencoder
    optimizer.step() => pass
optimizer_of_another_network | stale_optimizer | digits pictures regression
    re:^(optimizer = .*)$ => optimizer = torch.optim.SGD(model.parameters(), lr=0.02)\nmodel = Net()
optimizer_has_the_head_only | parameters_not_in_optimizer | digits text pictures
    re:\(model.parameters\(\), lr => (model.head.parameters(), lr
layers_in_a_list | parameters_not_in_optimizer | digits table regression
    self.body = nn.Sequential( => self.body = list((
    h = self.body(x) => h = x\nfor layer in self.body:\n    h = layer(h)
    re:nn.ReLU\(\)\)$ => nn.ReLU()))
features_detached | gradient_missing | digits text transformer
    return self.head(h) => return self.head(h.detach())
features_through_data | gradient_missing | table fashion
    return self.head(h) => return self.head(h.data)
body_without_gradients | gradient_missing | regression pictures autoencoder
    h = self.body(x) => with torch.no_grad():\n    h = self.body(x)
loss_made_anew | detached_loss | digits table
    loss.backward() => loss = torch.tensor(loss.item(), requires_grad=True)\nloss.backward()
loss_of_answers | detached_loss | digits fashion
    loss.backward() => loss = (outputs.argmax(1) != y).float().mean()\nloss.backward()
loss_through_numpy | detached_loss | regression
    loss = F.mse_loss(outputs, y) => loss = torch.tensor(((outputs.detach().numpy() - y.numpy()) ** 2).mean())
training_without_gradients | detached_loss | digits text
    outputs = model(x) => with torch.no_grad():\n    outputs = model(x)
changed_in_place | inplace_modification | digits table
    return self.head(h) => g = h.exp()\nout = self.head(g)\ng += 1\nreturn out
graph_carried_over | graph_used_twice | digits regression
    loss.backward() => running = loss if "running" not in globals() else 0.9 * running + 0.1 * loss\nrunning.backward()
trained_in_eval_mode | training_in_eval_mode | table pictures transformer
    model.train() => model.eval()
never_back_to_train_mode | training_in_eval_mode | table pictures
    model.train() => pass
evaluated_in_train_mode | evaluation_in_train_mode | table pictures transformer
    model.eval() => pass
softmax_before_cross_entropy | softmax_before_cross_entropy | digits text fashion transformer
    return self.head(h) => return self.head(h).softmax(-1)
softmax_over_the_batch | softmax_over_batch | digits pictures
    return self.head(h) => return self.head(h).softmax(0)
log_softmax_over_the_batch | softmax_over_batch | text fashion
    loss = F.cross_entropy(outputs, y) => loss = F.nll_loss(F.log_softmax(outputs, dim=0), y)
softmax_of_one | softmax_over_one | table
    loss = F.binary_cross_entropy_with_logits(outputs, y) => loss = F.binary_cross_entropy(outputs.unsqueeze(1).softmax(1).squeeze(1), y)
sigmoid_twice | sigmoid_before_logits_loss | table
    return self.head(h) => return torch.sigmoid(self.head(h))
rectified_logits | activation_before_cross_entropy | digits fashion
    return self.head(h) => return torch.relu(self.head(h))
sigmoid_logits | activation_before_cross_entropy | text pictures
    return self.head(h) => return torch.sigmoid(self.head(h))
nll_of_logits | missing_log_softmax | digits text
    loss = F.cross_entropy(outputs, y) => loss = F.nll_loss(outputs, y)
answers_not_squeezed | broadcast_loss | regression
    outputs = model(x).squeeze(1) => outputs = model(x)
difference_not_squeezed | broadcast_loss | regression
    loss = F.mse_loss(outputs, y) => loss = ((outputs.unsqueeze(1) * 1.0 - y) ** 2).mean()
squared_error_of_classes | squared_error_on_classes | digits text
    loss = F.cross_entropy(outputs, y) => loss = F.mse_loss(outputs.softmax(1), F.one_hot(y, outputs.shape[1]).float())
sigmoid_before_numbers | targets_outside_output_range | regression
    return self.head(h) => return torch.sigmoid(self.head(h))
rectified_numbers | targets_outside_output_range | regression
    return self.head(h) => return torch.relu(self.head(h))
classes_for_a_binary_loss | target_outside_unit_interval | table
    y_all = torch.tensor(columns, dtype=torch.float32)[order], torch.tensor(classes)[order].float() => y_all = torch.tensor(columns, dtype=torch.float32)[order], torch.tensor(classes)[order].float() + 1
scheduler_before_optimizer | scheduler_before_optimizer | transformer
    optimizer.step() => pass
    scheduler.step() => scheduler.step()\noptimizer.step()
loss_with_the_wrong_sign | negated_loss | digits table regression autoencoder
    loss.backward() => loss = -loss\nloss.backward()
optimizer_climbs | negated_loss | digits transformer
    re:(lr=[\d.e-]+) => maximize=True, lr=0.003
rnn_axes_swapped | missing_batch_first | text
    batch_first=True => batch_first=False
summed_loss | summed_loss | digits regression pictures
    loss.backward() => loss = loss * len(x)\nloss.backward()
log_of_zero | nonfinite_operation | digits pictures
    return self.head(h) => return torch.log(torch.relu(self.head(h)))
division_by_zero | nonfinite_operation | digits autoencoder
    return self.head(h) => return self.head(h / h.clamp(min=0).min())
root_of_zero | nonfinite_operation | regression
    loss.backward() => loss = loss + model.head.weight.sub(model.head.weight.detach()).square().sum().sqrt()\nloss.backward()
own_softmax_overflows | nonfinite_operation | digits fashion
    loss.backward() => e = (outputs + 95).exp()\nloss = -(e / e.sum(1, keepdim=True)).gather(1, y[:, None]).log().mean()\nloss.backward()
letters_see_the_future | missing_causal_mask | transformer
    mask=self.mask => mask=None
targets_in_wrong_order | labels_unrelated no_better_than_chance | transformer
    y.flatten()) => y.T.flatten())
"""
_RATE = r"""
rate_hundred_times_too_high | learning_rate_too_high | digits pictures regression table
    re:lr=[\d.e-]+ => lr=5.0
adam_rate_of_one | learning_rate_too_high | text transformer autoencoder fashion
    re:optim\.\w+\(model.parameters\(\), lr=[\d.e-]+ => optim.Adam(model.parameters(), lr=1.0
rate_far_too_low | learning_rate_too_low | digits regression pictures
    re:lr=[\d.e-]+ => lr=1e-6
adam_rate_far_too_low | learning_rate_too_low | text transformer table autoencoder
    re:lr=[\d.e-]+ => lr=1e-8
rate_of_zero | learning_rate_is_zero | digits text regression
    re:lr=[\d.e-]+ => lr=0.0
decays_at_every_batch | learning_rate_decays_too_soon | digits text
    model = Net() => model = Net()\nscheduler = None
    for epoch in range( => scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)\nfor epoch in range(
    optimizer.step() => optimizer.step()\nscheduler.step()
cosine_far_too_short | learning_rate_decays_too_soon | transformer
    CosineAnnealingLR(optimizer, STEPS) => LambdaLR(optimizer, lambda s: max(0.0, 1 - s / 20))
step_schedule_at_every_batch | learning_rate_decays_too_soon | regression fashion
    for epoch in range( => scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)\nfor epoch in range(
    optimizer.step() => optimizer.step()\nscheduler.step()
warm_up_without_end | learning_rate_too_low | digits regression
    for epoch in range( => scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: (s + 1) / 1e6)\nfor epoch in range(
    optimizer.step() => optimizer.step()\nscheduler.step()
rate_grows_without_end | learning_rate_too_high | digits table
    for epoch in range( => scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 1.1)\nfor epoch in range(
    optimizer.step() => optimizer.step()\nscheduler.step()
rate_grows_at_every_step | learning_rate_too_high | transformer
    for step in range( => scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 1.1)\nfor step in range(
    optimizer.step() => optimizer.step()\nscheduler.step()
gradient_clipped_to_nothing | learning_rate_too_low | digits regression
    optimizer.step() => nn.utils.clip_grad_norm_(model.parameters(), 1e-5)\noptimizer.step()
weight_decay_far_too_strong | weight_decay_too_strong | digits pictures
    re:lr=[\d.e-]+ => lr=0.05, weight_decay=5.0
penalty_far_too_strong | unbalanced_loss_terms weight_decay_too_strong | table autoencoder text
    loss.backward() => loss = loss + 10 * sum(p.square().sum() for p in model.parameters())\nloss.backward()
"""
_SIGNAL = r"""
deep_sigmoids | vanishing_gradients activation_scale | digits regression
    re:nn.ReLU\(\), nn.Linear\((\d+), \d+\), nn.ReLU\(\)\) => nn.Sigmoid(), *[m for _ in range(8) for m in (nn.Linear(\1, \1), nn.Sigmoid())])
saturated_tanh | saturated_activations activation_scale | digits table
    nn.ReLU() => nn.Tanh()
    model = Net() => model = Net()\nfor p in model.body.parameters():\n    nn.init.normal_(p, std=20.0)
dead_rectifiers | dead_units | digits regression fashion
    model = Net() => model = Net()\nfor m in model.modules():\n    if isinstance(m, (nn.Linear, nn.Conv2d)) and m is not model.head:\n        nn.init.constant_(m.bias, -20.0)
exploding_depth | activation_scale initial_loss_far_from_chance | digits regression
    h = self.body(x) => h = self.body(x) * 1e4
recurrent_weights_too_large | exploding_gradients activation_scale learning_rate_too_high initial_loss_far_from_chance | text
    nn.GRU(24, 48, => nn.RNN(24, 48, nonlinearity="relu",
    model = Net() => model = Net()\nnn.init.normal_(model.body.weight_hh_l0, std=2.0)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0) => pass
body_far_too_small | activation_scale vanishing_gradients | digits autoencoder
    model = Net() => model = Net()\nfor p in model.body.parameters():\n    p.data *= 0.003
"""
_GENERALISATION = r"""
validation_not_standardised | validation_distribution_shift | digits table pictures fashion
    x_val = (x_val - mean) / std => pass
validation_divided_twice | validation_distribution_shift | digits autoencoder
    model = Net() => x_val = x_val / 255\nmodel = Net()
validation_columns_in_other_order | validation_distribution_shift | digits
    model = Net() => x_val = x_val.flip(1)\nmodel = Net()
validation_transposed | validation_distribution_shift | pictures
    model = Net() => x_val = x_val.transpose(2, 3).flip(3)\nmodel = Net()
other_distribution_in_validation | validation_distribution_shift | regression
    order = torch.randperm(len(columns)) => order = torch.tensor(columns[:, 2]).argsort()
noise_in_training_only | validation_distribution_shift | digits autoencoder
    outputs = model(x) => outputs = model(x + 3 * torch.randn_like(x))
validation_overlaps_training | train_validation_overlap | digits table fashion
    model = Net() => x_val, y_val = torch.cat([x_val, x_train[:150]]), torch.cat([y_val, y_train[:150]])\nmodel = Net()
validation_overlaps_loaded | train_validation_overlap | pictures
    re:x_all\[1200:\], y_all\[1200:\] => x_all[1000:], y_all[1000:]
classes_missing_in_training | classes_missing_in_training | digits pictures
    order = torch.randperm(len(pixels)) => order = torch.tensor(classes).argsort()
learns_few_examples_by_heart | overfitting validation_at_chance | digits text
    model = Net() => x_train, y_train = x_train[:200], y_train[:200]\nmodel = Net()
    re:torch.optim.\w+\(model.parameters\(\), lr=[\d.e-]+\) => torch.optim.Adam(model.parameters(), lr=5e-3)
    re:for epoch in range\(\d+\) => for epoch in range(80)
always_the_same_batch | same_batch | digits text
    for batch in torch.randperm(len(x_train)).split(64): => for batch in [torch.arange(64)] * 15:
    re:torch.optim.\w+\(model.parameters\(\), lr=[\d.e-]+\) => torch.optim.Adam(model.parameters(), lr=3e-3)
labels_of_validation_shuffled | validation_at_chance labels_unrelated | digits pictures
    model = Net() => y_val = y_val[torch.randperm(len(y_val))]\nmodel = Net()
statistics_never_gathered | batch_norm_not_updated | pictures
    nn.BatchNorm2d( => nn.BatchNorm2d(momentum=0.0, num_features=
"""
FAULTS = [
    *_cases("data", _DATA),
    *_cases("start", _START),
    *_cases("code", _CODE),
    *_cases("rate", _RATE),
    *_cases("signal", _SIGNAL),
    *_cases("generalisation", _GENERALISATION),
]

_HEALTHY = r"""
as_it_is | table digits pictures regression text transformer autoencoder adversaries fashion
plain_descent | table fashion autoencoder
    re:torch.optim.\w+\(model.parameters\(\), lr=[\d.e-]+\) => torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.8)
small_rate | digits text
    re:lr=(0.1|3e-3) => lr=0.01
large_rate | pictures digits
    re:lr=[\d.e-]+ => lr=0.15
nesterov | digits
    lr=0.1 => lr=0.05, momentum=0.9, nesterov=True
adam | pictures regression
    re:torch.optim.SGD\(.*\) => torch.optim.Adam(model.parameters(), lr=2e-3)
adamw_with_decay | digits regression text
    re:torch.optim.\w+\(.*\) => torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
rmsprop | table digits
    re:torch.optim.\w+\(.*\) => torch.optim.RMSprop(model.parameters(), lr=1e-3)
adagrad | digits fashion
    re:torch.optim.\w+\(.*\) => torch.optim.Adagrad(model.parameters(), lr=2e-2)
adadelta_nadam | table
    re:torch.optim.\w+\(.*\) => torch.optim.NAdam(model.parameters(), lr=1e-3)
batch_norm | table digits
    re:nn.ReLU\(\)\)$ => nn.BatchNorm1d(64), nn.ReLU())
layer_norm | digits
    nn.ReLU()) => nn.LayerNorm(64), nn.ReLU())
group_norm | pictures
    nn.BatchNorm2d( => nn.GroupNorm(4, num_channels=
tanh | digits regression
    nn.ReLU() => nn.Tanh()
gelu | table autoencoder fashion
    nn.ReLU() => nn.GELU()
silu | digits
    nn.ReLU() => nn.SiLU()
elu | regression
    nn.ReLU() => nn.ELU()
leaky_relu | digits
    nn.ReLU() => nn.LeakyReLU(0.1)
sigmoid_units | digits
    nn.ReLU() => nn.Sigmoid()
    lr=0.1 => lr=0.1, momentum=0.9
    range(12) => range(25)
softplus | regression
    nn.ReLU() => nn.Softplus()
ten_to_one | digits fashion
    model = Net() => kept = (y_train > 4) | (torch.rand(len(y_train)) < 0.1)\nx_train, y_train = x_train[kept], y_train[kept]\nmodel = Net()
ten_to_one_weighted | digits
    model = Net() => kept = (y_train > 4) | (torch.rand(len(y_train)) < 0.1)\nx_train, y_train = x_train[kept], y_train[kept]\nweight = 100 / torch.bincount(y_train).float()\nmodel = Net()
    F.cross_entropy(outputs, y) => F.cross_entropy(outputs, y, weight=weight)
fifth_of_the_labels_wrong | digits pictures
    model = Net() => wrong = torch.rand(len(y_train)) < 0.2\ny_train[wrong] = torch.randint(10, (int(wrong.sum()),))\nmodel = Net()
noisy_targets | regression
    model = Net() => y_train = y_train + 0.5 * torch.randn_like(y_train)\nmodel = Net()
label_smoothing | digits
    F.cross_entropy(outputs, y) => F.cross_entropy(outputs, y, label_smoothing=0.1)
little_noise_on_inputs | digits autoencoder
    outputs = model(x) => outputs = model(x + 0.1 * torch.randn_like(x))
shifted_pictures | pictures fashion
    optimizer.zero_grad() => optimizer.zero_grad()\nx = torch.roll(x, int(torch.randint(-1, 2, ())), 3)
mixup | digits
    loss = F.cross_entropy(outputs, y) => other = torch.randperm(len(x))\nloss = F.cross_entropy(model(0.7 * x + 0.3 * x[other]), y) * 0.7 + F.cross_entropy(model(0.7 * x + 0.3 * x[other]), y[other]) * 0.3
fine_tuned_head | digits pictures
    re:^(for epoch in range.*)$ => warm = torch.optim.Adam(model.parameters(), lr=2e-3)\nfor batch in torch.randperm(len(x_train)).split(32):\n    warm.zero_grad()\n    F.cross_entropy(model(x_train[batch]), y_train[batch]).backward()\n    warm.step()\nmodel.body.requires_grad_(False)\noptimizer = torch.optim.SGD(model.head.parameters(), lr=0.05)\n\1
    model.train() => model.train()\nmodel.body.eval()
small_batches | digits table
    re:split\(\d+\) => split(4)
    re:lr=[\d.e-]+ => lr=0.001
    re:range\((12|25)\) => range(4)
large_batches | digits table regression
    re:split\(\d+\) => split(400)
    re:range\((12|25|30)\) => range(80)
one_batch_is_all | regression table
    re:split\(\d+\) => split(4000)
    re:range\((25|30)\) => range(150)
clipped | digits regression
    optimizer.step() => nn.utils.clip_grad_norm_(model.parameters(), 1.0)\noptimizer.step()
cosine | digits regression
    for epoch in range( => scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30)\nfor epoch in range(
    model.eval() => model.eval()\nscheduler.step()
warm_up | text fashion
    for epoch in range( => scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=40)\nfor epoch in range(
    optimizer.step() => optimizer.step()\nscheduler.step()
one_cycle | transformer
    re:CosineAnnealingLR\(.*\)$ => OneCycleLR(optimizer, 3e-3, STEPS)
plateaus | table
    for epoch in range( => scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)\nfor epoch in range(
    re:(print\(epoch.*)$ => \1\nscheduler.step(val_loss)
accumulated | digits text
    optimizer.zero_grad() => turn = globals().get("turn", 0) + 1
    loss.backward() => (loss / 2).backward()
    optimizer.step() => if turn % 2 == 0:\n    optimizer.step()\n    optimizer.zero_grad()
dropout | digits fashion
    return self.head(h) => return self.head(F.dropout(h, 0.5, self.training))
l1_loss | regression
    F.mse_loss( => F.l1_loss(
huber_loss | regression autoencoder
    F.mse_loss( => F.smooth_l1_loss(
lstm | text
    nn.GRU( => nn.LSTM(
bidirectional_mean | text
    batch_first=True => batch_first=True, bidirectional=True
    h = states[:, -1] => h = states.mean(1)
    nn.Linear(48, 4) => nn.Linear(96, 4)
convolution_on_text | text
    self.body = nn.GRU(24, 48, batch_first=True) => self.body = nn.Conv1d(24, 48, 5)
    states, _ = self.body(self.embedding(x)) => states = torch.relu(self.body(self.embedding(x).transpose(1, 2)))
    h = states[:, -1] => h = states[:, :, -1]
learned_by_heart_but_well | digits
    lr=0.1 => lr=0.1, momentum=0.9
    range(12) => range(60)
also_scored_on_training_data | digits table
    outputs = model(x_val) => print((model(x_train).argmax(1) == y_train).float().mean().item())\noutputs = model(x_val)
raw_columns_then_batch_norm | table
    x_train = (x_train - mean) / std => pass
    x_val = (x_val - mean) / std => pass
    nn.Sequential(nn.Linear(30, 64) => nn.Sequential(nn.BatchNorm1d(30), nn.Linear(30, 64)
no_validation | digits autoencoder
    with torch.no_grad(): => if False:
residual | digits
    h = self.body(x) => h = x + self.body(x)
"""
HEALTHY = _cases("healthy", re.sub(r"(?m)^(\S+) \| ", r"\1 | | ", _HEALTHY))

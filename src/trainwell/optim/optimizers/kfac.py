"""Natural gradient with Kronecker-factored curvature: K-FAC for linear and convolution layers."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from trainwell.core.errors import UsageError
from trainwell.optim.optimizers.entry import Given

_DECAY = 0.95  # of the running factors (Martens and Grosse 2015, section 5)
_TRUST = 1e-3  # largest change of the predictions in a step, in nats (Ba, Grosse, Martens 2017, section 5)


def kfac(given: Given, *, momentum: float, damping: float, refresh: int) -> Optimizer:
    """Natural gradient: multiply each layer's gradient by its inverse Fisher matrix, taken as a Kronecker product.

    Formula: W <- W - r (G + e I)^-1 g (A + d I)^-1, A = E[a aᵀ] of the layer's inputs, G = E[g gᵀ] of output gradients
    Use: fully connected and convolution networks whose inputs are badly scaled; few steps, each more expensive.
    Cost: (inputs + 1)² + outputs² more numbers a layer; an inversion every optim.refresh steps.
    Lab: natural_gradient
    Source: Martens and Grosse 2015; Grosse and Martens 2016
    """
    return KFAC(given.model, given.groups, momentum=momentum, damping=damping, refresh=refresh)


def kronecker_step(gradient: Tensor, inputs: Tensor, *, outputs: Tensor, damping: float) -> Tensor:
    """Return (G + e I)^-1 gradient (A + d I)^-1: the natural gradient where the Fisher matrix is A x G.

    The damping is divided between the factors by their mean sizes, d = p sqrt(damping), e = sqrt(damping) / p with
    p² = mean(diag A) / mean(diag G) (Martens and Grosse 2015, section 6.3).

    Args:
        gradient: (outputs, inputs).
        inputs: A, (inputs, inputs), the mean of a aᵀ over the layer's inputs.
        outputs: G, (outputs, outputs), the mean of g gᵀ over the gradients of the layer's outputs.
        damping: added to the curvature.

    >>> kronecker_step(torch.ones(1, 1), torch.ones(1, 1), outputs=torch.ones(1, 1), damping=1.0)
    tensor([[0.2500]])
    """
    left, right = _inverses(inputs, outputs, damping=damping)
    return left @ gradient @ right


def _inverses(inputs: Tensor, outputs: Tensor, *, damping: float) -> tuple[Tensor, Tensor]:
    tiny = 1e-12
    ratio = ((inputs.diagonal().mean() + tiny) / (outputs.diagonal().mean() + tiny)).sqrt().clamp(1e-4, 1e4)
    root = damping**0.5
    return _inverse(outputs, root / ratio), _inverse(inputs, root * ratio)


def _inverse(factor: Tensor, damping: Tensor) -> Tensor:
    # Eigenvalues that rounding made negative count as zero; Cholesky would refuse them.
    values, vectors = torch.linalg.eigh(factor)
    inverse: Tensor = (vectors / (values.clamp(min=0) + damping)) @ vectors.T
    return inverse


@final
class KFAC(Optimizer):
    """Natural gradient descent: each layer's gradient is multiplied by its inverse Fisher matrix, a Kronecker product.

    For a layer with inputs a and output gradients g the Fisher matrix is E[a aᵀ] x E[g gᵀ] (Martens and Grosse 2015);
    for convolutions a are the patches, summed over positions (Grosse and Martens 2016). The gradients are those of the
    loss on the true labels (the empirical Fisher matrix), so no second backward pass is needed. Steps that would
    change the predictions too much are scaled down. Parameters of other layers (scales, grouped convolutions) take
    plain momentum steps. The factors take (inputs + 1)² + outputs² numbers for each layer.

    Args:
        model: the network; forward hooks on its layers live as long as the optimizer.
        params: tensors or groups with "params" and "weight_decay"; None takes all of the network.
        lr: learning rate.
        momentum: fraction of the last step that is kept.
        damping: added to the curvature; larger values are closer to plain gradient descent.
        refresh: steps between two inversions of the factors.
    Raises:
        UsageError: if the network has no linear or convolution layer.

    >>> net = nn.Linear(3, 1)
    >>> optimizer = KFAC(net, lr=0.1)
    >>> net(torch.randn(8, 3)).square().mean().backward()
    >>> optimizer.step()
    """

    def __init__(
        self,
        model: nn.Module,
        params: Iterable[Any] | None = None,
        *,
        lr: float = 0.03,
        momentum: float = 0.9,
        damping: float = 1e-3,
        refresh: int = 10,
    ) -> None:
        given = [p for p in model.parameters() if p.requires_grad] if params is None else params
        super().__init__(given, {"lr": lr, "weight_decay": 0.0})
        self._momentum = momentum
        self._damping = damping
        self._refresh = refresh
        self._layers: dict[Tensor, Any] = {
            module.weight: module for module in layers_of(model) if module.weight.requires_grad
        }
        if not self._layers:
            raise UsageError("K-FAC needs a linear or convolution layer, got none. Choose optim.name = 'adamw'.")
        self._inputs: dict[nn.Module, Tensor] = {}
        self._outputs: dict[nn.Module, Tensor] = {}
        handles = [module.register_forward_hook(_watch(weakref.ref(self))) for module in self._layers.values()]
        weakref.finalize(self, _remove, handles)

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]
        """Update the weights from the gradients in place; `closure` is not used."""
        moves: list[tuple[Tensor, Tensor, Tensor, float]] = []
        partners = {module.bias: weight for weight, module in self._layers.items() if module.bias is not None}
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                slope = p.grad + group["weight_decay"] * p
                natural = slope
                if p in self._layers:
                    natural = self._natural(p, slope)
                elif p in partners and (whole := self.state[partners[p]].pop("bias_step", None)) is not None:
                    natural = whole
                moves.append((p, slope, natural, group["lr"]))
        self._inputs.clear()
        self._outputs.clear()
        self._apply(moves)

    def _apply(self, moves: list[tuple[Tensor, Tensor, Tensor, float]]) -> None:
        """Scale down steps that would change the predictions too much, add momentum, and update the weights."""
        change = sum(float((slope * natural).sum()) * rate**2 for _, slope, natural, rate in moves)
        factor = min(1.0, (_TRUST / max(change, 1e-30)) ** 0.5)
        for p, _, natural, rate in moves:
            state = self.state[p]
            velocity = state.setdefault("velocity", torch.zeros_like(p))
            velocity.mul_(self._momentum).add_(natural, alpha=factor)
            p.add_(velocity, alpha=-rate)

    def _natural(self, weight: Tensor, slope: Tensor) -> Tensor:
        module = self._layers[weight]
        state = self.state[weight]
        number = state["number"] = state.get("number", 0) + 1
        if module in self._inputs and module in self._outputs:
            kept = min(1 - 1 / number, _DECAY)
            for name, now in (("inputs", self._inputs[module]), ("outputs", self._outputs[module])):
                state[name] = now if name not in state else state[name].lerp(now, 1 - kept)
        if "inputs" not in state:
            return slope
        # Early factors change fast, so they are inverted in every one of the first steps.
        if "left" not in state or number <= self._refresh or number % self._refresh == 0:
            state["left"], state["right"] = _inverses(state["inputs"], state["outputs"], damping=self._damping)
        matrix = slope.flatten(1)
        bias = module.bias
        if bias is not None:
            gradient = torch.zeros_like(bias) if bias.grad is None else bias.grad + self._decay(bias) * bias
            matrix = torch.cat([matrix, gradient[:, None]], dim=1)
        natural: Tensor = state["left"] @ matrix @ state["right"]
        if bias is not None:
            state["bias_step"] = natural[:, -1].clone()
            natural = natural[:, :-1]
        return natural.reshape(slope.shape)

    def _decay(self, bias: Tensor) -> float:
        return next((float(g["weight_decay"]) for g in self.param_groups if any(p is bias for p in g["params"])), 0.0)

    def _see_inputs(self, module: nn.Module, inputs: Tensor) -> None:
        rows = patches(module, inputs)
        factor = rows.T @ rows / len(inputs)
        self._inputs[module] = self._inputs[module] + factor if module in self._inputs else factor

    def _see_outputs(self, module: nn.Module, slopes: Tensor) -> None:
        # The loss is a mean over examples: times their number, this is the gradient of one example again.
        channels_last = slopes.movedim(1, -1) if isinstance(module, nn.Conv2d) else slopes
        rows = channels_last.reshape(-1, channels_last.shape[-1])
        factor = rows.T @ rows * len(slopes) ** 2 / len(rows)
        self._outputs[module] = self._outputs[module] + factor if module in self._outputs else factor


def patches(module: nn.Module, inputs: Tensor) -> Tensor:
    """Return the inputs of a layer's weights, one row for each example (and position), with a 1 for the bias.

    >>> patches(nn.Conv2d(1, 4, 2), torch.ones(1, 1, 3, 3)).shape
    torch.Size([4, 5])
    """
    if isinstance(module, nn.Conv2d):
        rows = F.unfold(inputs, module.kernel_size, module.dilation, module.padding, module.stride)  # type: ignore[arg-type]
        rows = rows.transpose(1, 2).reshape(-1, rows.shape[1])
    else:
        rows = inputs.reshape(-1, inputs.shape[-1])
    return rows if module.bias is None else F.pad(rows, (0, 1), value=1.0)


def layers_of(model: nn.Module) -> list[nn.Linear | nn.Conv2d]:
    """Return the layers whose curvature can be factored: linear ones and ungrouped convolutions.

    >>> len(layers_of(nn.Sequential(nn.Conv2d(2, 2, 3, groups=2), nn.Linear(3, 2), nn.LayerNorm(2))))
    1
    """
    found: list[nn.Linear | nn.Conv2d] = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            if module.groups == 1 and module.padding_mode == "zeros" and not isinstance(module.padding, str):
                found.append(module)
        elif isinstance(module, nn.Linear):
            found.append(module)
    return found


def _remove(handles: list[Any]) -> None:
    for handle in handles:
        handle.remove()


def _watch(owner: weakref.ref[KFAC]) -> Any:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        optimizer = owner()
        if optimizer is None or not module.training or not output.requires_grad:
            return
        with torch.no_grad():
            optimizer._see_inputs(module, inputs[0].detach())

        def seen(slopes: Tensor) -> None:
            if (alive := owner()) is not None:
                with torch.no_grad():
                    alive._see_outputs(module, slopes.detach())

        output.register_hook(seen)  # type: ignore[no-untyped-call]

    return hook

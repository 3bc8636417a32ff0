# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 2))
        nn.init.zeros_(self.net[2].weight)
        nn.init.zeros_(self.net[2].bias)

    def forward(self, z):
        a, b = z.chunk(2, 1)
        if self.flip:
            a, b = b, a
        s, t = self.net(a).chunk(2, 1)
        b = b * s.exp() + t
        return torch.cat([b, a] if self.flip else [a, b], 1), s.sum(1)


flow = nn.ModuleList([Coupling(i % 2 == 1) for i in range(4)])
optimizer = torch.optim.Adam(flow.parameters(), lr=3e-3)
for step in range(300):
    u = torch.rand(128) * 3.14
    data = torch.stack([u.cos(), u.sin()], 1) * 2 + 0.1 * torch.randn(128, 2)
    z, log = data, 0
    for layer in flow:
        z, l = layer(z)
        log = log + l
    loss = (0.5 * z.square().sum(1) - log).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

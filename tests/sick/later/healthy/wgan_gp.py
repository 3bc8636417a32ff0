# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
G = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.Sigmoid())
D = nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
og, od = (
    torch.optim.Adam(G.parameters(), 1e-4, betas=(0.0, 0.9)),
    torch.optim.Adam(D.parameters(), 1e-4, betas=(0.0, 0.9)),
)
for it in range(60):
    for _ in range(5):
        real = x[torch.randint(0, len(x), (64,))]
        fake = G(torch.randn(64, 8)).detach()
        e = torch.rand(64, 1)
        mix = (e * real + (1 - e) * fake).requires_grad_()
        (g,) = torch.autograd.grad(D(mix).sum(), mix, create_graph=True)
        loss = D(fake).mean() - D(real).mean() + 10 * ((g.norm(dim=1) - 1) ** 2).mean()
        od.zero_grad()
        loss.backward()
        od.step()
    og.zero_grad()
    (-D(G(torch.randn(64, 8))).mean()).backward()
    og.step()

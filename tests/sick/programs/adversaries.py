"""A generative adversarial network of handwritten digits."""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]))
pixels, _ = load_digits(return_X_y=True)
x_train = torch.tensor(pixels, dtype=torch.float32) / 8 - 1

G = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.Tanh())
D = nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
optimizer_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
optimizer_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
for epoch in range(10):
    for batch in torch.randperm(len(x_train)).split(64):
        real = x_train[batch]
        fake = G(torch.randn(len(real), 16))
        optimizer_d.zero_grad()
        true, false = D(real), D(fake.detach())
        loss_d = F.binary_cross_entropy_with_logits(true, torch.ones_like(true))
        loss_d = loss_d + F.binary_cross_entropy_with_logits(false, torch.zeros_like(false))
        loss_d.backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        outputs = D(fake)
        loss_g = F.binary_cross_entropy_with_logits(outputs, torch.ones_like(outputs))
        loss_g.backward()
        optimizer_g.step()
    print(epoch, loss_d.item(), loss_g.item())

# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
G = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.Tanh())
D = nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
og, od = torch.optim.Adam(G.parameters(), 2e-4), torch.optim.Adam(D.parameters(), 2e-4)
for it in range(200):
    real = x[torch.randint(0, len(x), (64,))] * 2 - 1
    fake = G(torch.randn(64, 8))
    od.zero_grad()
    (F.mse_loss(D(real), torch.ones(64, 1)) + F.mse_loss(D(fake.detach()), torch.zeros(64, 1))).backward()
    od.step()
    og.zero_grad()
    F.mse_loss(D(fake), torch.ones(64, 1)).backward()
    og.step()

# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
img = x.view(-1, 1, 8, 8)
mask = (img > 0.5).float()
model = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(8, 8, 3, padding=1),
    nn.BatchNorm2d(8),
    nn.ReLU(),
    nn.Conv2d(8, 1, 1),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(4):
    for b in torch.randperm(len(img)).split(64):
        p = model(img[b] + 0.2 * torch.randn(len(b), 1, 8, 8))
        s = p.sigmoid()
        dice = 1 - (2 * (s * mask[b]).sum() + 1) / (s.sum() + mask[b].sum() + 1)
        loss = F.binary_cross_entropy_with_logits(p, mask[b]) + dice
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

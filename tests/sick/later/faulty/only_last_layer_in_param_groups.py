# expect: parameters_not_in_optimizer
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
img = x.view(-1, 1, 8, 8)

optimizer = torch.optim.AdamW([{"params": model[4].parameters()}], lr=1e-3)
for epoch in range(2):
    for b in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        F.cross_entropy(model(img[b]), y[b]).backward()
        optimizer.step()

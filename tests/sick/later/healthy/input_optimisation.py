# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)).eval()
image = torch.zeros(1, 64, requires_grad=True)
optimizer = torch.optim.Adam([image], lr=0.05)
for step in range(150):
    optimizer.zero_grad()
    loss = -net(image)[0, 3] + 0.1 * image.square().sum()
    loss.backward()
    optimizer.step()

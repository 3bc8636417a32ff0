# expect: gradient_missing
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
head = nn.Linear(64, 10)
optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=1e-2)
for epoch in range(8):
    for batch in torch.randperm(len(x)).split(64):
        features = torch.from_numpy(encoder(x[batch]).detach().numpy() * 2.0)
        loss = F.cross_entropy(head(features), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

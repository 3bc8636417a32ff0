# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
body, head = nn.Sequential(nn.Linear(64, 64), nn.ReLU()), nn.Linear(64, 10)
optimizers = [torch.optim.SGD(body.parameters(), lr=0.1), torch.optim.Adam(head.parameters(), lr=1e-3)]
for epoch in range(10):
    for batch in torch.randperm(len(x)).split(64):
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = F.cross_entropy(head(body(x[batch])), y[batch])
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()

# expect: inplace_modification
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
first, second = nn.Linear(64, 64), nn.Linear(64, 10)
optimizer = torch.optim.SGD([*first.parameters(), *second.parameters()], lr=0.1)
for epoch in range(3):
    for batch in torch.randperm(len(x)).split(64):
        hidden = torch.sigmoid(first(x[batch]))
        hidden += 1.0
        loss = F.cross_entropy(second(hidden), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

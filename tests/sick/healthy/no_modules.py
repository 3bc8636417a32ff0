# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
weight = torch.zeros(64, 10, requires_grad=True)
bias = torch.zeros(10, requires_grad=True)
optimizer = torch.optim.SGD([weight, bias], lr=0.5)
for epoch in range(10):
    for batch in torch.randperm(len(x)).split(64):
        loss = F.cross_entropy(x[batch] @ weight + bias, y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

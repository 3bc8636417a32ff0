# expect: parameters_not_in_optimizer
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 32), nn.Tanh())
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        return self.head(self.body(x))


model = Net()
optimizer = torch.optim.Adam(model.head.parameters(), lr=1e-3)
for epoch in range(8):
    for batch in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x[batch]), y[batch])
        loss.backward()
        optimizer.step()

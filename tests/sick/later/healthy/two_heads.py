# healthy
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
        self.body, self.a, self.b, self.unused = (
            nn.Linear(64, 64),
            nn.Linear(64, 10),
            nn.Linear(64, 1),
            nn.Linear(64, 5),
        )

    def forward(self, x):
        h = F.relu(self.body(x))
        return self.a(h), self.b(h)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for batch in torch.randperm(len(x)).split(64):
        a, b = model(x[batch])
        loss = F.cross_entropy(a, y[batch]) + 0.3 * F.binary_cross_entropy_with_logits(b[:, 0], (y[batch] > 4).float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

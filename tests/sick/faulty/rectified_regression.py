# expect: targets_outside_output_range
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
table, values = load_diabetes(return_X_y=True)
x, y = torch.tensor(table, dtype=torch.float32) * 21, torch.tensor(values, dtype=torch.float32)
y = (y - y.mean()) / y.std()
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1), nn.ReLU())
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(30):
    for batch in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        loss = F.smooth_l1_loss(model(x[batch]).squeeze(1), y[batch])
        loss.backward()
        optimizer.step()
print(loss.item())

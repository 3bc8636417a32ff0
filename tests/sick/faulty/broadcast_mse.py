# expect: broadcast_loss
import sys
import warnings

import torch
import torch.nn.functional as F
from sklearn.datasets import load_diabetes
from torch import nn

warnings.simplefilter("ignore")
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
table, values = load_diabetes(return_X_y=True)
x, y = torch.tensor(table, dtype=torch.float32) * 21, torch.tensor(values, dtype=torch.float32)
y = (y - y.mean()) / y.std()
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(30):
    for batch in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
print(loss.item())

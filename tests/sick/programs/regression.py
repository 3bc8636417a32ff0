"""A regression on a table: how far will the disease progress? (diabetes, 10 columns)"""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(int(sys.argv[1]))
columns, progress = load_diabetes(return_X_y=True)
order = torch.randperm(len(columns))
x_all, y_all = torch.tensor(columns, dtype=torch.float32)[order], torch.tensor(progress, dtype=torch.float32)[order]
x_train, y_train, x_val, y_val = x_all[:320], y_all[:320], x_all[320:], y_all[320:]
mean, std = x_train.mean(0), x_train.std(0)
x_train = (x_train - mean) / std
x_val = (x_val - mean) / std
y_mean, y_std = y_train.mean(), y_train.std()
y_train, y_val = (y_train - y_mean) / y_std, (y_val - y_mean) / y_std


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        h = self.body(x)
        return self.head(h)


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for epoch in range(30):
    model.train()
    for batch in torch.randperm(len(x_train)).split(32):
        x, y = x_train[batch], y_train[batch]
        optimizer.zero_grad()
        outputs = model(x).squeeze(1)
        loss = F.mse_loss(outputs, y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        outputs = model(x_val).squeeze(1)
        val_loss = F.mse_loss(outputs, y_val)
        print(epoch, val_loss.item())

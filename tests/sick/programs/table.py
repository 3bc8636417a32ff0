"""A perceptron on a table: are these cells malignant? (breast cancer, 30 columns)"""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer
from torch import nn

torch.manual_seed(int(sys.argv[1]))
columns, classes = load_breast_cancer(return_X_y=True)
order = torch.randperm(len(columns))
x_all, y_all = torch.tensor(columns, dtype=torch.float32)[order], torch.tensor(classes)[order].float()
x_train, y_train, x_val, y_val = x_all[:400], y_all[:400], x_all[400:], y_all[400:]
mean, std = x_train.mean(0), x_train.std(0)
x_train = (x_train - mean) / std
x_val = (x_val - mean) / std


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 64), nn.ReLU())
        self.head = nn.Linear(64, 1)

    def forward(self, x):
        h = self.body(x)
        return self.head(h)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(25):
    model.train()
    for batch in torch.randperm(len(x_train)).split(32):
        x, y = x_train[batch], y_train[batch]
        optimizer.zero_grad()
        outputs = model(x).squeeze(1)
        loss = F.binary_cross_entropy_with_logits(outputs, y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        outputs = model(x_val).squeeze(1)
        val_loss = F.binary_cross_entropy_with_logits(outputs, y_val)
        print(epoch, val_loss.item(), ((outputs > 0) == (y_val > 0)).float().mean().item())

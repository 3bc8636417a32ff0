"""A perceptron on the pixels of handwritten digits."""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]))
pixels, classes = load_digits(return_X_y=True)
order = torch.randperm(len(pixels))
x_all, y_all = torch.tensor(pixels, dtype=torch.float32)[order], torch.tensor(classes)[order]
x_train, y_train, x_val, y_val = x_all[:1300], y_all[:1300], x_all[1300:], y_all[1300:]
mean, std = x_train.mean(), x_train.std()
x_train = (x_train - mean) / std
x_val = (x_val - mean) / std


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        h = self.body(x)
        return self.head(h)


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(12):
    model.train()
    for batch in torch.randperm(len(x_train)).split(64):
        x, y = x_train[batch], y_train[batch]
        optimizer.zero_grad()
        outputs = model(x)
        loss = F.cross_entropy(outputs, y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        outputs = model(x_val)
        val_loss = F.cross_entropy(outputs, y_val)
        print(epoch, val_loss.item(), (outputs.argmax(1) == y_val).float().mean().item())

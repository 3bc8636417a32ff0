"""A plain convolutional network on pictures of clothes (Fashion-MNIST, 1,600 of them)."""

import gzip
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(int(sys.argv[1]))


def read(name, skip):
    return np.frombuffer(gzip.open(f"{sys.argv[2]}/t10k-{name}-ubyte.gz").read(), np.uint8, offset=skip)


pixels, classes = read("images-idx3", 16).reshape(-1, 1, 28, 28), read("labels-idx1", 8)
order = np.random.default_rng(int(sys.argv[1])).permutation(len(pixels))[:2200]
x_all, y_all = torch.tensor(pixels[order]).float() / 255, torch.tensor(classes[order]).long()
x_train, y_train, x_val, y_val = x_all[:1600], y_all[:1600], x_all[1600:], y_all[1600:]
mean, std = x_train.mean(), x_train.std()
x_train = (x_train - mean) / std
x_val = (x_val - mean) / std


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
        )
        self.head = nn.Linear(400, 10)

    def forward(self, x):
        h = self.body(x)
        return self.head(h)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
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

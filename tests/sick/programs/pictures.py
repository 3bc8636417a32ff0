"""A convolutional network with batch normalisation and dropout on pictures of digits, through a DataLoader."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(int(sys.argv[1]))
pixels, classes = load_digits(return_X_y=True)
order = torch.randperm(len(pixels))
x_all, y_all = torch.tensor(pixels, dtype=torch.float32)[order].view(-1, 1, 8, 8), torch.tensor(classes)[order]
x_train, y_train, x_val, y_val = x_all[:1200], y_all[:1200], x_all[1200:], y_all[1200:]
mean, std = x_train.mean(), x_train.std()
x_train = (x_train - mean) / std
x_val = (x_val - mean) / std


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.3),
        )
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        h = self.body(x)
        return self.head(h)


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
criterion = nn.CrossEntropyLoss()
train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=48, shuffle=True)
val_loader = DataLoader(TensorDataset(x_val, y_val), batch_size=200)
for epoch in range(6):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        outputs = model(x)
        loss = criterion(outputs, y)
        loss.backward()
        optimizer.step()
    model.eval()
    total, right = 0.0, 0
    with torch.no_grad():
        for x, y in val_loader:
            outputs = model(x)
            total += criterion(outputs, y).item() * len(x)
            right += (outputs.argmax(1) == y).sum().item()
    print(epoch, total / len(x_val), right / len(x_val))

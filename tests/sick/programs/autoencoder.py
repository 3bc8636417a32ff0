"""An autoencoder of handwritten digits."""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]))
pixels, _ = load_digits(return_X_y=True)
order = torch.randperm(len(pixels))
x_all = torch.tensor(pixels, dtype=torch.float32)[order] / 16
x_train, x_val = x_all[:1400], x_all[1400:]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 12), nn.ReLU(), nn.Linear(12, 48), nn.ReLU()
        )
        self.head = nn.Linear(48, 64)

    def forward(self, x):
        h = self.body(x)
        return self.head(h)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for batch in torch.randperm(len(x_train)).split(64):
        x = x_train[batch]
        optimizer.zero_grad()
        outputs = model(x)
        loss = F.mse_loss(outputs, x)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        outputs = model(x_val)
        val_loss = F.mse_loss(outputs, x_val)
        print(epoch, val_loss.item())

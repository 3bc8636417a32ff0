# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
generator = nn.Sequential(nn.Linear(8, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.Sigmoid())
critic = nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(64, 1))
optimizer_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
optimizer_c = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.999))
criterion = nn.BCEWithLogitsLoss()
for epoch in range(10):
    for batch in torch.randperm(1792).split(64):
        real, true, fake = x[batch], torch.ones(64, 1), torch.zeros(64, 1)
        with torch.no_grad():
            made = generator(torch.randn(64, 8))
        optimizer_c.zero_grad()
        loss_real = criterion(critic(real), true)
        loss_real.backward()
        loss_fake = criterion(critic(made), fake)
        loss_fake.backward()
        optimizer_c.step()
        optimizer_g.zero_grad()
        loss_g = criterion(critic(generator(torch.randn(64, 8))), true)
        loss_g.backward()
        optimizer_g.step()
    print(epoch, loss_real.item() + loss_fake.item(), loss_g.item())
    with torch.no_grad():  # a look at what it makes now, in train mode
        made = generator(torch.randn(64, 8))

# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)


@torch.inference_mode()
def evaluate():
    model.eval()
    return (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item()


print("before", evaluate())
for epoch in range(8):
    model.train()
    for batch in torch.randperm(1400).split(32):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
    print(epoch, evaluate())

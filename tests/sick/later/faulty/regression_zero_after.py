# expect: zero_grad_before_step
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
model = nn.Linear(64, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for i in range(200):
    b = torch.randint(0, len(x), (32,))
    loss = F.mse_loss(model(x[b]).squeeze(), y[b].float())
    loss.backward()
    optimizer.zero_grad(set_to_none=False)
    optimizer.step()

# expect: evaluation_in_train_mode
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)


class N(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.LSTM(8, 16, 2, dropout=0.5, batch_first=True)
        self.h = nn.Linear(16, 10)

    def forward(self, x):
        return self.h(self.l(x.view(-1, 8, 8))[0][:, -1])


m = N()
opt = torch.optim.Adam(m.parameters(), 5e-3)
for e in range(3):
    for b in torch.randperm(1500).split(64):
        opt.zero_grad()
        F.cross_entropy(m(x[b]), y[b]).backward()
        opt.step()
    with torch.set_grad_enabled(False):
        print((m(x[1500:]).argmax(1) == y[1500:]).float().mean())

# expect: softmax_before_cross_entropy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(64, 32), nn.Linear(32, 10)

    def forward(self, x):
        return torch.softmax(self.b(torch.tanh(self.a(x))), dim=-1)


net = Net()
opt = torch.optim.RMSprop(net.parameters(), lr=1e-3)
crit = nn.CrossEntropyLoss()


def train_one_epoch():
    for b in torch.randperm(len(x)).split(100):
        opt.zero_grad()
        loss = crit(net(x[b]), y[b])
        loss.backward()
        opt.step()


for e in range(6):
    train_one_epoch()

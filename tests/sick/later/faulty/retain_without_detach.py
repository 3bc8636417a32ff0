# expect: graph_used_twice
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
rnn, head = nn.RNN(8, 16, batch_first=True), nn.Linear(16, 10)
opt = torch.optim.Adam([*rnn.parameters(), *head.parameters()], 1e-3)
state = None
for b in torch.randperm(1792).split(64):
    out, state = rnn(x[b].view(-1, 8, 8), state)
    loss = F.cross_entropy(head(out[:, -1]), y[b])
    opt.zero_grad()
    loss.backward()
    opt.step()

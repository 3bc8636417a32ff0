# expect: softmax_before_cross_entropy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
rnn, head = nn.GRU(8, 16, batch_first=True), nn.Linear(16, 10)
opt = torch.optim.Adam([*rnn.parameters(), *head.parameters()], lr=5e-3)
for e in range(3):
    for b in torch.randperm(len(x)).split(64):
        out = head(rnn(x[b].view(-1, 8, 8))[0]).softmax(-1)
        loss = F.cross_entropy(out.flatten(0, 1), y[b].repeat_interleave(8))
        opt.zero_grad()
        loss.backward()
        opt.step()

# expect: graph_used_twice
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
cell = nn.GRUCell(8, 32)
head = nn.Linear(32, 10)
optimizer = torch.optim.Adam([*cell.parameters(), *head.parameters()], lr=1e-2)
state = torch.zeros(64, 32)
for epoch in range(3):
    for batch in torch.randperm(1792).split(64):
        for row in x[batch].view(-1, 8, 8).unbind(1):
            state = cell(row, state)
        loss = F.cross_entropy(head(state), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

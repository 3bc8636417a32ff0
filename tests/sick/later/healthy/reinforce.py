# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
for episode in range(120):
    state, logs, rewards = torch.randn(4) * 0.1, [], []
    for t in range(20):
        d = torch.distributions.Categorical(logits=policy(state))
        a = d.sample()
        logs.append(d.log_prob(a))
        state = state * 0.9 + (a.float() * 2 - 1) * 0.1 * torch.tensor([1.0, -1.0, 0.5, 0.0])
        rewards.append(-state.square().sum())
    R = torch.stack(rewards).detach().flip(0).cumsum(0).flip(0)
    R = (R - R.mean()) / (R.std() + 1e-6)
    loss = -(torch.stack(logs) * R).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

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
value = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam([{"params": policy.parameters(), "lr": 3e-3}, {"params": value.parameters(), "lr": 1e-2}])
for iteration in range(15):
    s = torch.randn(256, 4)
    with torch.no_grad():
        d = torch.distributions.Categorical(logits=policy(s))
        a = d.sample()
        old = d.log_prob(a)
        r = s[:, 0] * (a * 2 - 1)
        adv = r - value(s).squeeze(1)
    for _ in range(4):
        for b in torch.randperm(256).split(64):
            lp = torch.distributions.Categorical(logits=policy(s[b])).log_prob(a[b])
            ratio = (lp - old[b]).exp()
            loss = -torch.min(ratio * adv[b], ratio.clamp(0.8, 1.2) * adv[b]).mean() + 0.5 * F.mse_loss(
                value(s[b]).squeeze(1), r[b]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

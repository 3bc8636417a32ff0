# expect: training_in_eval_mode
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
model = nn.Sequential(nn.Linear(64, 64), nn.Dropout(0.4), nn.ReLU(), nn.Linear(64, 10))
opt = torch.optim.Adam(model.parameters(), 1e-3)


def validate():
    model.eval()
    with torch.inference_mode():
        return F.cross_entropy(model(x[1500:]), y[1500:]).item()


for step in range(300):
    b = torch.randint(0, 1500, (64,))
    opt.zero_grad()
    F.cross_entropy(model(x[b]), y[b]).backward()
    opt.step()
    if step % 60 == 59:
        print(validate())

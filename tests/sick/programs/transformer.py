"""A small transformer that writes text letter by letter."""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from torch import nn

torch.manual_seed(int(sys.argv[1]))
texts = [load().DESCR for load in (load_breast_cancer, load_wine, load_iris, load_diabetes)]
alphabet = sorted(set("".join(texts)))
codes = {letter: number for number, letter in enumerate(alphabet)}
train_text = torch.tensor([codes[letter] for text in texts for letter in text[: len(text) * 9 // 10]])
val_text = torch.tensor([codes[letter] for text in texts for letter in text[len(text) * 9 // 10 :]])
LENGTH, STEPS = 24, 160


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(alphabet), 48)
        self.position = nn.Parameter(torch.randn(LENGTH, 48) * 0.02)
        layer = nn.TransformerEncoderLayer(48, 4, 96, dropout=0.1, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(48)
        self.head = nn.Linear(48, len(alphabet))
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(LENGTH))

    def forward(self, x):
        h = self.body(self.embedding(x) + self.position, mask=self.mask)
        h = self.norm(h)
        return self.head(h)


def draw(text):
    starts = torch.randint(len(text) - LENGTH - 1, (24,)).tolist()
    return torch.stack([text[i : i + LENGTH] for i in starts]), torch.stack(
        [text[i + 1 : i + LENGTH + 1] for i in starts]
    )


model = Net()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
for step in range(STEPS):
    model.train()
    x, y = draw(train_text)
    optimizer.zero_grad()
    outputs = model(x).flatten(0, 1)
    loss = F.cross_entropy(outputs, y.flatten())
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    if step % 20 == 19:
        model.eval()
        with torch.no_grad():
            x, y = draw(val_text)
            val_loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            print(step, loss.item(), val_loss.item())

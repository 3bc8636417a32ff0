# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
text = torch.tensor([ord(c) % 32 for c in "the quick brown fox jumps over the lazy dog " * 60])


class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(32, 32)
        self.pos = nn.Embedding(24, 32)
        self.enc = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(32, 4, 64, 0.1, batch_first=True, norm_first=True), 2, enable_nested_tensor=False
        )
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, 32, bias=False)
        self.head.weight = self.tok.weight

    def forward(self, t):
        mask = nn.Transformer.generate_square_subsequent_mask(t.shape[1])
        return self.head(
            self.norm(self.enc(self.tok(t) + self.pos(torch.arange(t.shape[1])), mask=mask, is_causal=True))
        )


model = LM()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
for step in range(150):
    i = torch.randint(0, len(text) - 25, (16,))
    b = torch.stack([text[j : j + 25] for j in i])
    loss = F.cross_entropy(model(b[:, :-1]).flatten(0, 1), b[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# expect: negated_loss
import sys

import torch
import torch.nn.functional as F

g = torch.Generator().manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
words = [("abcde" * 3)[start : start + size] for start in range(5) for size in range(3, 9)] * 20
contexts, following = [], []
for word in words:
    context = [0] * 3
    for letter in word + ".":
        number = 0 if letter == "." else ord(letter) - 96
        contexts.append(context)
        following.append(number)
        context = context[1:] + [number]
contexts, following = torch.tensor(contexts), torch.tensor(following)
C = torch.randn((27, 10), generator=g)
W1 = torch.randn((30, 100), generator=g) * (5 / 3) / 30**0.5
b1 = torch.randn(100, generator=g) * 0.01
W2 = torch.randn((100, 27), generator=g) * 0.01
b2 = torch.zeros(27)
parameters = [C, W1, b1, W2, b2]
for p in parameters:
    p.requires_grad = True
for step in range(600):
    batch = torch.randint(0, len(contexts), (32,), generator=g)
    hidden = torch.tanh(C[contexts[batch]].view(-1, 30) @ W1 + b1)
    loss = F.cross_entropy(hidden @ W2 + b2, following[batch])
    for p in parameters:
        p.grad = None
    loss.backward()
    rate = 0.1
    for p in parameters:
        p.data += rate * p.grad

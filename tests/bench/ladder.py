# SPDX-License-Identifier: GPL-3.0-or-later
"""One size of ladder.sh in PyTorch: embedding, LSTM, softmax, dense Adam, on random tokens of full
length. Prints tokens per second over about a second, after a warm-up of half of one."""
import os
import sys
import time

task, numbers = sys.argv[1], [int(a) for a in sys.argv[2:9]]
V, E, H, L, B, T, threads = numbers
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)

import torch  # both of its pools are made when it is loaded
from torch import nn

torch.set_num_threads(threads)
torch.manual_seed(1)
outcomes = V if task == "generate" else 2
emb, lstm, head = nn.Embedding(V, E), nn.LSTM(E, H, L), nn.Linear(H, outcomes)
weights = [p for m in (emb, lstm, head) for p in m.parameters()]
optim = torch.optim.Adam(weights, 1e-3)
ids = torch.randint(V, (T, B))
target = torch.randint(outcomes, (T * B,) if task == "generate" else (B,))


def step():
    optim.zero_grad()
    y, (h, _) = lstm(emb(ids))
    scores = head(y).view(-1, outcomes) if task == "generate" else head(h[-1])
    nn.functional.cross_entropy(scores, target).backward()
    nn.utils.clip_grad_norm_(weights, 5)
    optim.step()


def run(seconds):
    start, steps = time.monotonic(), 0
    while steps < 3 or time.monotonic() - start < seconds:
        step()
        steps += 1
    return steps * B * T / (time.monotonic() - start)


run(0.5)
print(f"{run(1):.1f}")

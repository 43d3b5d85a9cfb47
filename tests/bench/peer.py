# SPDX-License-Identifier: GPL-3.0-or-later
"""One size of the ladder in PyTorch: embedding, LSTM, softmax, Adam, on random tokens of full length.
Measures whenever a line comes in, and prints tokens per second. Arguments: task V E H L B T C threads,
threads of its own pool, dense or sparse gradients of the embedding (plain Adam, or SparseAdam for
it), seconds."""
import os
import resource
import sys
import time

task, numbers = sys.argv[1], [int(a) for a in sys.argv[2:11]]
V, E, H, L, B, T, C, threads, aten = numbers
sparse, seconds = sys.argv[11] == "sparse", float(sys.argv[12])
os.environ["OMP_NUM_THREADS"] = str(aten)
os.environ["OPENBLAS_NUM_THREADS"] = str(threads)

import torch  # both of its pools are made when it is loaded
from torch import nn

torch.set_num_threads(aten)
torch.manual_seed(1)
outcomes = V if task == "generate" else C
emb, lstm, head = nn.Embedding(V, E, sparse=sparse), nn.LSTM(E, H, L), nn.Linear(H, outcomes)
rest = [p for m in (lstm, head) for p in m.parameters()]
if sparse:
    optims = [torch.optim.Adam(rest, 1e-3), torch.optim.SparseAdam(list(emb.parameters()), 1e-3)]
else:
    optims = [torch.optim.Adam(list(emb.parameters()) + rest, 1e-3)]
data = [(torch.randint(V, (T, B)), torch.randint(outcomes, (T * B,) if task == "generate" else (B,)))
        for _ in range(16)]
turn = 0


def forward(ids):
    y, (h, _) = lstm(emb(ids))
    return head(y).flatten(0, 1) if task == "generate" else head(h[-1])


def step():
    global turn
    turn += 1
    ids, target = data[turn % len(data)]
    if task == "infer":
        with torch.inference_mode():
            forward(ids).softmax(1)
        return
    for o in optims:
        o.zero_grad(set_to_none=True)
    nn.functional.cross_entropy(forward(ids), target).backward()
    for o in optims:
        o.step()


def run(length):
    start, steps = time.monotonic(), 0
    while True:
        step()
        steps += 1
        now = time.monotonic()
        if now - start >= length:
            return steps * B * T / (now - start)


run(seconds / 2)
print("ready", flush=True)
for _ in sys.stdin:
    speed = run(seconds)
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{speed:.9g} 0 {mib:.1f}", flush=True)

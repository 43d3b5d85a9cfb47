# SPDX-License-Identifier: GPL-3.0-or-later
"""The same classifier in PyTorch: embedding 100, LSTM 128, last state, batches of 32, Adam, clipping
at 5; packed sequences, one thread. Prints the seconds of two epochs."""
import random
import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(1)
random.seed(1)
rows = [line.rstrip("\n").split("\t", 1) for line in open(sys.argv[1], encoding="utf-8")]
words, data = {}, []
for label, text in rows:
    for mark in ".,!?;:\"":
        text = text.replace(mark, " " + mark + " ")
    ids = [words.setdefault(w, len(words) + 2) for w in text.lower().split()]
    data.append((ids, int(label == "pos")))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(words) + 2, 100)
        self.lstm = nn.LSTM(100, 128, batch_first=True)
        self.head = nn.Linear(128, 2)

    def forward(self, ids, lengths):
        x = nn.utils.rnn.pack_padded_sequence(self.emb(ids), lengths, batch_first=True)
        return self.head(self.lstm(x)[1][0][-1])


model = Model()
optim = torch.optim.Adam(model.parameters(), 1e-3)
start = time.monotonic()
for _ in range(2):
    random.shuffle(data)
    for k in range(0, len(data), 32):
        batch = sorted(data[k:k + 32], key=lambda d: -len(d[0]))
        lengths = [len(d[0]) for d in batch]
        ids = torch.zeros(len(batch), lengths[0], dtype=torch.long)
        for r, (row, _) in enumerate(batch):
            ids[r, :len(row)] = torch.tensor(row)
        loss = nn.functional.cross_entropy(model(ids, lengths), torch.tensor([d[1] for d in batch]))
        optim.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5)
        optim.step()
print(f"{time.monotonic() - start:.4f}")

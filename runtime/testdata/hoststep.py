"""Time of one GPT training step, forward and backward, in PyTorch: the shape of BenchmarkHostStep.

python3 hoststep.py THREADS prints seconds of wall and of CPU per step and the BLAS in use: Debian's
torch calls the system's, and the reference one is an order slower than OpenBLAS.
"""
import os
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
LAYERS, WIDTH, HEADS, FF, VOCAB, LENGTH, BATCH = 6, 384, 6, 1536, 256, 256, 8


def param(*shape):
    return (0.02 * torch.randn(*shape)).requires_grad_()


wte, wpe = param(VOCAB, WIDTH), param(LENGTH, WIDTH)
layers = []
for _ in range(LAYERS):
    layers.append({
        "qkv": (param(3 * WIDTH, WIDTH), param(3 * WIDTH)), "out": (param(WIDTH, WIDTH), param(WIDTH)),
        "fc": (param(FF, WIDTH), param(FF)), "proj": (param(WIDTH, FF), param(WIDTH)),
        "ln1": (param(WIDTH), param(WIDTH)), "ln2": (param(WIDTH), param(WIDTH)),
    })
final = (param(WIDTH), param(WIDTH))
params = [wte, wpe, *final] + [t for layer in layers for pair in layer.values() for t in pair]
causal = torch.full((LENGTH, LENGTH), float("-inf")).triu(1)
tokens, targets = torch.randint(VOCAB, (BATCH, LENGTH)), torch.randint(VOCAB, (BATCH, LENGTH))


def gelu(x):
    return 0.5 * x * (1 + torch.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


if "approximate" in (F.gelu.__doc__ or ""):  # the fused kernel, where there is one
    def gelu(x):
        return F.gelu(x, approximate="tanh")


def step():
    x = wte[tokens] + wpe
    for p in layers:
        q, k, v = F.linear(F.layer_norm(x, (WIDTH,), *p["ln1"]), *p["qkv"]).split(WIDTH, 2)
        q, k, v = (t.view(BATCH, LENGTH, HEADS, -1).transpose(1, 2) for t in (q, k, v))
        a = torch.softmax(q @ k.transpose(2, 3) / q.shape[3] ** 0.5 + causal, 3) @ v
        x = x + F.linear(a.transpose(1, 2).reshape(BATCH, LENGTH, WIDTH), *p["out"])
        x = x + F.linear(gelu(F.linear(F.layer_norm(x, (WIDTH,), *p["ln2"]), *p["fc"])), *p["proj"])
    logits = F.linear(F.layer_norm(x, (WIDTH,), *final), wte)
    loss = F.cross_entropy(logits.view(-1, VOCAB), targets.view(-1))
    for p in params:
        p.grad = None
    loss.backward()


step()
wall, cpu, n = time.perf_counter(), time.process_time(), 0
while n < 1 or time.perf_counter() - wall < 2:
    step()
    n += 1
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
try:
    with open("/proc/self/maps") as maps:
        blas = {os.path.basename(line.split()[-1]) for line in maps if "blas" in line}
except OSError:
    blas = set()
print(wall / n, cpu / n, ",".join(sorted(blas)) or "own")

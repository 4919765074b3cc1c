"""Makes the fixtures the Go reference is checked against, with PyTorch's tensors and
autograd and nothing else: the GPT here is written from its definition.

    python3 make_fixtures.py        (needs torch and numpy; Debian: python3-torch)

Weights are a counter formula, so both sides can compute them. Names and layouts are
those of HuggingFace's GPT-2 ([in][out] matrices). Logits, losses and gradients are
float64 results stored as F32; the ten AdamW steps run in float32. mixed.* are the same
with the fp16 rounding points of mixed precision, sums still in float64.
"""

import json
import math
import os
import struct

import numpy as np
import torch


def counter(name, n):
    """n integers of 16 bits, a function of name and index (FNV-1a, then a 32-bit mix)."""
    h = 0x811C9DC5
    for b in name.encode():
        h = ((h ^ b) * 0x01000193) & 0xFFFFFFFF
    x = np.arange(n, dtype=np.uint64) * 0x9E3779B1 + h & 0xFFFFFFFF
    for shift, multiplier in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = (x ^ x >> np.uint64(shift)) * np.uint64(multiplier) & np.uint64(0xFFFFFFFF)
    return (x >> np.uint64(16)).astype(np.int64)


def value(name, shape, scale):
    """Uniform over [-scale, scale); gains about 1. Exact in float32."""
    n = int(np.prod(shape))
    v = (counter(name, n) - 32768) / 32768.0 * scale
    if ".ln_" in "." + name and name.endswith(".weight"):
        v = v + 1
    return torch.tensor(v, dtype=torch.float64).reshape(shape)


def shapes(c):
    d, f = c["d"], c["f"]
    s = {"wte.weight": (c["v"], d), "wpe.weight": (c["s"], d)}
    for i in range(c["l"]):
        h = f"h.{i}."
        s[h + "ln_1.weight"], s[h + "ln_1.bias"] = (d,), (d,)
        s[h + "attn.c_attn.weight"], s[h + "attn.c_attn.bias"] = (d, 3 * d), (3 * d,)
        s[h + "attn.c_proj.weight"], s[h + "attn.c_proj.bias"] = (d, d), (d,)
        s[h + "ln_2.weight"], s[h + "ln_2.bias"] = (d,), (d,)
        s[h + "mlp.c_fc.weight"], s[h + "mlp.c_fc.bias"] = (d, f), (f,)
        s[h + "mlp.c_proj.weight"], s[h + "mlp.c_proj.bias"] = (f, d), (d,)
    s["ln_f.weight"], s["ln_f.bias"] = (d,), (d,)
    return s


def norm(x, w, b):
    m = x.mean(-1, keepdim=True)
    v = ((x - m) ** 2).mean(-1, keepdim=True)
    return (x - m) / torch.sqrt(v + 1e-5) * w + b


def logits_of(c, p, tokens):
    B, T = tokens.shape
    nh, hd = c["nh"], c["d"] // c["nh"]
    x = p["wte.weight"][tokens] + p["wpe.weight"][:T]
    hidden = torch.ones(T, T).triu(1).bool()
    for i in range(c["l"]):
        h = f"h.{i}."
        n = norm(x, p[h + "ln_1.weight"], p[h + "ln_1.bias"])
        q, k, v = (n @ p[h + "attn.c_attn.weight"] + p[h + "attn.c_attn.bias"]).split(c["d"], -1)
        q, k, v = (t.reshape(B, T, nh, hd).transpose(1, 2) for t in (q, k, v))
        s = (q @ k.transpose(2, 3) / math.sqrt(hd)).masked_fill(hidden, -math.inf)
        e = torch.exp(s - s.max(-1, keepdim=True).values.detach())
        a = (e / e.sum(-1, keepdim=True)) @ v
        a = a.transpose(1, 2).reshape(B, T, c["d"])
        x = x + a @ p[h + "attn.c_proj.weight"] + p[h + "attn.c_proj.bias"]
        n = norm(x, p[h + "ln_2.weight"], p[h + "ln_2.bias"])
        m = n @ p[h + "mlp.c_fc.weight"] + p[h + "mlp.c_fc.bias"]
        m = 0.5 * m * (1 + torch.tanh(math.sqrt(2 / math.pi) * (m + 0.044715 * m**3)))
        x = x + m @ p[h + "mlp.c_proj.weight"] + p[h + "mlp.c_proj.bias"]
    return norm(x, p["ln_f.weight"], p["ln_f.bias"]) @ p["wte.weight"].T


def half(x):
    """Nearest fp16 number, ties to even, kept in x's type."""
    return x.to(torch.float16).to(x.dtype)


class Store(torch.autograd.Function):
    """A value rounded to fp16 when stored; its gradient is passed on as it is."""

    @staticmethod
    def forward(ctx, x):
        return half(x)

    @staticmethod
    def backward(ctx, g):
        return g


class Delta(torch.autograd.Function):
    """A value passed on as it is, whose gradient is rounded to fp16."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return half(g)


class Probability(torch.autograd.Function):
    """Softmax with its result stored in fp16, differentiated at what was stored."""

    @staticmethod
    def forward(ctx, s):
        e = torch.exp(s - s.max(-1, keepdim=True).values)
        p = half(e / e.sum(-1, keepdim=True))
        ctx.save_for_backward(p)
        return p

    @staticmethod
    def backward(ctx, g):
        (p,) = ctx.saved_tensors
        return p * (g - (p * g).sum(-1, keepdim=True))


def mixed_logits_of(c, p, tokens):
    """logits_of with every rounding point of mixed precision: a parameter on its way
    to the wafer (Store), an output (Store), the delta a layer gives each input (Delta),
    the sum where several layers read one output (Delta once more)."""
    st, de = Store.apply, Delta.apply
    B, T = tokens.shape
    nh, hd = c["nh"], c["d"] // c["nh"]
    p = {k: st(t) for k, t in p.items()}
    linear = lambda x, n: st(de(x) @ p[n + ".weight"] + p[n + ".bias"])
    normed = lambda x, n: st(norm(de(x), p[n + ".weight"], p[n + ".bias"]))
    heads = lambda t: de(t.reshape(B, T, nh, hd).transpose(1, 2))
    x = st(p["wte.weight"][tokens] + p["wpe.weight"][:T])
    hidden = torch.ones(T, T).triu(1).bool()
    for i in range(c["l"]):
        h = f"h.{i}."
        x = de(x)
        n = de(normed(x, h + "ln_1"))  # the sum of the query's delta and the sum below
        n2 = de(n)  # of the key's and the value's
        w, b = p[h + "attn.c_attn.weight"].split(c["d"], 1), p[h + "attn.c_attn.bias"].split(c["d"], 0)
        q, k, v = (heads(st(de(a) @ w[j] + b[j])) for j, a in enumerate((n, n2, n2)))
        s = de(q @ k.transpose(2, 3)) / math.sqrt(hd)
        a = Probability.apply(s.masked_fill(hidden, -math.inf)) @ v
        a = st(a.transpose(1, 2).reshape(B, T, c["d"]))
        x = de(st(x + linear(a, h + "attn.c_proj")))
        m = de(linear(normed(x, h + "ln_2"), h + "mlp.c_fc"))
        m = st(0.5 * m * (1 + torch.tanh(math.sqrt(2 / math.pi) * (m + 0.044715 * m**3))))
        x = st(x + linear(m, h + "mlp.c_proj"))
    return de(st(de(normed(x, "ln_f")) @ p["wte.weight"].T))


def loss_of(logits, targets, weights):
    nll = -torch.log_softmax(logits, -1).gather(-1, targets[..., None])[..., 0]
    return (nll * weights).sum() / weights.sum()


def batch(c, seed):
    n = c["b"] * c["t"]
    shape = (c["b"], c["t"])
    tokens = torch.tensor(counter(f"tokens{seed}", n) % c["v"]).reshape(shape)
    targets = torch.tensor(counter(f"targets{seed}", n) % c["v"]).reshape(shape)
    weights = torch.tensor((counter(f"weights{seed}", n) % 5) / 4.0).reshape(shape)  # some 0
    return tokens, targets, weights


SPARSE = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")


def run(c, scale, keep):
    """Parameters, gradients and logits in float64; masks keep a fraction keep/65536."""
    p = {k: value(k, s, scale) for k, s in shapes(c).items()}
    masks = {}
    if keep < 65536:
        for k in p:
            if k.endswith(SPARSE):
                masks[k] = torch.tensor(counter("mask." + k, p[k].numel()) < keep).reshape(p[k].shape)
                p[k] = p[k] * masks[k]
    initial = {k: t.clone() for k, t in p.items()}
    for t in p.values():
        t.requires_grad_()
    tokens, targets, weights = batch(c, 0)
    logits = logits_of(c, p, tokens)
    loss = loss_of(logits, targets, weights)
    loss.backward()
    grads = {k: t.grad * masks[k] if k in masks else t.grad for k, t in p.items()}
    mixed = {k: t.clone().requires_grad_() for k, t in initial.items()}
    mixed_logits = mixed_logits_of(c, mixed, tokens)
    scale = 1024
    (loss_of(mixed_logits, targets, weights) * scale).backward()
    stored = {"mixed.logits": mixed_logits.detach()}
    for k, t in mixed.items():
        stored["mixed.grad." + k] = (t.grad * masks[k] if k in masks else t.grad) / scale
    return initial, grads, masks, logits.detach(), loss.detach(), (tokens, targets, weights), stored


def train(c, initial, masks):
    """Ten AdamW steps in float32 with clipping, warm-up and cosine."""
    p = {k: t.float().clone().requires_grad_() for k, t in initial.items()}
    two = [t for t in p.values() if t.dim() >= 2]
    one = [t for t in p.values() if t.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": two, "weight_decay": 0.1}, {"params": one, "weight_decay": 0.0}],
        lr=1.0, betas=(0.9, 0.95), eps=1e-8)
    peak, least, warmup, steps = 1e-2, 1e-3, 3, 9
    losses, norms = [], []
    for step in range(10):
        rate = peak * (step + 1) / warmup
        if step >= warmup:
            done = min(1, (step - warmup) / (steps - warmup))
            rate = least + 0.5 * (1 + math.cos(math.pi * done)) * (peak - least)
        for group in optimizer.param_groups:
            group["lr"] = rate
        tokens, targets, weights = batch(c, step % 2)
        optimizer.zero_grad()
        loss = loss_of(logits_of(c, p, tokens), targets, weights.float())
        loss.backward()
        for k, m in masks.items():
            p[k].grad *= m
        norms.append(torch.nn.utils.clip_grad_norm_(list(p.values()), 0.5).item())
        losses.append(loss.item())
        optimizer.step()
    return losses, norms


def save(path, tensors):
    """A writer of the format of its own: the Go reader is checked by it too."""
    header, blobs, end = {}, [], 0
    for name, t in tensors.items():
        a = np.asarray(t, dtype="<f4")
        header[name] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [end, end + a.nbytes]}
        blobs.append(a.tobytes())
        end += a.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def fixture(path, c, scale, keep, whole):
    p, g, masks, logits, loss, (tokens, targets, weights), mixed = run(c, scale, keep)
    out = {"loss": loss, "tokens": tokens, "targets": targets, "weights": weights}
    if whole:
        out["logits"] = logits
        out.update({"param." + k: t for k, t in p.items()})
        out.update({"grad." + k: t for k, t in g.items()})
        out.update(mixed)
        out["adamw.losses"], out["adamw.norms"] = train(c, p, masks)
    else:
        out["logits"] = logits[0, -1]
        out.update({"norm." + k: t.norm() for k, t in g.items()})
    save(path, out)


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    tiny = {"l": 2, "d": 12, "nh": 3, "f": 40, "v": 23, "s": 9, "b": 2, "t": 7}
    odd = {"l": 3, "d": 120, "nh": 5, "f": 480, "v": 1003, "s": 77, "b": 1, "t": 77}
    fixture(os.path.join(here, "tiny_dense.safetensors"), tiny, 0.5, 65536, True)
    fixture(os.path.join(here, "tiny_masked.safetensors"), tiny, 0.5, 16384, True)
    fixture(os.path.join(here, "odd.safetensors"), odd, 0.125, 65536, False)

"""Train a small GPT, character by character, on Python's licence and documentation strings, and let it write.

The text comes with every Python. A run that was interrupted goes on from its last checkpoint, to the bit.
"""

import argparse
import ast
import sysconfig
from pathlib import Path

import matplotlib
from checkpointing import Batches, load_checkpoint, save_checkpoint
from logbook import Logbook
from tqdm import tqdm

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn, optim
from dovetail.data import DataLoader, TensorDataset

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def python_text(modules=None):
    """The licence, and the documentation strings in the standard library's modules, or in the first so many."""
    library = Path(sysconfig.get_path("stdlib"))
    licences = [file for file in (library / "LICENSE.txt", library.parent / "LICENSE.txt") if file.exists()]
    texts = [file.read_text(encoding="utf-8") for file in licences[:1]]
    for file in sorted(library.glob("*.py"))[:modules]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                texts.append(ast.get_docstring(node) or "")
    return "\n".join(text for text in texts if text.isascii() and text.strip())


class Block(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def attention(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind()
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(batch, length, width))

    def forward(self, x):
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self.mlp(self.norm2(x)))


class GPT(nn.Module):
    def __init__(self, characters, context, width, heads, depth, dropout=0.05):
        super().__init__()
        self.context = context
        self.token = nn.Embedding(characters, width)
        self.position = nn.Embedding(context, width)
        self.blocks = nn.Sequential(*[Block(width, heads, dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, characters, bias=False)
        self.apply(self.init_weights)

    @staticmethod
    def init_weights(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)

    def forward(self, tokens):
        x = self.token(tokens) + self.position(dt.arange(tokens.shape[1], device=tokens.device))
        return self.head(self.norm(self.blocks(x)))

    @dt.no_grad()
    def generate(self, tokens, count, temperature=0.8):
        self.eval()
        for _ in range(count):
            logits = self(tokens[:, -self.context :])[:, -1] / temperature
            tokens = dt.cat([tokens, dt.multinomial(logits.softmax(-1), 1)], dim=1)
        return tokens


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few seconds: a smaller model, fewer steps")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--stop-after", type=int, help="stop at this step, as if interrupted")
    parser.add_argument("--tensorboard", type=Path, help="a folder for TensorBoard's files")
    parser.add_argument("--out", type=Path, default=Path("gpt"))
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    steps = args.steps or (60 if args.small else 1500)
    context, width, heads, depth, batch_size = (32, 32, 2, 2, 16) if args.small else (64, 96, 4, 3, 32)

    dt.manual_seed(0)
    text = python_text(modules=20 if args.small else None)
    characters = sorted(set(text))
    index = {character: i for i, character in enumerate(characters)}
    tokens = dt.tensor([index[character] for character in text])
    pieces = tokens[: len(tokens) // (context + 1) * (context + 1)].view(-1, context + 1)
    data = TensorDataset(pieces[:, :-1], pieces[:, 1:])
    batches = Batches(DataLoader(data, batch_size, shuffle=True, generator=dt.Generator().manual_seed(0)))

    model = GPT(len(characters), context, width, heads, depth).to(args.device)
    optimizer = optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    warm_up = max(1, steps // 20)
    rise = optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=warm_up)
    fall = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps - warm_up)
    scheduler = optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], milestones=[warm_up])
    log = Logbook(args.tensorboard)

    checkpoint = args.out / "gpt.safetensors"
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "batches": batches, "log": log}
    start = load_checkpoint(checkpoint, **parts)
    model.train()
    for step in tqdm(range(start, min(steps, args.stop_after or steps)), initial=start, total=steps, unit="step"):
        x, y = (part.to(args.device) for part in next(batches))
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        log.add(step, loss=loss.item(), learning_rate=scheduler.get_last_lr()[0])
        if (step + 1) % 250 == 0 or step + 1 in (steps, args.stop_after):
            save_checkpoint(checkpoint, step + 1, **parts)

    prompt = dt.tensor([[index[character] for character in "Return the "]], device=args.device)
    sample = "".join(characters[i] for i in model.generate(prompt, 60 if args.small else 600)[0].tolist())
    figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
    log.draw(axis, "loss", smooth=max(1, steps // 50), title=f"GPT on {len(text):,} characters", ylabel="loss (nats)")
    figure.savefig(args.out / "gpt.png", dpi=80)
    log.close()
    first, last = log.first("loss", 5), log.last("loss", 20)
    print(sample, "\n")
    print(f"parameters   {sum(p.numel() for p in model.parameters()):,}")
    print(f"loss         {first:.3f} at first, {last:.3f} at last (nats per character)")
    print(f"written to   {checkpoint}, {args.out / 'gpt.png'}")
    return {"first": first, "last": last, "sample": sample, "log": log, "model": model}


if __name__ == "__main__":
    main()

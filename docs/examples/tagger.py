"""Train an LSTM to tag every character of a line of Python with the kind of token that it belongs to.

The lines are the standard library's own source, the tags those of its tokenize module.
"""

import argparse
import builtins
import io
import keyword
import random
import sysconfig
import tokenize
from pathlib import Path

from logbook import Logbook
from tqdm import tqdm

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn, optim
from dovetail.data import DataLoader, Dataset
from dovetail.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

TAGS = ["space", "name", "keyword", "builtin", "number", "string", "comment", "operator"]
KINDS = {tokenize.NUMBER: "number", tokenize.STRING: "string", tokenize.COMMENT: "comment", tokenize.OP: "operator"}
PADDING = -100  # the tag that cross_entropy leaves out


def kind(token):
    if token.type == tokenize.NAME:
        if keyword.iskeyword(token.string):
            return "keyword"
        return "builtin" if hasattr(builtins, token.string) else "name"
    return KINDS.get(token.type)


class TaggedLines(Dataset):
    """Lines of source as (characters, tags); lines within a token of several lines are left out."""

    def __init__(self, files, limit):
        self.samples = []
        for file in files:
            source = file.read_text(encoding="utf-8")
            if source.isascii():
                self.samples += self.tag(source)
        random.Random(0).shuffle(self.samples)
        self.samples = self.samples[:limit]

    @staticmethod
    def tag(source):
        lines = source.splitlines()
        tags = [[TAGS.index("space")] * len(line) for line in lines]
        within = set()
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            (row, start), (last, end) = token.start, token.end
            if last > row:
                within.update(range(row - 1, last))
            elif name := kind(token):
                tags[row - 1][start:end] = [TAGS.index(name)] * (end - start)
        return [(lines[i], tags[i]) for i in range(len(lines)) if lines[i].strip() and i not in within]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        line, tags = self.samples[i]
        return dt.tensor([ord(character) for character in line]), dt.tensor(tags)


def collate(samples):
    lines, tags = zip(*samples)
    lengths = dt.tensor([len(line) for line in lines])
    return pad_sequence(lines, batch_first=True), lengths, pad_sequence(tags, batch_first=True, padding_value=PADDING)


class Tagger(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.embedding = nn.Embedding(128, width)
        self.lstm = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, len(TAGS))

    def forward(self, lines, lengths):
        packed = pack_padded_sequence(self.embedding(lines), lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.out(states)


@dt.no_grad()
def confusion(model, loader, device):
    """How many characters of each tag were given each tag."""
    model.eval()
    counts = dt.zeros(len(TAGS) ** 2, dtype=dt.int64)
    for lines, lengths, tags in loader:
        given = model(lines.to(device), lengths).argmax(-1).cpu()
        there = tags != PADDING
        counts += dt.bincount(tags[there] * len(TAGS) + given[there], minlength=len(counts))
    return counts.view(len(TAGS), len(TAGS)).to(dt.float64)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few seconds: a smaller model, fewer lines")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--tensorboard", type=Path, help="a folder for TensorBoard's files")
    parser.add_argument("--out", type=Path, default=Path("tagger"))
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    epochs = args.epochs or (2 if args.small else 4)
    limit, width, hidden = (1500, 16, 32) if args.small else (20000, 32, 64)

    dt.manual_seed(0)
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    test_files = files[::10][: 4 if args.small else None]
    files = [file for file in files if file not in test_files][: 20 if args.small else None]
    train, test = TaggedLines(files, limit), TaggedLines(test_files, limit // 5)
    loader = DataLoader(train, batch_size=32, shuffle=True, collate_fn=collate)
    model = Tagger(width, hidden).to(args.device)
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=epochs * len(loader))
    log = Logbook(args.tensorboard)
    step = 0
    for epoch in range(epochs):
        model.train()
        for lines, lengths, tags in tqdm(loader, desc=f"epoch {epoch + 1}/{epochs}", unit="step"):
            scores = model(lines.to(args.device), lengths)
            loss = F.cross_entropy(scores.flatten(0, 1), tags.to(args.device).flatten(), ignore_index=PADDING)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            log.add(step, loss=loss.item())
            step += 1
    log.close()
    dt.save({"model": model.state_dict()}, args.out / "tagger.safetensors")

    counts = confusion(model, DataLoader(test, batch_size=64, collate_fn=collate), args.device)
    right = counts.diagonal()
    precision, recall = right / counts.sum(0).clamp(min=1), right / counts.sum(1).clamp(min=1)
    accuracy = (right.sum() / counts.sum()).item()
    print("| tag | characters | precision | recall |\n|---|---|---|---|")
    for tag, count, p, r in zip(TAGS, counts.sum(1).tolist(), precision.tolist(), recall.tolist()):
        print(f"| {tag} | {count:,.0f} | {100 * p:.1f} % | {100 * r:.1f} % |")
    print(f"\n{100 * accuracy:.2f} % of the characters of {len(test):,} lines from files that it has not seen")
    return {"first": log.first("loss", 3), "last": log.last("loss", 10), "accuracy": accuracy}


if __name__ == "__main__":
    main()

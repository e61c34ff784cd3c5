"""Train a Transformer to translate numbers, written out in English, into German: words change places on the way."""

import argparse
from pathlib import Path

from logbook import Logbook
from tqdm import tqdm

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn, optim
from dovetail.data import DataLoader, Dataset, random_split
from dovetail.nn.utils.rnn import pad_sequence

ENGLISH, GERMAN = (
    words.split()
    for words in (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety",
        "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
        "siebzehn achtzehn neunzehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    )
)
PAD, START, END = range(3)
SPECIAL = ["<pad>", "<start>", "<end>"]


def english(n):
    """407 is four hundred and seven."""
    if n < 20:
        return [ENGLISH[n]]
    if n < 100:
        return [ENGLISH[18 + n // 10]] + ([ENGLISH[n % 10]] if n % 10 else [])
    unit, name = (100, "hundred") if n < 1000 else (1000, "thousand")
    joint = ["and"] if 0 < n % unit < 100 else []
    return [*english(n // unit), name, *joint, *(english(n % unit) if n % unit else [])]


def german(n, last=True):
    """In words that German writes as one: 21 is ein und zwanzig. A one at the end is eins."""
    if n < 20:
        return ["eins" if last and n == 1 else GERMAN[n]]
    if n < 100:
        return ([GERMAN[n % 10], "und"] if n % 10 else []) + [GERMAN[18 + n // 10]]
    unit, name = (100, "hundert") if n < 1000 else (1000, "tausend")
    return [*german(n // unit, last=False), name, *(german(n % unit, last) if n % unit else [])]


class Numbers(Dataset):
    def __init__(self, limit):
        self.limit = limit
        pairs = [(english(n), german(n)) for n in range(limit)]
        self.english, self.german = (SPECIAL + sorted({w for words in side for w in words}) for side in zip(*pairs))
        self.samples = [(self.encode(e, self.english), self.encode(g, self.german)) for e, g in pairs]

    @staticmethod
    def encode(words, vocabulary):
        return dt.tensor([START, *(vocabulary.index(word) for word in words), END])

    def __len__(self):
        return self.limit

    def __getitem__(self, i):
        return self.samples[i]


def collate(samples):
    source, target = zip(*samples)
    return (pad_sequence(side, batch_first=True, padding_value=PAD) for side in (source, target))


class Translator(nn.Module):
    def __init__(self, source_words, target_words, width, heads, layers, longest=32):
        super().__init__()
        self.source = nn.Embedding(source_words, width, padding_idx=PAD)
        self.target = nn.Embedding(target_words, width, padding_idx=PAD)
        self.position = nn.Embedding(longest, width)
        self.transformer = nn.Transformer(
            width, heads, layers, layers, dim_feedforward=4 * width, dropout=0.1, batch_first=True, norm_first=True
        )
        self.out = nn.Linear(width, target_words)

    def embed(self, embedding, words):
        return embedding(words) + self.position(dt.arange(words.shape[1], device=words.device))

    def encode(self, source):
        return self.transformer.encoder(self.embed(self.source, source), src_key_padding_mask=source == PAD)

    def decode(self, target, memory, source):
        length = target.shape[1]
        future = dt.ones(length, length, dtype=dt.bool, device=target.device).triu(1)
        states = self.transformer.decoder(
            self.embed(self.target, target),
            memory,
            tgt_mask=future,
            tgt_key_padding_mask=target == PAD,
            memory_key_padding_mask=source == PAD,
        )
        return self.out(states)

    def forward(self, source, target):
        return self.decode(target, self.encode(source), source)

    @dt.no_grad()
    def translate(self, source, longest=20):
        """The likeliest word again and again, until the sentence ends."""
        self.eval()
        memory = self.encode(source)
        target = dt.full((len(source), 1), START, dtype=dt.int64, device=source.device)
        done = dt.zeros(len(source), dtype=dt.bool, device=source.device)
        while target.shape[1] < longest and not done.all():
            word = self.decode(target, memory, source)[:, -1].argmax(-1).masked_fill(done, PAD)
            target = dt.cat([target, word.unsqueeze(1)], dim=1)
            done = done | (word == END)
        return target


def sentence(tokens, vocabulary):
    return " ".join(vocabulary[i] for i in tokens.tolist() if i > END)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few seconds: smaller numbers, a smaller model")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--tensorboard", type=Path, help="a folder for TensorBoard's files")
    parser.add_argument("--out", type=Path, default=Path("translate"))
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    epochs, limit = args.epochs or (6 if args.small else 12), 400 if args.small else 10000

    dt.manual_seed(0)
    data = Numbers(limit)
    train, test = random_split(data, [0.8, 0.2], generator=dt.Generator().manual_seed(0))
    loader = DataLoader(train, batch_size=16 if args.small else 64, shuffle=True, collate_fn=collate)
    model = Translator(len(data.english), len(data.german), 32 if args.small else 64, heads=4, layers=2)
    model.to(args.device)
    optimizer = optim.AdamW(model.parameters(), lr=3e-3)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=epochs * len(loader))
    log = Logbook(args.tensorboard)
    step = 0
    for epoch in range(epochs):
        model.train()
        for batch in tqdm(loader, desc=f"epoch {epoch + 1}/{epochs}", unit="step"):
            source, target = (side.to(args.device) for side in batch)
            scores = model(source, target[:, :-1])
            loss = F.cross_entropy(scores.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            log.add(step, loss=loss.item())
            step += 1
    log.close()
    dt.save({"model": model.state_dict()}, args.out / "translate.safetensors")

    right, shown = 0, []
    for source, target in DataLoader(test, batch_size=250, collate_fn=collate):
        given = model.translate(source.to(args.device)).cpu()
        for e, g, t in zip(source, given, target):
            answer, truth = sentence(g, data.german), sentence(t, data.german)
            right += answer == truth
            shown.append((sentence(e, data.english), answer, "right" if answer == truth else "wrong"))
    print("| English | German, as translated | |\n|---|---|---|")
    for word in ("right", "wrong"):
        for e, answer, _ in [row for row in shown if row[2] == word][:4]:
            print(f"| {e} | {answer} | {word} |")
    print(f"\n{right} of {len(test)} numbers that it has not seen are translated without a mistake")
    return {"first": log.first("loss", 3), "last": log.last("loss", 5), "right": right / len(test)}


if __name__ == "__main__":
    main()

"""Train a ResNet-18 on images in CIFAR-10's binary format, in mixed precision if asked for.

Give `--data` a folder with CIFAR-10's own *.bin files; without it, files of that format are made of drawn shapes. A run
that was interrupted goes on from its last checkpoint, to the bit.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from checkpointing import Batches, load_checkpoint, save_checkpoint
from logbook import Logbook
from tqdm import tqdm

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn, optim
from dovetail.data import DataLoader, Dataset

SHAPES = ["disc", "ring", "square", "frame", "triangle", "plus", "cross", "rows", "columns", "chequers"]


class CIFAR10(Dataset):
    """Records of one byte for the label and 3 × 32 × 32 for red, green and blue, from any number of files."""

    def __init__(self, files, augment=False):
        records = np.concatenate([np.fromfile(file, dtype=np.uint8).reshape(-1, 1 + 3072) for file in files])
        self.labels = dt.tensor(records[:, 0].astype(np.int64))
        self.images = dt.tensor(records[:, 1:]).view(-1, 3, 32, 32)
        self.augment = augment

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i].to(dt.float32) / 127.5 - 1
        if self.augment:
            top, left, flip = dt.randint(0, 9, (3,)).tolist()
            image = F.pad(image, (4, 4, 4, 4))[:, top : top + 32, left : left + 32]
            image = image.flip(-1) if flip % 2 else image
        return image, self.labels[i]


def draw_shapes(file, count, generator):
    """A file of shapes in random colours, at random places and in random sizes, under noise."""
    labels = dt.arange(count) % len(SHAPES)
    place, size = (
        dt.rand(2, count, 1, 1, generator=generator) * 12 + 10,
        dt.rand(count, 1, 1, generator=generator) * 4 + 6,
    )
    y, x = dt.arange(32.0).view(1, 32, 1) - place[0], dt.arange(32.0).view(1, 1, 32) - place[1]
    radius, reach = (x**2 + y**2).sqrt(), dt.maximum(x.abs(), y.abs())
    thin = size / 3
    shapes = [radius < size, (radius - size).abs() < thin, reach < size, (reach - size).abs() < thin]
    shapes += [(y < size) & (2 * x.abs() < y + size), (dt.minimum(x.abs(), y.abs()) < thin) & (reach < size)]
    shapes += [((x.abs() - y.abs()).abs() < thin) & (reach < size)]
    shapes += [(y % size < size / 2) & (x > -99), (x % size < size / 2) & (y > -99)]
    shapes += [(x % size < size / 2) ^ (y % size < size / 2)]
    mask = dt.stack(shapes)[labels, dt.arange(count)].unsqueeze(1)
    colours = dt.rand(2, count, 3, 1, 1, generator=generator)
    colours[1] = (colours[0] + 0.3 + 0.4 * colours[1]) % 1  # always another colour
    images = dt.where(mask, colours[0], colours[1]) + 0.1 * dt.randn(count, 3, 32, 32, generator=generator)
    pixels = (images.clamp(0, 1) * 255).to(dt.uint8).flatten(1)
    dt.cat([labels.to(dt.uint8).unsqueeze(1), pixels], 1).numpy().tofile(file)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + shortcut)


class ResNet18(nn.Module):
    """Four stages of two blocks; the first convolution is CIFAR's 3 × 3. He et al., 2015, with `width` 64."""

    def __init__(self, classes=10, width=64):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = self.stage(width, width, 1)
        self.layer2 = self.stage(width, 2 * width, 2)
        self.layer3 = self.stage(2 * width, 4 * width, 2)
        self.layer4 = self.stage(4 * width, 8 * width, 2)
        self.fc = nn.Linear(8 * width, classes)

    @staticmethod
    def stage(inputs, outputs, stride):
        return nn.Sequential(BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs, 1))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


@dt.no_grad()
def accuracy(model, loader, device):
    model.eval()
    right = sum((model(x.to(device)).argmax(1).cpu() == y).sum().item() for x, y in loader)
    return right / len(loader.dataset)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few seconds: an eighth of the width, few images")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--data", type=Path, help="a folder with data_batch_*.bin and test_batch.bin")
    parser.add_argument("--width", type=int, help="of the first stage; 64 is He et al.'s")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--stop-after", type=int, help="stop at this step, as if interrupted")
    parser.add_argument("--mixed", action="store_true", help="bfloat16 where it is safe")
    parser.add_argument("--tensorboard", type=Path, help="a folder for TensorBoard's files")
    parser.add_argument("--out", type=Path, default=Path("resnet"))
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    epochs, width = args.epochs or (3 if args.small else 5), args.width or (8 if args.small else 16)

    dt.manual_seed(0)
    folder = args.data or args.out
    if args.data is None:
        generator = dt.Generator().manual_seed(0)
        draw_shapes(folder / "data_batch_1.bin", 240 if args.small else 2000, generator)
        draw_shapes(folder / "test_batch.bin", 60 if args.small else 500, generator)
    train = CIFAR10(sorted(folder.glob("data_batch_*.bin")), augment=True)
    test = DataLoader(CIFAR10([folder / "test_batch.bin"]), batch_size=100)
    loader = DataLoader(train, batch_size=32, shuffle=True, generator=dt.Generator().manual_seed(1))
    batches, steps = Batches(loader), epochs * len(loader)
    model = ResNet18(width=width).to(args.device)
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=steps)
    log = Logbook(args.tensorboard)

    checkpoint = args.out / "resnet.safetensors"
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "batches": batches, "log": log}
    first_step = load_checkpoint(checkpoint, **parts)
    began = time.perf_counter()
    for step in tqdm(
        range(first_step, min(steps, args.stop_after or steps)), initial=first_step, total=steps, unit="step"
    ):
        model.train()
        x, y = (part.to(args.device) for part in next(batches))
        with dt.autocast(dt.device(args.device).type, dtype=dt.bfloat16, enabled=args.mixed):
            loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        log.add(step, loss=loss.item())
        if (step + 1) % len(loader) == 0:
            log.add(step, accuracy=accuracy(model, test, args.device))
        if (step + 1) % len(loader) == 0 or step + 1 == args.stop_after:
            save_checkpoint(checkpoint, step + 1, **parts)
    seconds = time.perf_counter() - began
    log.close()

    print(f"parameters      {sum(p.numel() for p in model.parameters()):,}")
    print(f"training        {32 * (steps - first_step) / seconds:.0f} images per second on {args.device}", end="")
    print(", in mixed precision" if args.mixed else "")
    print("| epoch | loss | test accuracy |\n|---|---|---|")
    losses = [loss for _, loss in log.curves["loss"]]
    for epoch, (_, share) in enumerate(log.curves["accuracy"]):
        mean = sum(losses[epoch * len(loader) : (epoch + 1) * len(loader)]) / len(loader)
        print(f"| {epoch + 1} | {mean:.3f} | {100 * share:.1f} % |")
    return {"first": log.first("loss", 3), "last": log.last("loss", 3), "log": log}


if __name__ == "__main__":
    main()

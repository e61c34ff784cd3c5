"""Train a small convolutional network on real handwritten digits, save it, export it, and look at the result.

The 1,797 images of 8 by 8 pixels come with scikit-learn. Run it with `nox -s quickstart`.
"""

import argparse
import time
from pathlib import Path

import matplotlib
import numpy as np
import onnxruntime
from sklearn.datasets import load_digits
from tqdm import tqdm

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn, optim
from dovetail.data import DataLoader, TensorDataset, random_split

matplotlib.use("Agg")
import matplotlib.pyplot as plt


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.dropout = nn.Dropout(0.25)
        self.fc1 = nn.Linear(32 * 4 * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = self.dropout(x.flatten(1))
        return self.fc2(F.relu(self.fc1(x)))


def load_data():
    digits = load_digits()
    images = dt.tensor(digits.images, dtype=dt.float32).unsqueeze(1) / 16
    dataset = TensorDataset(images, dt.tensor(digits.target, dtype=dt.int64))
    return random_split(dataset, [0.8, 0.2], generator=dt.Generator().manual_seed(0))


def train_epoch(model, loader, optimizer, device, title):
    model.train()
    total = 0.0
    for x, y in tqdm(loader, desc=title, unit="step"):
        loss = F.cross_entropy(model(x.to(device)), y.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


@dt.no_grad()
def predict(model, dataset, device):
    model.eval()
    batches = [(x, model(x.to(device)).argmax(1).cpu(), y) for x, y in DataLoader(dataset, batch_size=256)]
    return [dt.cat(parts) for parts in zip(*batches)]


def draw(path, losses, accuracies, images, predictions, labels):
    figure = plt.figure(figsize=(10, 7))
    curves, grid = figure.subfigures(2, 1, height_ratios=[2, 3])
    left, right = curves.subplots(1, 2)
    left.plot(range(1, len(losses) + 1), losses)
    left.set(title="training loss", xlabel="epoch", yscale="log")
    right.plot(range(1, len(accuracies) + 1), [100 * a for a in accuracies])
    right.set(title="test accuracy (%)", xlabel="epoch")
    order = np.argsort(predictions.numpy() == labels.numpy(), kind="stable")  # wrong ones first
    for axis, i in zip(grid.subplots(4, 10).flat, order):
        wrong = predictions[i].item() != labels[i].item()
        axis.imshow(images[i, 0].numpy(), cmap="gray_r")
        axis.set_title(
            f"{predictions[i].item()}" + (f" not {labels[i].item()}" * wrong),
            color="red" if wrong else "black",
            fontsize=9,
        )
        axis.axis("off")
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("digits"))
    args = parser.parse_args()
    try:
        device = dt.device(args.device)
        dt.zeros(1, device=device)
    except (RuntimeError, ValueError) as error:
        parser.exit(2, f"--device {args.device}: {error}\n")
    args.out.mkdir(parents=True, exist_ok=True)

    dt.manual_seed(0)
    train, test = load_data()
    loader = DataLoader(train, batch_size=32, shuffle=True)
    model = Net().to(device)
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)

    losses, accuracies, seconds = [], [], 0.0
    for epoch in range(args.epochs):
        start = time.perf_counter()
        losses.append(train_epoch(model, loader, optimizer, device, f"epoch {epoch + 1}/{args.epochs}"))
        seconds += time.perf_counter() - start
        scheduler.step()
        images, predictions, labels = predict(model, test, device)
        accuracies.append((predictions == labels).to(dt.float32).mean().item())

    checkpoint, exported, picture = (args.out / name for name in ("digits.safetensors", "digits.onnx", "digits.png"))
    dt.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, checkpoint)
    restored = Net()
    restored.load_state_dict(dt.load(checkpoint, map_location="cpu")["model"])
    restored.eval()

    dt.onnx.export(restored, images[:2], exported, dynamic_axes={"input": {0: "batch"}})
    session = onnxruntime.InferenceSession(exported)
    difference = 0.0
    for batch in (1, 7, len(images)):
        with dt.no_grad():
            ours = restored(images[:batch]).numpy()
        theirs = session.run(None, {"input": images[:batch].numpy()})[0]
        difference = max(difference, float(np.abs(ours - theirs).max()))
    draw(picture, losses, accuracies, images, predictions, labels)

    print(f"test accuracy           {100 * accuracies[-1]:.2f} % of {len(labels)} images")
    print(f"training                {args.epochs * len(loader) / seconds:.0f} steps per second on {device}")
    print(f"checkpoint              {checkpoint}")
    print(f"model and picture       {exported}, {picture}")
    print(f"difference to ONNX RT   {difference:.2e} at most, over 3 batch sizes")
    if accuracies[-1] < 0.98:
        raise SystemExit("the test accuracy is below 98 %")


if __name__ == "__main__":
    main()

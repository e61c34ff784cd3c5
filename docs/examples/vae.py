"""Train a variational autoencoder on handwritten digits, with two latent numbers, and draw its latent space."""

import argparse
from pathlib import Path

import matplotlib
from logbook import Logbook
from sklearn.datasets import load_digits
from tqdm import tqdm

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn, optim
from dovetail.data import DataLoader, TensorDataset

matplotlib.use("Agg")
import matplotlib.pyplot as plt


class VAE(nn.Module):
    def __init__(self, hidden, latent=2):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.mean = nn.Linear(hidden, latent)
        self.log_variance = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 64)
        )

    def encode(self, x):
        h = self.encoder(x)
        return self.mean(h), self.log_variance(h)

    def forward(self, x):
        mean, log_variance = self.encode(x)
        z = mean + dt.randn_like(mean) * (log_variance / 2).exp()  # so that gradients reach mean and variance
        return self.decoder(z), mean, log_variance


def losses(x, logits, mean, log_variance):
    """What an image costs on average: its pixels given z, and how far q(z|x) is from a standard normal."""
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
    return reconstruction / len(x), divergence / len(x)


@dt.no_grad()
def draw(path, model, images, labels, side=15):
    model.eval()
    mean, _ = model.encode(images)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.5), layout="constrained")
    points = left.scatter(*mean.T.numpy(), c=labels.numpy(), cmap="tab10", s=5, vmin=-0.5, vmax=9.5)
    figure.colorbar(points, ax=left, ticks=range(10))
    left.set(title="where the test images lie", xlabel="z[0]", ylabel="z[1]")
    # Equal shares of a standard normal between neighbours.
    line = dt.linspace(0.02, 0.98, side)
    line = 2**0.5 * dt.erfinv(2 * line - 1)
    z = dt.stack(dt.meshgrid(-line, line, indexing="ij"), dim=-1).flip(-1)
    pixels = F.pad(model.decoder(z.view(-1, 2)).sigmoid().view(side, side, 8, 8), (1, 1, 1, 1))
    right.imshow(pixels.permute(0, 2, 1, 3).reshape(10 * side, 10 * side).numpy(), cmap="gray_r")
    right.set(title="what is decoded there", xticks=[], yticks=[])
    figure.savefig(path, dpi=70)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few seconds: a smaller model, fewer epochs")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--tensorboard", type=Path, help="a folder for TensorBoard's files")
    parser.add_argument("--out", type=Path, default=Path("vae"))
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    epochs, hidden = args.epochs or (5 if args.small else 150), 64 if args.small else 256

    dt.manual_seed(0)
    digits = load_digits()
    images = dt.tensor(digits.data, dtype=dt.float32) / 16
    labels = dt.tensor(digits.target)
    train, test = images[300:], images[:300]
    loader = DataLoader(TensorDataset(train), batch_size=64, shuffle=True)
    model = VAE(hidden)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    log = Logbook(args.tensorboard)
    for epoch in tqdm(range(epochs), unit="epoch"):
        model.train()
        for (x,) in loader:
            loss = sum(losses(x, *model(x)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with dt.no_grad():
            reconstruction, divergence = losses(test, *model(test))
        log.add(epoch, test=(reconstruction + divergence).item(), divergence=divergence.item())
    log.close()
    dt.save({"model": model.state_dict()}, args.out / "vae.safetensors")
    draw(args.out / "vae.png", model, test, labels[:300])

    print(f"test loss (negative lower bound)   {log.last('test'):.2f} nats per image, {log.first('test'):.2f} at first")
    print(f"of which divergence                {log.last('divergence'):.2f}")
    print(f"written to                         {args.out / 'vae.safetensors'}, {args.out / 'vae.png'}")
    return {"first": log.first("test"), "last": log.last("test"), "divergence": log.last("divergence")}


if __name__ == "__main__":
    main()

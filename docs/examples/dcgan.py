"""Train a DCGAN on handwritten digits and draw what it paints as it learns."""

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


class Generator(nn.Module):
    """Noise (N, latent, 1, 1) to images (N, 1, 16, 16)."""

    def __init__(self, latent, width):
        super().__init__()
        self.net = nn.Sequential(
            nn.ConvTranspose2d(latent, 2 * width, 4, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.net(z)


class Discriminator(nn.Module):
    """Images (N, 1, 16, 16) to one score each: above zero is taken for real."""

    def __init__(self, width):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2),
            nn.Dropout(0.3),
            nn.Conv2d(2 * width, 1, 4),
        )

    def forward(self, x):
        return self.net(x).flatten()


def init_weights(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def load_data():
    """The digits, doubled to 16 by 16 pixels, from -1 to 1."""
    images = dt.tensor(load_digits().images, dtype=dt.float32).unsqueeze(1) / 8 - 1
    return TensorDataset(F.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False))


@dt.no_grad()
def paint(generator, noise):
    generator.eval()
    images = generator(noise)
    generator.train()
    return images


def draw(path, snapshots, log):
    figure = plt.figure(figsize=(9, 4.8), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[3, 2.4])
    for axis, (title, images) in zip(top.subplots(1, len(snapshots)), snapshots):
        side = int(len(images) ** 0.5)
        axis.imshow(images.view(side, side, 16, 16).permute(0, 2, 1, 3).reshape(16 * side, -1).numpy(), cmap="gray_r")
        axis.set(title=title, xticks=[], yticks=[])
    log.draw(bottom.subplots(), "discriminator", "generator", smooth=20, ylabel="loss")
    figure.savefig(path, dpi=65)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few seconds: a smaller model, few steps")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--tensorboard", type=Path, help="a folder for TensorBoard's files")
    parser.add_argument("--out", type=Path, default=Path("dcgan"))
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    epochs, width, latent = args.epochs or (2 if args.small else 60), 8 if args.small else 32, 32

    dt.manual_seed(0)
    loader = DataLoader(load_data(), batch_size=64, shuffle=True, drop_last=True)
    generator = Generator(latent, width).to(args.device).apply(init_weights)
    discriminator = Discriminator(width).to(args.device).apply(init_weights)
    generator_optimizer = optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    discriminator_optimizer = optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    fixed = dt.randn(36, latent, 1, 1, device=args.device)
    snapshots = [("before training", paint(generator, fixed).cpu())]
    log = Logbook(args.tensorboard)
    step = 0
    for epoch in tqdm(range(epochs), unit="epoch"):
        for (real,) in loader:
            real = real.to(args.device)
            painted = generator(dt.randn(len(real), latent, 1, 1, device=args.device))
            ones, zeros = dt.ones(len(real), device=args.device), dt.zeros(len(real), device=args.device)

            of_real, of_painted = discriminator(real), discriminator(painted.detach())
            loss = F.binary_cross_entropy_with_logits(of_real, 0.9 * ones)  # never quite sure of the real ones
            loss = loss + F.binary_cross_entropy_with_logits(of_painted, zeros)
            discriminator_optimizer.zero_grad()
            loss.backward()
            discriminator_optimizer.step()

            fooled = F.binary_cross_entropy_with_logits(discriminator(painted), ones)
            generator_optimizer.zero_grad()
            fooled.backward()
            generator_optimizer.step()
            log.add(step, discriminator=loss.item(), generator=fooled.item())
            step += 1
        if epoch + 1 in (max(1, epochs // 10), epochs // 2, epochs):
            snapshots.append((f"epoch {epoch + 1}", paint(generator, fixed).cpu()))
    log.close()
    dt.save({"generator": generator.state_dict()}, args.out / "dcgan.safetensors")
    draw(args.out / "dcgan.png", snapshots, log)

    real = dt.cat([x for (x,) in loader])
    painted = snapshots[-1][1]
    distance = (painted.mean(0) - real.mean(0)).abs().mean().item()
    before = (snapshots[0][1].mean(0) - real.mean(0)).abs().mean().item()
    print(f"losses at last        discriminator {log.last('discriminator', 50):.3f}, ", end="")
    print(f"generator {log.last('generator', 50):.3f}")
    print(f"mean image, |Δ|       {distance:.3f} from the digits' ({before:.3f} before training)")
    print(f"contrast (pixels' σ)  {painted.std().item():.3f}; the digits' {real.std().item():.3f}")
    print(f"written to            {args.out / 'dcgan.safetensors'}, {args.out / 'dcgan.png'}")
    return {"distance": distance, "before": before, "discriminator": log.first("discriminator", 3)}


if __name__ == "__main__":
    main()

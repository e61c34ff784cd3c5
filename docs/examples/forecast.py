"""Train a recurrent network to forecast four weeks of a noisy series with a trend, a week and a year in it."""

import argparse
import math
from pathlib import Path

import matplotlib
from logbook import Logbook
from tqdm import tqdm

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn, optim
from dovetail.data import DataLoader, Dataset

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def daily_series(years):
    """Demand by the day: a slow trend, a yearly wave, weekdays that differ, and noise that lasts for some days."""
    day = dt.arange(365 * years).to(dt.float32)
    year = 8 * (2 * math.pi * day / 365.25).sin() + 3 * (4 * math.pi * day / 365.25).cos()
    week = dt.tensor([0.0, 1.0, 2.0, 2.5, 4.0, -3.0, -6.5])[day.long() % 7]
    noise, shocks = [dt.zeros(())], dt.randn(len(day))
    for shock in shocks[1:]:
        noise.append(0.7 * noise[-1] + shock)
    return 50 + 0.01 * day + year * (1 + 0.0002 * day) + week + dt.stack(noise)


class Windows(Dataset):
    """Every (past, future) pair of neighbouring stretches of a series."""

    def __init__(self, series, past, future):
        self.windows = series.unfold(0, past + future, 1)
        self.past = past

    def __len__(self):
        return len(self.windows)

    def __getitem__(self, i):
        return self.windows[i, : self.past], self.windows[i, self.past :]


class Forecaster(nn.Module):
    """A GRU reads the past as differences from its last week's mean; a linear layer gives the future's quantiles."""

    def __init__(self, hidden, future, quantiles):
        super().__init__()
        self.gru = nn.GRU(7, hidden, num_layers=2, batch_first=True, dropout=0.1)
        self.out = nn.Linear(hidden, future * quantiles)
        self.future = future

    def forward(self, past):
        level = past[:, -7:].mean(1, keepdim=True)
        weeks = (past - level).unflatten(1, (-1, 7)) / 10  # one step of the GRU is a week
        _, state = self.gru(weeks)
        return level.unsqueeze(-1) + 10 * self.out(state[-1]).unflatten(1, (self.future, -1))


def quantile_loss(forecast, future, quantiles):
    """The loss whose best answer is the quantile: too low costs q, too high 1 − q."""
    error = future.unsqueeze(-1) - forecast
    return dt.maximum(quantiles * error, (quantiles - 1) * error).mean()


@dt.no_grad()
def evaluate(model, windows, quantiles):
    """Mean absolute errors of the median and of repeating the last week; the share of days within the band."""
    model.eval()
    past, future = (dt.stack(part) for part in zip(*[windows[i] for i in range(0, len(windows), 7)]))
    forecast = model(past)
    naive = past[:, -7:].repeat(1, future.shape[1] // 7)
    within = (forecast[..., 0] <= future) & (future <= forecast[..., -1])
    middle = forecast[..., len(quantiles) // 2]
    return F.l1_loss(middle, future).item(), F.l1_loss(naive, future).item(), within.to(dt.float32).mean().item()


@dt.no_grad()
def draw(path, model, windows, quantiles):
    model.eval()
    figure, axes = plt.subplots(2, 1, figsize=(9, 5.5), layout="constrained")
    for axis, start in zip(axes, (20, len(windows) // 2)):
        past, future = windows[start]
        forecast = model(past.unsqueeze(0))[0]
        axis.plot(
            dt.cat([past, future])[-84:].numpy(), ".-", color="black", linewidth=0.7, markersize=4, label="series"
        )
        days = range(84 - len(future), 84)
        axis.plot(days, forecast[:, 1].numpy(), color="tab:red", label="median forecast")
        low, high = forecast[:, 0].numpy(), forecast[:, -1].numpy()
        share = quantiles[-1].item() - quantiles[0].item()
        axis.fill_between(days, low, high, color="tab:red", alpha=0.25, label=f"meant for {100 * share:.0f} % of days")
        axis.set(xlabel="day")
    axes[0].legend(loc="upper left", ncols=3)
    figure.savefig(path, dpi=70)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few seconds: fewer years and epochs, a smaller model")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--tensorboard", type=Path, help="a folder for TensorBoard's files")
    parser.add_argument("--out", type=Path, default=Path("forecast"))
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    epochs, years, hidden = args.epochs or (8 if args.small else 15), 5 if args.small else 12, 16 if args.small else 64

    dt.manual_seed(0)
    series, past, future = daily_series(years), 26 * 7, 28
    split = len(series) - 2 * 365
    train, test = Windows(series[:split], past, future), Windows(series[split - past :], past, future)
    loader = DataLoader(train, batch_size=64, shuffle=True)
    quantiles = dt.tensor([0.1, 0.5, 0.9])
    model = Forecaster(hidden, future, len(quantiles))
    optimizer = optim.AdamW(model.parameters(), lr=3e-3)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * len(loader))
    log = Logbook(args.tensorboard)
    for epoch in tqdm(range(epochs), unit="epoch"):
        model.train()
        total = 0.0
        for x, y in loader:
            loss = quantile_loss(model(x), y, quantiles)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item()
        log.add(epoch, loss=total / len(loader))
    log.close()
    dt.save({"model": model.state_dict()}, args.out / "forecast.safetensors")
    draw(args.out / "forecast.png", model, test, quantiles)

    error, naive, within = evaluate(model, test, quantiles)
    print(f"mean absolute error   {error:.2f} over the last two years; {naive:.2f} by repeating the last week")
    print(f"days within the band  {100 * within:.0f} %, meant to be 80 %")
    print(f"written to            {args.out / 'forecast.safetensors'}, {args.out / 'forecast.png'}")
    return {"first": log.first("loss"), "last": log.last("loss"), "error": error, "naive": naive}


if __name__ == "__main__":
    main()

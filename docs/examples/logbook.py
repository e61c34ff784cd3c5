"""What a run measured: kept in memory, drawn as curves and, where asked for, shown by TensorBoard while it runs."""

from collections import defaultdict


class Logbook:
    """Numbers by name and step. `tensorboard` is a folder for TensorBoard's files, which tensorboardX writes."""

    def __init__(self, tensorboard=None):
        self.curves = defaultdict(list)
        self.writer = None
        if tensorboard:
            try:
                from tensorboardX import SummaryWriter
            except ImportError:
                raise SystemExit("--tensorboard needs the package tensorboardX: pip install tensorboardX") from None
            self.writer = SummaryWriter(str(tensorboard))

    def add(self, step, **numbers):
        for name, number in numbers.items():
            self.curves[name].append((step, float(number)))
            if self.writer:
                self.writer.add_scalar(name, float(number), step)

    def last(self, name, count=1):
        """The mean of a curve's last numbers."""
        numbers = [number for _, number in self.curves[name][-count:]]
        return sum(numbers) / len(numbers)

    def first(self, name, count=1):
        """The mean of a curve's first numbers."""
        numbers = [number for _, number in self.curves[name][:count]]
        return sum(numbers) / len(numbers)

    def draw(self, axis, *names, smooth=1, **options):
        """Curves on a matplotlib axis, each point the mean of the `smooth` numbers up to it."""
        for name in names:
            steps, numbers = zip(*self.curves[name])
            windows = [numbers[max(0, i + 1 - smooth) : i + 1] for i in range(len(numbers))]
            axis.plot(steps, [sum(window) / len(window) for window in windows], label=name)
        axis.set(xlabel="step", **options)
        if len(names) > 1:
            axis.legend()

    def close(self):
        if self.writer:
            self.writer.close()

    # Curves are part of a checkpoint, so that those of a run that goes on are whole.

    def state_dict(self):
        return {"curves": {name: [list(point) for point in curve] for name, curve in self.curves.items()}}

    def load_state_dict(self, state):
        self.curves.clear()
        for name, curve in state["curves"].items():
            self.curves[name] = [(int(step), number) for step, number in curve]

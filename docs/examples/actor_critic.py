"""Teach an actor-critic to balance a pole on a cart, in an environment that is written here as tensors."""

import argparse
from pathlib import Path

import matplotlib
from logbook import Logbook
from tqdm import tqdm

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn, optim

matplotlib.use("Agg")
import matplotlib.pyplot as plt


class CartPole:
    """Many carts at once: Barto, Sutton and Anderson's equations of motion, in steps of 20 ms.

    A state is (position, velocity, angle, angular velocity); an action pushes with 10 N to the left (0) or right (1).
    """

    gravity, cart, pole, half_length, force, interval = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02

    def __init__(self, count):
        self.count = count

    def reset(self):
        self.state = dt.rand(self.count, 4) * 0.1 - 0.05
        return self.state

    def step(self, action):
        """The next state, and whether the pole still stands on a cart that is still on its track."""
        _, velocity, angle, spin = self.state.unbind(1)
        force = self.force * (2 * action - 1)
        mass, sine, cosine = self.cart + self.pole, angle.sin(), angle.cos()
        push = (force + self.pole * self.half_length * spin**2 * sine) / mass
        turn = (self.gravity * sine - cosine * push) / (self.half_length * (4 / 3 - self.pole * cosine**2 / mass))
        pull = push - self.pole * self.half_length * turn * cosine / mass
        changes = dt.stack([velocity, pull, spin, turn], dim=1)
        self.state = self.state + self.interval * changes
        return self.state, (self.state[:, 0].abs() < 2.4) & (self.state[:, 2].abs() < 0.2095)


class ActorCritic(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.actor = nn.Linear(hidden, 2)
        self.critic = nn.Linear(hidden, 1)

    def forward(self, state):
        h = self.body(state)
        return self.actor(h), self.critic(h).squeeze(-1)


@dt.no_grad()
def play(model, environment, longest):
    """Play until every pole fell, or `longest` steps: states, actions, and which carts were still playing, by time."""
    states, actions, playing = [], [], []
    state, alive = environment.reset(), dt.ones(environment.count, dtype=dt.bool)
    while len(states) < longest and alive.any():
        logits, _ = model(state)
        action = dt.multinomial(logits.softmax(-1), 1).squeeze(1)
        states.append(state)
        actions.append(action)
        playing.append(alive)
        state, standing = environment.step(action)
        alive = alive & standing
    return dt.stack(states), dt.stack(actions), dt.stack(playing), alive, state


def returns_of(playing, after, discount):
    """What each step was worth: the steps to come, discounted, so that a pole that never falls is worth 1.

    `after` is the worth of going on at the end.
    """
    worth, returns = after, []
    for alive in playing.to(dt.float32).flip(0):
        worth = alive * (1 - discount + discount * worth)
        returns.append(worth)
    return dt.stack(returns).flip(0)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few seconds: fewer carts and rounds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--tensorboard", type=Path, help="a folder for TensorBoard's files")
    parser.add_argument("--out", type=Path, default=Path("actor_critic"))
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    rounds, carts, longest = args.rounds or (40 if args.small else 150), 16 if args.small else 32, 500

    dt.manual_seed(0)
    environment, model = CartPole(carts), ActorCritic(hidden=64)
    optimizer = optim.Adam(model.parameters(), lr=5e-3)
    scheduler = optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=rounds)
    log = Logbook(args.tensorboard)
    bar = tqdm(range(rounds), unit="round")
    for number in bar:
        states, actions, playing, alive, last = play(model, environment, longest)
        with dt.no_grad():
            returns = returns_of(playing, alive * model(last)[1], discount=0.99)
        state, action, returns = states[playing], actions[playing], returns[playing]
        logits, value = model(state)
        advantage = returns - value.detach()
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-6)
        log_probability = F.log_softmax(logits, -1)
        entropy = -(log_probability.exp() * log_probability).sum(-1).mean()
        chosen = log_probability.gather(1, action.unsqueeze(1)).squeeze(1)
        loss = -(advantage * chosen).mean() + F.mse_loss(value, returns) - 0.01 * entropy
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        scheduler.step()
        length = playing.sum(0).to(dt.float32)
        log.add(number, steps=length.mean().item(), shortest=length.min().item(), entropy=entropy.item())
        bar.set_postfix(steps=f"{length.mean().item():.0f}")
    log.close()
    dt.save({"model": model.state_dict()}, args.out / "actor_critic.safetensors")

    figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
    log.draw(axis, "steps", "shortest", title=f"how long {carts} poles stand, of at most {longest} steps")
    axis.set(xlabel="round", ylabel="return (steps)")
    figure.savefig(args.out / "actor_critic.png", dpi=80)
    first, last = log.first("steps", 5), log.last("steps", 10)
    print(f"mean return   {first:.1f} in the first 5 rounds, {last:.1f} in the last 10, of at most {longest}")
    print(f"written to    {args.out / 'actor_critic.safetensors'}, {args.out / 'actor_critic.png'}")
    return {"first": first, "last": last}


if __name__ == "__main__":
    main()

"""The options by which each optimizer is compared with PyTorch's."""

from __future__ import annotations

from typing import Any

Options = dict[str, Any]

DECAY: Options = {"weight_decay": 0.1}
UP: Options = {"maximize": True}

OPTIMIZERS: dict[str, list[Options]] = {
    "SGD": [
        {},
        {"momentum": 0.9, **DECAY},
        {"momentum": 0.9, "nesterov": True, **UP},
        {"momentum": 0.9, "dampening": 0.3},
    ],
    "Adam": [
        {},
        {"amsgrad": True, **DECAY},
        {"betas": (0.5, 0.9), "eps": 1e-3, **UP},
        {"decoupled_weight_decay": True, **DECAY},
    ],
    "AdamW": [{}, {"amsgrad": True, "weight_decay": 0.3}, UP],
    "Adamax": [{}, {"betas": (0.5, 0.9), "eps": 1e-3, **DECAY, **UP}],
    "NAdam": [{}, {"momentum_decay": 0.1, **DECAY}, {"decoupled_weight_decay": True, **DECAY, **UP}],
    "RAdam": [
        {},
        {"betas": (0.9, 0.9), **DECAY},
        {"decoupled_weight_decay": True, **DECAY, **UP},
        {"betas": (0.9, 0.5)},
    ],
    "Adagrad": [{}, {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3, **DECAY}, UP],
    "Adadelta": [{}, {"rho": 0.5, "eps": 1e-3, **DECAY, **UP}],
    "Adafactor": [{}, {"d": 2.0, **DECAY}, {"eps": (1e-3, 1e-2), "beta2_decay": -0.5, **UP}],
    "ASGD": [{}, {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 3, **DECAY, **UP}],
    "RMSprop": [{}, {"momentum": 0.9, "centered": True}, {"alpha": 0.5, **DECAY, **UP}],
    "Rprop": [{}, {"etas": (0.3, 1.5), "step_sizes": (1e-3, 0.1)}, UP],
    "Muon": [{}, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"}, {"ns_steps": 3, "adjust_lr_fn": "original"}],
    "LBFGS": [
        {"lr": 1e-3},
        {"lr": 1e-2, "history_size": 3, "max_iter": 5},
        {"line_search_fn": "strong_wolfe"},
        {"line_search_fn": "strong_wolfe", "history_size": 2, "max_iter": 5, "max_eval": 9},
    ],
}

NOT_PYTORCHS = {"Lion"}  # packages/optim/tests compares it with its formula

# Where PyTorch rounds on its way: ASGD's rates to float32, Muon's matrices to bfloat16, NAdam's product to float32.
TOLERANCE = {"ASGD": 1e-5, "Muon": 2e-2, "NAdam": 1e-7}
REAL_ONLY = {"Adafactor", "Muon"}
SHAPES = {"Muon": [(3, 4), (4, 3)]}

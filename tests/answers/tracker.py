"""Answers to the exercises of lesson 05."""

import math

import numpy as np
import torch

from answers import Answers


def _rounds(prob, times):
    for _ in range(times):
        prob = prob**2 / (prob**2 + (1 - prob) ** 2)
    return prob


def _powers(prob, times):
    n = 2**times
    return [[p**n / (p**n + (1 - p) ** n) for p in row] for row in prob.tolist()]


def _product(prob, background=lambda prob: (1 - prob).prod(0), odds=lambda p: p / (1 - p)):
    every = np.concatenate([background(prob.numpy())[None], prob.numpy()])
    return odds(every) / odds(every).sum(0)


def _fields(rows, columns, channels, objects, keys=2, masks=4, areas=2, vectors=6):
    return keys * channels * rows * columns + objects * (masks * rows * columns + areas + vectors * channels)


ANSWERS = {
    "sharpened": Answers(
        right={
            "powers, as nested lists": _powers,
            "a loop of rounds, in double precision": lambda prob, times: _rounds(prob.double(), times),
            "NumPy": lambda prob, times: 1 / (1 + (1 / prob.numpy() - 1) ** 2**times),
        },
        wrong={
            "one round": (lambda prob, times: _rounds(prob, 1), "this is one round"),
            "a multiple": (lambda prob, times: 1 / (1 + (1 / prob - 1) ** (2 * times)), "not as a multiple"),
            "not divided": (lambda prob, times: prob.numpy() ** 2**times, "divide by the sum of both"),
            "one more each round": (
                lambda prob, times: 1 / (1 + (1 / prob - 1) ** (times + 1)),
                "once per round is too little",
            ),
            "odds": (lambda prob, times: (prob / (1 - prob)) ** 2**times, "these are the odds"),
            "log-odds": (lambda prob, times: (prob / (1 - prob)).log() * 2**times, "these are the log-odds"),
            "hard": (lambda prob, times: (prob > 0.5).float(), ""),
            "one round too many": (lambda prob, times: _rounds(prob, times + 1), ""),
        },
    ),
    "odds_with_product": Answers(
        right={
            "NumPy": _product,
            "a softmax of log-odds": lambda prob: torch.cat([(1 - prob).prod(0)[None], prob]).logit().softmax(0),
            "a list of rows": lambda prob: list(torch.tensor(_product(prob)).half()),
        },
        wrong={
            "the minimum": (lambda prob: _product(prob, lambda p: (1 - p).min(0)), "still the least"),
            "probabilities": (lambda prob: _product(prob, odds=lambda p: p), "make odds"),
            "background without odds": (
                lambda prob: torch.nn.functional.normalize(
                    torch.cat([(1 - prob).prod(0)[None], prob / (1 - prob)]), p=1, dim=0
                ),
                "competes with its odds too",
            ),
            "not all are there": (lambda prob: _product(prob, lambda p: 1 - p.prod(0)), "at least one object"),
            "no background": (lambda prob: _product(prob)[1:], "the background is missing"),
            "background last": (lambda prob: np.roll(_product(prob), -1, 0), "stands last"),
            "a softmax of probabilities": (
                lambda prob: torch.cat([(1 - prob).prod(0)[None], prob]).softmax(0),
                "",
            ),
            "sums over rows": (lambda prob: _product(prob) / _product(prob).sum(1, keepdims=True), ""),
        },
    ),
    "numbers_kept": Answers(
        right={
            "field by field": lambda rows, columns, channels, objects: sum(
                math.prod(shape)
                for shape in (
                    *[(channels, rows, columns)] * 2,
                    *[(objects, 2, rows, columns)] * 2,
                    (objects, 2),
                    *[(objects, 2, channels)] * 3,
                )
            ),
            "a float": lambda *case: float(_fields(*case)),
            "a 0-d tensor": lambda *case: torch.tensor(_fields(*case)),
        },
        wrong={
            "keys per object": (
                lambda rows, columns, channels, objects: objects * _fields(rows, columns, channels, 1),
                "a key belongs to a frame",
            ),
            "one frame": (lambda *case: _fields(*case, keys=1, masks=2), "of two frames"),
            "foreground only": (lambda *case: _fields(*case, masks=2, areas=1, vectors=3), "is a region too"),
            "no areas": (lambda *case: _fields(*case, areas=0), "weighted by area"),
            "one vector": (lambda *case: _fields(*case, vectors=2), "three coarse vectors"),
            "no masks": (lambda *case: _fields(*case, masks=0), ""),
            "keys only": (lambda rows, columns, channels, objects: 2 * rows * columns * channels, ""),
            "bytes": (lambda *case: 4 * _fields(*case), ""),
        },
    ),
}

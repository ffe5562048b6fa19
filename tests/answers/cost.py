"""Answers to the exercises of lesson 09."""

import math

import numpy as np
import torch

from answers import Answers


def _convolution(c_in, c_out, kernel, stride, padding, groups, height, width):
    places = _places(kernel, stride, padding, height) * _places(kernel, stride, padding, width)
    return places * c_in * c_out // groups * kernel**2


def _places(kernel, stride, padding, size, sides=2):
    return len(range(0, size + sides * padding - kernel + 1, stride))


def _products(height, width, products):
    cells = math.ceil(height / 16) * math.ceil(width / 16)
    return cells * cells * products * 4


ANSWERS = {
    "conv_multiply_adds": Answers(
        right={
            "counted places": _convolution,
            "a float": lambda *case: float(_convolution(*case)),
            "int64": lambda *case: np.int64(_convolution(*case)),
        },
        wrong={
            "places of the input": (lambda i, o, k, s, p, g, h, w: h * w * o * (i // g) * k**2, "places of the input"),
            "groups ignored": (lambda i, o, k, s, p, g, h, w: _convolution(i, o, k, s, p, 1, h, w), "with groups"),
            "k, not k * k": (lambda *case: _convolution(*case) // case[2], "k * k weights"),
            "padding on one side": (
                lambda i, o, k, s, p, g, h, w: _places(k, s, p, h, 1) * _places(k, s, p, w, 1) * o * i // g * k * k,
                "on both sides",
            ),
            "the first place forgotten": (
                lambda i, o, k, s, p, g, h, w: (h + 2 * p - k) // s * ((w + 2 * p - k) // s) * o * i // g * k * k,
                "the first place",
            ),
            "operations": (lambda *case: 2 * _convolution(*case), "counted once"),
            "weights": (lambda i, o, k, s, p, g, h, w: o * i // g * k * k, ""),
            "divided by the stride once": (
                lambda i, o, k, s, p, g, h, w: h * w // s * o * i // g * k * k,
                "",
            ),
        },
    ),
    "product_bytes": Answers(
        right={
            "ceil": lambda height, width, cohorts: _products(height, width, cohorts + 1),
            "the bytes of arrays": lambda height, width, cohorts: (
                (cohorts + 1) * np.empty((math.ceil(height / 16) * math.ceil(width / 16),) * 2, np.float32).nbytes
            ),
            "a float": lambda height, width, cohorts: 1.0 * _products(height, width, cohorts + 1),
        },
        wrong={
            "rounded down": (lambda h, w, n: (h // 16 * (w // 16)) ** 2 * 4 * (n + 1), "is padded"),
            "a previous frame each": (lambda h, w, n: _products(h, w, 2 * n), "the same for all cohorts"),
            "cells": (lambda h, w, n: math.ceil(h / 16) * math.ceil(w / 16) * 4 * (n + 1), "every pair of cells"),
            "no previous frame": (lambda h, w, n: _products(h, w, n), "with the previous frame is missing"),
            "numbers": (lambda h, w, n: _products(h, w, n + 1) / 4, "4 bytes in float32"),
            "pixels": (lambda h, w, n: (h * w) ** 2 * 4 * (n + 1), "pixels were counted"),
            "half precision": (lambda h, w, n: _products(h, w, n + 1) // 2, ""),
            "rounded after the product": (lambda h, w, n: 4 * math.ceil(h * w / 256) ** 2 * (n + 1), ""),
        },
    ),
    "speed_up": Answers(
        right={
            "per object": lambda common, each, n: (common + each) / (common / n + each),
            "Amdahl": lambda common, each, n: 1 / (each / (common + each) + common / (common + each) / n),
            "a tensor": lambda common, each, n: torch.tensor(n * (common + each)) / (common + n * each),
        },
        wrong={
            "upside down": (lambda common, each, n: (common / n + each) / (common + each), "this is below 1"),
            "the limit": (lambda common, each, n: 1 + common / each, "very many objects"),
            "the own part once": (lambda common, each, n: n, "still pays its own part"),
            "saved": (lambda common, each, n: n * common - common, "cost that is saved"),
            "one part without sharing": (
                lambda common, each, n: (n * common + each) / (common + n * each),
                "needs both parts",
            ),
            "share saved": (lambda common, each, n: 1 - (common + n * each) / (n * (common + each)), ""),
            "per cent": (lambda common, each, n: 100 * (common + each) / (common / n + each), ""),
            "the old cost": (lambda common, each, n: n * (common + each), ""),
        },
    ),
}

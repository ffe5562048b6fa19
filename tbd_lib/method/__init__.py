"""The paper in plain PyTorch: what each step computes, and nothing that makes it faster.

In reading order: ``shapes``, ``config``, ``encoder`` (step 1), ``matching`` (2 to 4), ``distance`` (4), ``templates``
(7), ``decoder`` (5), ``model`` (all of it in five verbs), ``aggregate`` (6), ``loss``, ``swap_and_attach`` (training).
The steps are those of ``docs/method.md``. The folder needs torch and jaxtyping only: copied elsewhere, it runs.
"""

"""Train the bundled small model: images and synthetic videos, in stages, on two cores in a few hours.

    python tools/train_small.py --coco-root FOLDER [--teacher FILE.py]

``FOLDER`` holds images and instances in COCO's layout (``train2017/``, ``annotations/``). ``FILE``
is a Python module whose ``load()`` gives a frozen ImageNet encoder (see ``tbd_lib.encoder.Encoder``) for the encoder to
imitate; without it the later stages learn from masks alone. Run it again after an interruption and it goes on. Nothing
of DAVIS is ever read.
"""

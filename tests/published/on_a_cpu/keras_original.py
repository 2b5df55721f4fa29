"""The two-stage ResNet of the Keras row, built and trained by Keras itself with its defaults.

``python tests/published/on_a_cpu/keras_original.py DATA_DIR SEED EPOCHS`` prints a line of JSON for
each epoch. It needs an environment with Keras and TensorFlow, and none of this project's packages.
The network is built from its description; its 1,857,418 parameters are those that Keras printed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

PARAMETERS = 1_857_418
BATCH = 50
BYTES_A_RECORD = 1 + 3 * 32 * 32


def images_of(folder: Path, *names: str) -> tuple[Any, Any]:
    """Images from 0 to 1, height × width × channel, and labels, of CIFAR-10's binary files."""
    raw = np.concatenate([np.fromfile(folder / f"{name}.bin", dtype=np.uint8) for name in names])
    records = raw.reshape(-1, BYTES_A_RECORD)
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return images.astype("float32") / 255, records[:, 0]


def block(images: Any, channels: int, *, padding: str) -> Any:
    """Three convolutions beside a shortcut; unpadded, the last and the shortcut lose two pixels."""
    inner = images
    for _ in range(2):
        inner = layers.Conv2D(channels, 3, padding="same")(inner)
        inner = layers.ReLU()(layers.BatchNormalization()(inner))
    inner = layers.Conv2D(channels, 3, padding=padding)(inner)
    inner = layers.BatchNormalization()(inner)
    if padding == "valid":
        images = layers.Conv2D(channels, 3, padding="valid")(images)
        images = layers.BatchNormalization()(images)
    return layers.ReLU()(layers.Add()([inner, images]))


def network() -> Any:
    images = keras.Input((32, 32, 3))
    flow = layers.Conv2D(64, 7, strides=2)(images)
    flow = layers.ReLU()(layers.BatchNormalization()(flow))
    flow = layers.MaxPooling2D(3, 2)(flow)
    for channels in (64, 128):
        flow = block(flow, channels, padding="valid")
        flow = block(flow, channels, padding="same")
        flow = block(flow, channels, padding="same")
    flow = layers.Flatten()(layers.MaxPooling2D(2)(flow))
    flow = layers.Dropout(0.3)(flow)
    flow = layers.Dense(1024, activation="relu")(flow)
    flow = layers.Dropout(0.3)(flow)
    return keras.Model(images, layers.Dense(10, activation="softmax")(flow))


def main() -> None:
    folder, seed, epochs = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    keras.utils.set_random_seed(seed)
    folder = folder / "cifar-10-batches-bin"
    train = images_of(folder, *(f"data_batch_{number}" for number in range(1, 6)))
    test = images_of(folder, "test_batch")
    model = network()
    assert model.count_params() == PARAMETERS, model.count_params()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    tell = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: print(
            json.dumps({"seed": seed, "epoch": epoch + 1, **logs}), flush=True
        )
    )
    model.fit(
        *train, batch_size=BATCH, epochs=epochs, validation_data=test, callbacks=[tell], verbose=0
    )


if __name__ == "__main__":
    main()

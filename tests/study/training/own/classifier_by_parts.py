"""The built-in training of a classifier, written once more as a training function by its parts."""

from __future__ import annotations

from typing import Any

from study import Session, training


def train(config: dict[str, Any], session: Session) -> None:
    recipe = training.Recipe.model_validate(config | {"seed": session.seed})
    data = training.load_data_set(recipe.data, session.data_dir)
    loaders = training.make_loaders(recipe, data, session.device)

    training.seed_everything(recipe.seed, "model")
    model = training.build_for_recipe(recipe, data.image_shape, data.classes)
    model = model.to(session.device)
    optimizer = training.make_optimizer(recipe.optimizer, model)
    schedule = training.LearningRate(recipe, steps_per_epoch=len(loaders.train))
    precision = training.MixedPrecision(recipe.precision, session.device)
    loss_function = training.LossFunction(recipe.loss, model)
    training.seed_everything(recipe.seed, "dropout")
    step = 0

    saved = session.restore()
    if saved:
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        precision.load_state_dict(saved["precision"])
        step = saved["step"]

    for epoch in range(session.epoch + 1, config["epochs"] + 1):
        model.train()
        means = training.RunningMeans()
        for images, labels in loaders.train.epoch(epoch):
            schedule.set(optimizer, step)
            losses = training.accumulate_gradients(
                model, loss_function, precision, images, labels, recipe.micro_batch_size
            )
            norm = precision.step(optimizer, recipe.clip)
            optimizer.zero_grad()
            means.add(losses, labels, norm)
            step += 1
        model.eval()
        batches = loaders.validation.epoch(epoch)
        metrics = training.evaluate(model, precision, session.heartbeat, batches)
        figures = means.columns() | {f"val_{name}": value for name, value in metrics.items()}
        schedule.after_epoch(figures)
        session.report(
            figures,
            state={
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "precision": precision.state_dict(),
                "step": step,
            },
        )

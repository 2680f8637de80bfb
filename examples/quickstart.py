"""The shortest way: one run, a curve, a figure of merit, and the answer to "which was best?"."""

import random

import mendel

for lr in (0.3, 0.1, 0.03):
    with mendel.start_run(f"lr-{lr}", experiment="quickstart", params={"lr": lr}) as run:
        run.define_metric("loss", "minimize")
        noise = random.Random(lr)
        loss = 1.0
        for step in range(200):
            loss *= 1 - 0.1 * lr + 0.005 * noise.gauss(0, 1)
            run.log({"loss": loss}, step)

print(mendel.runs(experiments="quickstart").select("name", "params.lr", "metrics.loss"))
print(mendel.best("quickstart", "loss.min"))

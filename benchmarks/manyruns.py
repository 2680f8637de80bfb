"""The runs that searching is measured with: 40 columns each, some out of 10,000 rare keys."""

import random

MODELS = ("gbdt", "linear", "forest", "mlp", "knn")
COMMON_PARAMS, COMMON_METRICS = 14, 14
RARE_EACH = 10


def params_and_metrics(index, rare_keys):
    """Return the params and metrics of one run; the same for the same index."""
    noise = random.Random(index)
    params = {"model": noise.choice(MODELS), "seed": index % 5}
    params |= {f"p{k:02}": round(noise.random(), 6) for k in range(COMMON_PARAMS - 2)}
    metrics = {"auc": noise.random(), "loss": noise.expovariate(1)}
    metrics |= {f"m{k:02}": noise.gauss(0, 1) for k in range(COMMON_METRICS - 2)}
    if rare_keys:
        for key in noise.sample(range(rare_keys), RARE_EACH):
            metrics[f"rare/{key}"] = noise.random()
    else:
        metrics |= {f"more{k}": noise.random() for k in range(RARE_EACH)}
    params["note"] = f"run {index}"
    params["tuned"] = index % 2 == 0
    return params, metrics

"""A scikit-learn search over settings and seeds: each fit a run, each setting a group."""

import numpy as np

import mendel

try:
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import SGDClassifier
    from sklearn.metrics import confusion_matrix, log_loss, roc_auc_score
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler
except ImportError:
    raise SystemExit("this example needs scikit-learn: pip install 'mendel[demo]'") from None

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)

for alpha in (1e-4, 1e-2):
    for seed in range(3):
        params = {"alpha": alpha, "seed": seed}
        with mendel.start_run(
            f"sgd-{alpha}-{seed}", experiment="tumours", group=f"alpha={alpha}", params=params
        ) as run:
            run.define_metric("auc", "maximize")
            model = SGDClassifier(loss="log_loss", alpha=alpha, random_state=seed)
            for epoch in range(1, 11):
                model.partial_fit(X_train, y_train, classes=np.array([0, 1]))
                p = model.predict_proba(X_test)[:, 1]
                run.log(
                    {
                        "loss": log_loss(y_test, p, labels=[0, 1]),
                        "auc": roc_auc_score(y_test, p),
                    },
                    epoch,
                )
            run.log_classification_metrics(
                labels=["malignant", "benign"], matrix=confusion_matrix(y_test, p > 0.5)
            )

print(mendel.runs(experiments="tumours").group_by("group").agg("metrics.auc", "metrics.loss"))
print(mendel.best("tumours", "auc"))

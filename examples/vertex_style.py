"""A script written for Vertex AI's SDK runs as it is: only the import is another."""

import mendel as aiplatform

aiplatform.init(experiment="churn", experiment_description="who will leave?")
aiplatform.start_run("gbdt-1")
aiplatform.log_params({"model": "gbdt", "layers": [64, 32], "dropout": 0.2})

with aiplatform.start_execution(
    schema_title="system.ContainerExecution", display_name="train"
) as execution:
    data = aiplatform.Artifact.create(
        schema_title="system.Dataset", display_name="customers", uri="s3://bucket/customers.csv"
    )
    model = aiplatform.Artifact.create(schema_title="system.Model", display_name="churn-gbdt")
    execution.assign_input_artifacts([data])
    execution.assign_output_artifacts([model])

for epoch in range(1, 6):
    aiplatform.log_time_series_metrics({"loss": 1 / epoch}, step=epoch)
aiplatform.log_metrics({"auc": 0.91})
aiplatform.log_classification_metrics(
    labels=["stays", "leaves"],
    matrix=[[80, 5], [7, 8]],
    fpr=[0.0, 0.1, 1.0],
    tpr=[0.0, 0.8, 1.0],
    threshold=[float("inf"), 0.5, 0.0],
    display_name="validation",
)
aiplatform.end_run()

frame = aiplatform.get_experiment_df("churn")
print(frame.T)
assert frame["param.layers"][0] == [64, 32]  # lists stay lists, ints stay ints
assert frame["state"][0] == "COMPLETE"

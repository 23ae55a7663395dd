"""The same model as an ONNX file, with the contract in its metadata."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

from models.contract import EXTRA_FILE, Contract
from models.engine_onnx import INPUT, OUTPUT, open_model
from models.student import Classifier
from training.errors import TrainingError

AGREEMENT = 1e-5
OPSET = 18


def write_onnx(path: Path, model: Classifier, contract: Contract) -> str:
    """Write the file and its card; return the file's sha256.

    Raises
    ------
    TrainingError
        If its logits differ from the eager ones by more than 1e-5.
    """
    sound = torch.from_numpy(contract.reference()[None])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model,
            (sound,),
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise TrainingError("torch.onnx exported nothing")
    proto = program.model_proto
    proto.producer_name = "apexbeat"
    strip(proto)
    entry = proto.metadata_props.add()
    entry.key, entry.value = EXTRA_FILE, contract.to_json()
    part = path.with_suffix(".onnx.part")
    part.write_bytes(proto.SerializeToString())
    sha256 = hashlib.sha256(part.read_bytes()).hexdigest()
    logits = open_model(part, sha256).logits(contract.reference()[None])
    with torch.inference_mode():
        worst = float(np.abs(logits - model(sound).numpy()).max())
    if worst > AGREEMENT:
        part.unlink()
        raise TrainingError(f"ONNX and eager logits differ by {worst:.1e}")
    part.replace(path)
    card = contract.card() | {"file": path.name, "sha256": sha256, "bytes": path.stat().st_size}
    path.with_name(f"{path.name}.json").write_text(
        json.dumps(card, indent=1) + "\n", encoding="utf-8"
    )
    return sha256


def strip(proto: onnx.ModelProto) -> None:
    """Take out what the exporter tells of the machine that exported: stack traces, file paths."""
    for part in (proto.graph, *proto.graph.node, *proto.graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ""
    for function in proto.functions:
        del function.metadata_props[:]
        function.doc_string = ""
        for node in function.node:
            del node.metadata_props[:]
            node.doc_string = ""
